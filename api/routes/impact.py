"""Impact: what a price or a policy would move, before it is heard."""

from datetime import date
from typing import Annotated, ClassVar, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.access import READERS, Caller, Contextual, GuardedRoute, Viewing, door
from api.bodies import JSON, body_of
from api.errors import EventRefusedError
from api.event_results import refusal_of
from api.fields import Currency, Money
from billing.errors import LedgerError
from billing.money import format_minor
from consumers.receive import Receiver
from projections.impact import Moved, impact
from schemas.reading import Event, Unreadable
from schemas.reasons import Reason

router = APIRouter(route_class=GuardedRoute, tags=["forecast"])
MOST_CUSTOMERS: Final = 20_000
REACHES: Final = ("price.published", "customer.changed", "tenant.configured")
EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "rent-2027",
    "source": "/catalog",
    "type": "price.published",
    "tenantid": "acme",
    "data": {
        "product_id": "laptop-standard",
        "price_id": "rent",
        "amount": "33.00",
        "effective": "2027-01-01",
        "applies": "next_period",
    },
}


class ImpactTooLargeError(LedgerError):
    """An event reaches more customers than are computed while a request waits."""

    code: ClassVar[str] = "impact_too_large"


class MovedInvoices(BaseModel):
    """A customer's next invoices with the event and without it."""

    customer_id: str
    currency: Currency
    days: list[date]
    before: Money
    after: Money
    services: int


class MovedTotal(BaseModel):
    """All moved invoices of one currency."""

    currency: Currency
    customers: int
    before: Money
    after: Money


class ImpactShown(BaseModel):
    """What an event would move on the invoices till the first one that it can reach."""

    computed_at_seq: int
    effective: date
    is_past: bool = Field(description="It counts from a day that has passed: it corrects what was invoiced.")
    until: date
    customers: int = Field(description="Whose invoices it moves.")
    services: int
    totals: list[MovedTotal]
    largest: list[MovedInvoices] = Field(description="Those that are moved most.")
    set_aside: dict[str, str] = Field(description="Customers that can't be computed, and why.")


@router.post(
    "/impact",
    operation_id="get_impact",
    summary="What a price or a policy would move",
    **door(
        *READERS,
        errors=(
            "event_refused",
            "price_unknown",
            "customer_unknown",
            "impact_too_large",
            "body_too_large",
            "media_type_unsupported",
        ),
        body={
            "required": True,
            "content": {
                media: {"schema": {"type": "object"}, "example": EXAMPLE}
                for media in ("application/cloudevents+json", JSON)
            },
        },
    ),
)
def get_impact(
    context: Contextual, key: Caller, view: Viewing, body: Annotated[bytes, Depends(body_of)]
) -> ImpactShown:
    """Compute the next invoices with an event and without it; nothing is kept.

    For `price.published`, `customer.changed` and `tenant.configured`.
    """
    receiver = Receiver(key.tenant_id, "", context.settings.tenant_sources, context.clock)
    event = receiver.read(body)
    if isinstance(event, Unreadable):
        raise EventRefusedError([refusal_of(event)])
    if event.attributes["type"] not in REACHES:
        raise EventRefusedError([refusal_of(_out_of_reach(event))])

    def bounded(_done: int, total: int) -> None:
        if total > MOST_CUSTOMERS:
            raise ImpactTooLargeError(
                f"it reaches {total} customers, and at most {MOST_CUSTOMERS} are computed here; an operator "
                "can ask with billing prices set --dry-run, or billing policies"
            )

    found = impact(view.cursor, view.tenant_id, event.attributes, clock=context.clock, progress=bounded)
    return ImpactShown(
        computed_at_seq=found.seq,
        effective=found.effective,
        is_past=found.is_past,
        until=found.until,
        customers=found.customers,
        services=found.services,
        totals=[
            MovedTotal(
                currency=currency,
                customers=total.customers,
                before=format_minor(total.before_minor, currency),
                after=format_minor(total.after_minor, currency),
            )
            for currency, total in sorted(found.totals.items())
        ],
        largest=[_moved(one) for one in found.largest],
        set_aside=found.set_aside,
    )


def _out_of_reach(event: Event) -> Unreadable:
    envelope = {name: event.attributes[name] for name in ("source", "id", "type")}
    detail = f"type = {envelope['type']!r}: its impact is not computed; send one of {', '.join(REACHES)}"
    return Unreadable(Reason.UNKNOWN_TYPE, detail, "type", None, envelope)


def _moved(one: Moved) -> MovedInvoices:
    return MovedInvoices(
        customer_id=one.customer_id,
        currency=one.currency,
        days=list(one.days),
        before=format_minor(one.before_minor, one.currency),
        after=format_minor(one.after_minor, one.currency),
        services=one.services,
    )
