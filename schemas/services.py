"""Lifecycle events of services (BILLING.md §2)."""

from typing import Annotated, Any, Final, Literal, Required

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas.envelope import Envelope, Supersedes
from schemas.fields import (
    STRICT,
    Attributes,
    Day,
    Effective,
    Identifier,
    JsonForm,
    PriceOverrideChanges,
    PriceOverrides,
    Quantity,
)

CHANGEABLE: Final = ("customer_id", "product_id", "quantity", "price_overrides", "attributes")


class Planned(TypedDict, total=False):
    """A service that is to go live."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Required[Identifier]
    customer_id: Required[Identifier]
    product_id: Required[Identifier]
    quantity: Quantity
    effective: Required[Effective]
    price_overrides: PriceOverrides
    attributes: Attributes
    supersedes: Supersedes


class Activated(TypedDict, total=False):
    """A service that is live; customer and product stay as before when not named."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Required[Identifier]
    customer_id: Identifier
    product_id: Identifier
    quantity: Quantity
    effective: Required[Effective]
    price_overrides: PriceOverrides
    attributes: Attributes
    supersedes: Supersedes
    already_billed_through: Annotated[Day, Field(description="The last day that another system billed")]
    free_until: Annotated[Day, Field(description="The first day that is charged")]


class Changed(TypedDict, total=False):
    """What is named is replaced; what is not named stays."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Required[Identifier]
    customer_id: Identifier
    product_id: Identifier
    quantity: Quantity
    effective: Required[Effective]
    price_overrides: PriceOverrideChanges
    attributes: Attributes
    supersedes: Supersedes


class Marked(TypedDict, total=False):
    """A service that is suspended, resumed, stopped or returned."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Required[Identifier]
    effective: Required[Effective]
    attributes: Attributes
    supersedes: Supersedes


class Voided(TypedDict, total=False):
    """Names an event that never happened."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Required[Identifier]
    effective: Required[Effective]
    supersedes: Required[Supersedes]


def _changes_something(data: dict[str, Any]) -> dict[str, Any]:
    if not any(name in data for name in CHANGEABLE):
        raise PydanticCustomError("remedy", f"name at least one of {', '.join(CHANGEABLE)}")
    return data


class ServiceScheduled(Envelope, total=False):
    """A service is planned: nothing is charged, the forecast shows it."""

    type: Required[Literal["service.scheduled"]]
    dataschema: Literal["urn:billing-ledger:service.scheduled:1"]
    data: Required[Planned]


class ServiceActivated(Envelope, total=False):
    """A service is active from its effective day on, which may lie ahead."""

    type: Required[Literal["service.activated"]]
    dataschema: Literal["urn:billing-ledger:service.activated:1"]
    data: Required[Activated]


class ServiceChanged(Envelope, total=False):
    """Quantity, product, own prices, customer or attributes of a service are replaced."""

    type: Required[Literal["service.changed"]]
    dataschema: Literal["urn:billing-ledger:service.changed:1"]
    data: Required[
        Annotated[
            Changed,
            AfterValidator(_changes_something),
            JsonForm({"anyOf": [{"required": [name]} for name in CHANGEABLE]}),
        ]
    ]


class ServiceSuspended(Envelope, total=False):
    """Nothing recurring is charged until the service is resumed."""

    type: Required[Literal["service.suspended"]]
    dataschema: Literal["urn:billing-ledger:service.suspended:1"]
    data: Required[Marked]


class ServiceResumed(Envelope, total=False):
    """A suspended service is charged again."""

    type: Required[Literal["service.resumed"]]
    dataschema: Literal["urn:billing-ledger:service.resumed:1"]
    data: Required[Marked]


class ServiceDeactivated(Envelope, total=False):
    """Nothing more is charged."""

    type: Required[Literal["service.deactivated"]]
    dataschema: Literal["urn:billing-ledger:service.deactivated:1"]
    data: Required[Marked]


class ServiceReturned(Envelope, total=False):
    """The device came back: as deactivated, and prices with the trigger `return` are charged."""

    type: Required[Literal["service.returned"]]
    dataschema: Literal["urn:billing-ledger:service.returned:1"]
    data: Required[Marked]


class ServiceVoided(Envelope, total=False):
    """The event named in `supersedes` never happened."""

    type: Required[Literal["service.voided"]]
    dataschema: Literal["urn:billing-ledger:service.voided:1"]
    data: Required[Voided]
