"""Manual adjustments: one-off charges and credits that a person enters (BILLING.md §8)."""

from typing import Annotated, Any, Literal, Required

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas.envelope import Envelope, Supersedes
from schemas.fields import STRICT, Currency, Effective, Identifier, Money, Text


class Adjustment(TypedDict, total=False):
    """One charge or credit, with why and by whom. No personal data belongs into its texts."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    adjustment_id: Required[
        Annotated[Identifier, Field(description="Keys the line; a correction under the same id supersedes")]
    ]
    customer_id: Required[Identifier]
    amount: Required[Annotated[Money, Field(description="Signed: a credit is negative; never zero")]]
    currency: Annotated[Currency, Field(description="Default: the tenant's")]
    effective: Required[Annotated[Effective, Field(description="The day from which it is due")]]
    service_id: Annotated[Identifier, Field(description="The service that it is about, if it is about one")]
    text: Annotated[Text, Field(description="What the invoice says; default: the reason")]
    reason: Required[Annotated[Text, Field(description="Why it was made")]]
    author: Required[Annotated[Text, Field(description="Who entered it: a user's id, no personal data")]]
    supersedes: Supersedes


class WithdrawnAdjustment(TypedDict, total=False):
    """The adjustment named in `supersedes` is taken back, with why and by whom."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    customer_id: Required[Identifier]
    supersedes: Required[Supersedes]
    reason: Required[Annotated[Text, Field(description="Why it is taken back")]]
    author: Required[Annotated[Text, Field(description="Who takes it back: a user's id, no personal data")]]


def _moves_something(data: dict[str, Any]) -> dict[str, Any]:
    if not any(digit in "123456789" for digit in data["amount"]):
        raise PydanticCustomError("remedy", "write an amount that is not zero")
    return data


class AdjustmentEntered(Envelope, total=False):
    """A manual adjustment is entered: a one-time line of its own."""

    type: Required[Literal["adjustment.entered"]]
    dataschema: Literal["urn:billing-ledger:adjustment.entered:1"]
    data: Required[Annotated[Adjustment, AfterValidator(_moves_something)]]


class AdjustmentVoided(Envelope, total=False):
    """An adjustment is taken back."""

    type: Required[Literal["adjustment.voided"]]
    dataschema: Literal["urn:billing-ledger:adjustment.voided:1"]
    data: Required[WithdrawnAdjustment]
