"""Preview: a customer's next invoices, if nothing more is heard; and what was known at an earlier time."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.access import READERS, Caller, Contextual, GuardedRoute, Viewing, door
from api.fields import Currency, EventRef, Money, PathId, event_ref
from api.moments import Moment, moment_that_came
from api.routes.invoices import AccountCredit, InvoiceLine, line_of
from api.routes.services import Rate, SingleAmount, State, amount_of, rate_of, states_of
from billing.money import format_minor
from projections import customers
from projections.billrun import CustomerUnknownError
from projections.preview import PlannedCharge, PreviewedInvoice, seen
from projections.replay import ReplayedInvoice, replay

router = APIRouter(route_class=GuardedRoute, tags=["forecast"])


class Planned(BaseModel):
    """What a scheduled service would be charged, were it activated as planned; no part of `net`."""

    service_id: str
    product_id: str
    price_id: str
    period_start: date
    period_end: date
    amount: Money


class Draft(BaseModel):
    """An invoice as it would be issued on its day; it has no number."""

    due_for: date
    currency: Currency
    net: Money
    account_credit: AccountCredit | None = Field(description="Null where everything is planned.")
    amount_due: Money | None
    lines: list[InvoiceLine]
    planned: list[Planned]


class Preview(BaseModel):
    """The next invoices of a customer: of every billing day that was missed, and of the next one."""

    customer_id: str
    computed_at_seq: int
    drafts: list[Draft]
    set_aside: str | None = Field(description="Why nothing can be told, where that is so.")


class ServiceThen(BaseModel):
    """A service as it was known."""

    service_id: str
    timeline: list[State]


class IssuedThen(BaseModel):
    """A document that was issued by then."""

    number: str
    kind: str
    currency: Currency
    net: Money
    due_for: date
    issued_on: date
    seq: int
    computed_at_seq: int


class AnomalyThen(BaseModel):
    """What made no sense then."""

    code: str
    event: EventRef
    detail: str


class CustomerThen(BaseModel):
    """What was known of a customer, folded from the facts heard by then and nothing else."""

    customer_id: str
    seq: int = Field(description="The last fact by then.")
    moment: datetime
    services: list[ServiceThen]
    rates: list[Rate]
    amounts: list[SingleAmount]
    anomalies: list[AnomalyThen]
    drafts: list[Draft] = Field(description="What a preview would have shown.")
    invoices: list[IssuedThen]
    set_aside: dict[str, str] = Field(description="What can't be told, and why.")


@router.get(
    "/customers/{customer_id}/preview",
    operation_id="get_preview",
    summary="Preview the next invoices of a customer",
    **door(*READERS, errors=("customer_unknown",)),
)
def get_preview(view: Viewing, customer_id: PathId) -> Preview:
    """Compute what the next invoices of a customer will carry, with the explanation of each line.

    Equal to what is issued on those days if nothing is heard in between, but for what is planned.
    """
    if not customers.of_customers(view.cursor, view.tenant_id, [customer_id]):
        raise CustomerUnknownError(f"there is no customer {customer_id!r}; see /v1/customers")
    found = seen(view.cursor, view.tenant_id, clock=view.clock, customer_id=customer_id)
    return Preview(
        customer_id=customer_id,
        computed_at_seq=found.computed_at_seq,
        drafts=[_draft(one) for one in found.invoices],
        set_aside=found.set_aside.get(customer_id),
    )


@router.get(
    "/customers/{customer_id}/history",
    operation_id="get_customer_as_of",
    summary="Show a customer as it was known",
    **door(*READERS, errors=("customer_unknown", "as_of_unknown")),
)
def get_customer_as_of(
    context: Contextual, key: Caller, view: Viewing, customer_id: PathId, as_of: Moment
) -> CustomerThen:
    """Fold the facts heard by then: services, charges, documents, and the next invoices as they were."""
    wanted = moment_that_came(as_of, view)
    found = replay(context.connect, key.tenant_id, customer_id, wanted, clock=context.clock)
    return CustomerThen(
        customer_id=customer_id,
        seq=found.seq,
        moment=found.moment,
        services=[
            ServiceThen(service_id=one.service_id, timeline=states_of(view.cursor, view.tenant_id, one))
            for one in found.timelines
        ],
        rates=[rate_of(one) for one in found.run_rates],
        amounts=[amount_of(one) for one in found.amounts],
        anomalies=[
            AnomalyThen(code=one.code, event=event_ref(*one.ref), detail=one.detail)
            for one in found.anomalies
        ],
        drafts=[_draft(one) for one in found.preview],
        invoices=[_issued(one) for one in found.invoices],
        set_aside=dict(found.set_aside),
    )


def _draft(one: PreviewedInvoice) -> Draft:
    return Draft(
        due_for=one.due_for,
        currency=one.currency,
        net=format_minor(one.net_minor, one.currency),
        **_settled(one),
        lines=[line_of(place, line.as_data(one.currency)) for place, line in enumerate(one.lines, start=1)],
        planned=[_planned(charge) for charge in one.planned],
    )


def _settled(one: PreviewedInvoice) -> dict[str, Any]:
    if one.settlement is None:
        return {"account_credit": None, "amount_due": None}
    return one.settlement.as_data(one.currency)


def _planned(charge: PlannedCharge) -> Planned:
    return Planned(
        service_id=charge.service_id,
        product_id=charge.product_id,
        price_id=charge.price_id,
        period_start=charge.period_start,
        period_end=charge.period_end,
        amount=format_minor(charge.amount_minor, charge.currency),
    )


def _issued(one: ReplayedInvoice) -> IssuedThen:
    return IssuedThen(
        number=one.number,
        kind=one.kind,
        currency=one.currency,
        net=format_minor(one.net_minor, one.currency),
        due_for=one.due_for,
        issued_on=one.issued_on,
        seq=one.seq,
        computed_at_seq=one.computed_at_seq,
    )
