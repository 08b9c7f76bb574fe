"""Credits: a whole document taken back by another over its lines."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.access import Caller, Contextual, GuardedRoute, door
from api.fields import SPOKEN, Currency, Money, PathId
from billing.money import format_minor
from ledger.accounts import CreditedDocument
from projections.crediting import credit

router = APIRouter(route_class=GuardedRoute, tags=["invoices"])


class CreditOrder(BaseModel):
    """Why a document is taken back, and who decides it."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=SPOKEN)] = Field(
        description="It stays in the ledger."
    )
    author: Annotated[str, Field(min_length=1, max_length=200, pattern=SPOKEN)] | None = Field(
        default=None, description="A user's id. Default: the key's id."
    )


class Credited(BaseModel):
    """The document that takes another back."""

    number: str = Field(examples=["CN-000007"])
    kind: Literal["invoice", "credit_note"]
    credits: str = Field(description="The document that is taken back.", examples=["INV-000042"])
    customer_id: str
    net: Money
    currency: Currency


@router.post(
    "/invoices/{number}/credit",
    operation_id="credit_invoice",
    summary="Take back a whole invoice",
    status_code=201,
    **door(
        "finance",
        "admin",
        errors=(
            "invoice_unknown",
            "nothing_to_credit",
            "version_conflict",
            "body_too_large",
            "media_type_unsupported",
        ),
    ),
)
def credit_invoice(context: Contextual, key: Caller, number: PathId, order: CreditOrder) -> Credited:
    """Issue a document over what stands of another's lines; what is still entitled is due again.

    Nothing is changed: both documents stay.
    """
    wanted = CreditedDocument(number, order.reason, order.author or key.key_id)
    with context.connect() as connection:
        issued = credit(connection, context.connect, key.tenant_id, wanted, clock=context.clock)
    document = issued.document
    return Credited(
        number=issued.number,
        kind="credit_note" if document.kind == "credit_note" else "invoice",
        credits=number,
        customer_id=document.customer_id,
        net=format_minor(document.net_minor, document.currency),
        currency=document.currency,
    )
