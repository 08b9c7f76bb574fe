"""Services: what is billed, how each came to be as it is, and what is charged for it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from psycopg import Cursor
from pydantic import BaseModel, Field

from api.access import READERS, GuardedRoute, View, Viewing, door
from api.errors import ServiceUnknownError
from api.fields import Currency, EventRef, Money, PathId, QueryId, Seq, event_ref
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from api.routes.anomalies import Anomaly
from billing.days import FOREVER, Day, to_date
from billing.money import format_minor
from billing.segments import Plan, Segment
from billing.timeline import Timeline
from ledger.personal import is_commitment, reveal
from projections import anomalies, charges, facts, invoices, pages, service_list, services
from projections.charges import Amount, RunRate
from projections.pages import Order, Wanted
from projections.service_list import ServiceFilter, ServiceState

router = APIRouter(route_class=GuardedRoute, tags=["services"])


class Service(BaseModel):
    """A service as it is today, by the ledger's clock."""

    service_id: str = Field(examples=["svc-1001"])
    state: ServiceState = Field(
        description="planned: only scheduled; scheduled: activated, from a day to come; "
        "unknown: its facts make nothing of it yet."
    )
    since: date | None = Field(description="From which day it is in this state, or will be.")
    customer_id: str | None = Field(description="Who holds it, or held it last.", examples=["c-17"])
    product_id: str | None = Field(examples=["laptop-standard"])
    quantity: str | None = Field(examples=["1"])


class State(BaseModel):
    """Days on which the service was in one state. `end` is the first day that does not belong to it."""

    start: date
    end: date | None = Field(description="null: until further notice.")
    state: Literal["active", "suspended", "planned"]
    customer_id: str
    product_id: str
    quantity: str
    own_prices: dict[str, str] = Field(description="The service's own amounts, by price.")
    attributes: dict[str, Any] = Field(description="Personal values that were erased are null.")
    events: list[EventRef] = Field(description="What made it so.")
    ended_by: EventRef | None


class ServiceFact(BaseModel):
    """One event of the service, in the order in which the ledger heard them."""

    seq: Seq
    type: str = Field(examples=["service.activated"])
    event: EventRef
    effective: str = Field(description="From when it counts, as it was sent.", examples=["2026-06-24"])
    recorded_at: datetime = Field(description="When the ledger heard it.")
    withdrawn_by: EventRef | None = Field(description="The event that supersedes it, if one does.")


class ServiceDetail(Service):
    """A service with its timeline, the events behind it, and what makes no sense yet."""

    timeline: list[State]
    events: list[ServiceFact]
    anomalies: list[Anomaly]


class Rate(BaseModel):
    """The same amount for every full period between two days."""

    customer_id: str
    product_id: str
    price_id: str
    quantity: str
    unit_amount: str
    amount: Money = Field(description="For each full period.")
    currency: Currency
    interval: str = Field(examples=["month"])
    timing: str = Field(examples=["in_advance"])
    alignment: str = Field(description="Where periods begin.", examples=["calendar"])
    anchor_day: int = Field(ge=1, le=31)
    starts: date
    ends: date | None = Field(description="null: until further notice.")


class SingleAmount(BaseModel):
    """A part of a full period, or a one-time charge."""

    customer_id: str
    product_id: str
    price_id: str
    kind: Literal["recurring", "one_time"]
    quantity: str
    unit_amount: str
    amount: Money
    currency: Currency
    period_start: date
    period_end: date
    full_start: date | None
    full_end: date | None
    due: date = Field(description="The first issue date on which it is due.")


class ChargeSchedule(BaseModel):
    """All that was ever and will ever be charged for a service, by what is known now."""

    service_id: str
    rates: list[Rate]
    amounts: list[SingleAmount]


class ServiceLine(BaseModel):
    """A line of an issued document that charges or credits the service."""

    number: str = Field(examples=["INV-000042"])
    line: int = Field(ge=1)
    customer_id: str
    currency: Currency
    product_id: str
    price_id: str
    kind: Literal["recurring", "one_time"]
    quantity: str
    unit_amount: str
    period_start: date
    period_end: date
    full_start: date | None
    full_end: date | None
    amount: Money
    reverses: str | None = Field(description="DOCUMENT/LINE that this line takes back.")
    adjusts: str | None = Field(description="DOCUMENT/LINE of which this line is the difference.")


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Service]]:
    after = "" if wanted.after is None else str(wanted.after[0])
    asked = ServiceFilter(**(wanted.filters or {}))  # type: ignore[arg-type]  # the route's own filters
    found = service_list.page(
        view.cursor, view.tenant_id, asked, today=view.today(), after=after, limit=wanted.limit
    )
    return [(Service(**_service(item)), (item.timeline.service_id,)) for item in found]


SERVICES: Final = Listed("services", Service, {"service_id": Order(("service_id",), ("text",))}, _fetch)


def _fetch_lines(view: View, wanted: Wanted) -> list[Fetched[ServiceLine]]:
    found = pages.page(view.cursor, view.tenant_id, invoices.LINES, wanted)
    return [(_line(one.row), one.key) for one in found]


LINES: Final = Listed("invoice-lines", ServiceLine, invoices.LINES.orders, _fetch_lines)


@router.get(
    "/services",
    operation_id="list_services",
    summary="List services",
    response_model=Page[Service],
    **list_door(*READERS, item=Service),
)
def list_services(
    asked: Asked,
    customer_id: Annotated[QueryId, Query(description="Who holds it, or ever held it.")] = None,
    product_id: QueryId = None,
    service_type: QueryId = None,
    state: Annotated[ServiceState | None, Query(description="As it is today.")] = None,
    prefix: Annotated[QueryId, Query(description="What its id begins with.")] = None,
    sort: Literal["service_id"] = "service_id",
) -> Response:
    """List the services of the tenant by id, each as it is today."""
    filters = {
        "customer_id": customer_id,
        "product_id": product_id,
        "service_type": service_type,
        "state": state,
        "prefix": prefix or "",
    }
    return answer(SERVICES, asked, sort, filters)


@router.get(
    "/services/{service_id}",
    operation_id="get_service",
    summary="Show a service with its timeline",
    **door(*READERS, errors=("service_unknown",)),
)
def get_service(view: Viewing, service_id: PathId) -> ServiceDetail:
    """Show what a service is today, each state it was or will be in, and the events that made it so."""
    timeline = _timeline(view, service_id)
    today = Day(view.today().toordinal())
    return ServiceDetail(
        **_service(service_list.on(timeline, today)),
        timeline=states_of(view.cursor, view.tenant_id, timeline),
        events=_events(view, timeline),
        anomalies=[
            Anomaly.of(row)
            for row in anomalies.of_subject(view.cursor, view.tenant_id, f"service/{service_id}")
        ],
    )


@router.get(
    "/services/{service_id}/charges",
    operation_id="get_charge_schedule",
    summary="Show the charge schedule of a service",
    **door(*READERS, errors=("service_unknown",)),
)
def get_charge_schedule(view: Viewing, service_id: PathId) -> ChargeSchedule:
    """Show all that was and will be charged: rates for full periods, and the single amounts beside them."""
    _timeline(view, service_id)
    rates, amounts = charges.of_services(view.cursor, view.tenant_id, [service_id])
    return ChargeSchedule(
        service_id=service_id,
        rates=[rate_of(one) for one in rates],
        amounts=[amount_of(one) for one in amounts],
    )


@router.get(
    "/services/{service_id}/invoice-lines",
    operation_id="list_service_lines",
    summary="List what was invoiced for a service",
    response_model=Page[ServiceLine],
    **list_door(*READERS, item=ServiceLine, errors=("service_unknown",)),
)
def list_service_lines(
    asked: Asked, view: Viewing, service_id: PathId, sort: Literal["issued", "-issued"] = "issued"
) -> Response:
    """List the lines of issued documents that charge or credit a service, in the order of issue."""
    _timeline(view, service_id)
    return answer(LINES, asked, sort, {"service_id": service_id})


def _timeline(view: View, service_id: str) -> Timeline:
    held = services.service(view.cursor, view.tenant_id, service_id)
    if not held:
        raise ServiceUnknownError(f"there is no service {service_id!r}; see /v1/services")
    return services.timeline_of(held[0])


def _service(found: service_list.Listed) -> dict[str, Any]:
    held = found.held
    return {
        "service_id": found.timeline.service_id,
        "state": found.state,
        "since": found.since,
        "customer_id": None if held is None else held.customer_id,
        "product_id": None if held is None else held.product_id,
        "quantity": None if held is None else held.quantity.text,
    }


def states_of(cursor: Cursor[Any], tenant_id: str, timeline: Timeline) -> list[State]:
    """Return the states of a service as they are shown, with the values of personal attributes."""
    commitments = {
        value for one in timeline.segments for value in one.attributes.values() if is_commitment(value)
    }
    values = reveal(cursor.connection, tenant_id, {str(value) for value in commitments})
    known = [_segment(one, values) for one in timeline.segments]
    return [*known, *(_plan(one) for one in timeline.plans)]


def _segment(one: Segment, values: Mapping[str, Any]) -> State:
    return State(
        start=to_date(one.start),
        end=None if one.end == FOREVER else to_date(one.end),
        state="suspended" if one.suspended else "active",
        **_held(one),
        attributes={
            name: values.get(str(value)) if is_commitment(value) else value
            for name, value in one.attributes.items()
        },
        ended_by=None if one.ended_by is None else event_ref(*one.ended_by),
    )


def _plan(one: Plan) -> State:
    return State(
        start=to_date(one.start), end=None, state="planned", **_held(one), attributes={}, ended_by=None
    )


def _held(one: Segment | Plan) -> dict[str, Any]:
    return {
        "customer_id": one.customer_id,
        "product_id": one.product_id,
        "quantity": one.quantity.text,
        "own_prices": {price_id: amount.text for price_id, amount in one.own_prices},
        "events": [event_ref(*ref) for ref in one.causes],
    }


def _events(view: View, timeline: Timeline) -> list[ServiceFact]:
    stream = f"service/{timeline.service_id}"
    known = facts.heard(facts.streams(view.cursor, view.tenant_id, [stream]).get(stream, []))
    moments = facts.moments(view.cursor, view.tenant_id, [seq for _, seq in known])
    withdrawn = {tuple(superseded): by for superseded, by in timeline.withdrawals}
    return [
        ServiceFact(
            seq=seq,
            type=event["type"],
            event=event_ref(event["source"], event["id"]),
            effective=event["data"]["effective"],
            recorded_at=moments[seq],
            withdrawn_by=event_ref(*by) if (by := withdrawn.get((event["source"], event["id"]))) else None,
        )
        for event, seq in known
    ]


def rate_of(one: RunRate) -> Rate:
    """Return a run-rate as it is shown."""
    return Rate(
        customer_id=one.customer_id,
        product_id=one.product_id,
        price_id=one.price_id,
        quantity=one.quantity,
        unit_amount=one.unit_amount,
        amount=format_minor(one.amount_minor, one.currency),
        currency=one.currency,
        interval=one.interval,
        timing=one.timing,
        alignment=one.alignment,
        anchor_day=one.anchor_day,
        starts=one.starts,
        ends=one.ends,
    )


def amount_of(one: Amount) -> SingleAmount:
    """Return a single amount as it is shown."""
    return SingleAmount(
        customer_id=one.customer_id,
        product_id=one.product_id,
        price_id=one.price_id,
        kind="recurring" if one.kind == "recurring" else "one_time",
        quantity=one.quantity,
        unit_amount=one.unit_amount,
        amount=format_minor(one.amount_minor, one.currency),
        currency=one.currency,
        period_start=one.period_start,
        period_end=one.period_end,
        full_start=one.full_start,
        full_end=one.full_end,
        due=one.due,
    )


def _line(row: tuple[Any, ...]) -> ServiceLine:
    number, line, customer_id, currency, _, product_id, price_id, kind, quantity, unit_amount = row[:10]
    start, end, full_start, full_end, minor, reverses, adjusts, _ = row[10:]
    return ServiceLine(
        number=number,
        line=line,
        customer_id=customer_id,
        currency=currency,
        product_id=product_id,
        price_id=price_id,
        kind=kind,
        quantity=quantity,
        unit_amount=unit_amount,
        period_start=start,
        period_end=end,
        full_start=full_start,
        full_end=full_end,
        amount=format_minor(minor, currency),
        reverses=reverses,
        adjusts=adjusts,
    )
