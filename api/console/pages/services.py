"""Services: found by what they are; and one, with its timeline drawn and what each event of it charged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import pairwise
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from api.access import View, Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.meanings import ANOMALIES
from api.console.rendering import day, page, period, value_text, words
from api.console.track import Mark, Span, track
from api.fields import PathId, QueryId
from api.lists import QueryCursor, page_of
from api.routes import customers as api_customers
from api.routes.services import (
    LINES,
    SERVICES,
    ServiceDetail,
    ServiceFact,
    State,
    get_charge_schedule,
    get_service,
)
from billing.days import to_date
from billing.facts import EventRef, effective_of
from projections import charged_by, policies
from projections.charged_by import ChargedLine
from projections.service_list import STATES, ServiceState

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Services"
ROWS: Final = 50
FIRST_LINES: Final = 12
"""So many invoice lines stand on the page of a service; the others on a page of their own."""

LOOKED_THROUGH: Final = 120
"""So many parts of documents, the latest, are looked through for charges of events: ten years of months."""

MOST_AMOUNTS: Final = 50
States = Sequence[tuple[str, State]]
"""The states of a service, each with its name."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it is told: its number on the track, its day, what it made, its lines."""

    number: int
    day: date
    fact: ServiceFact
    made: str
    lines: Sequence[ChargedLine]

    @property
    def sums(self) -> dict[str, int]:
        """What the lines come to, in minor units, by currency."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.currency] = found.get(line.currency, 0) + line.amount_minor
        return found


@router.get("/services", **page_door())
def list_services(
    request: Request,
    view: Viewing,
    *,
    customer_id: Annotated[QueryId, Query()] = None,
    product_id: QueryId = None,
    service_type: QueryId = None,
    state: ServiceState | None = None,
    prefix: QueryId = None,
    cursor: QueryCursor = None,
) -> Response:
    """List services by id, each as it is today; the filters are the API's."""
    asked = {
        "customer_id": customer_id,
        "product_id": product_id,
        "service_type": service_type,
        "state": state,
        "prefix": prefix or "",
    }
    found = page_of(SERVICES, view, sort="service_id", filters=asked, cursor=cursor, limit=ROWS)
    return page(
        request,
        "services.html",
        place=PLACE,
        items=found.items,
        names=_names(view, (one.customer_id for one in found.items)),
        asked=asked,
        states=STATES,
        narrowed=any(asked.values()),
        more=found.next and address("/services", {**asked, "cursor": found.next}),
    )


@router.get("/services/{service_id}", **page_door())
def show_service(request: Request, view: Viewing, service_id: PathId) -> Response:
    """Show a service: its timeline, its events and what they charged, its charges to come, its lines."""
    detail = get_service(view, service_id)
    schedule = get_charge_schedule(view, service_id)
    lines = page_of(
        LINES, view, sort="-issued", filters={"service_id": service_id}, cursor=None, limit=FIRST_LINES
    )
    charged = charged_by.of_service(view.cursor, view.tenant_id, service_id, parts=LOOKED_THROUGH)
    today = view.today()
    states = list(_states(detail.timeline, today))
    spans = list(_spans(states))
    zone = policies.zone_of_customers(
        view.cursor, view.tenant_id, {one.customer_id for one in detail.timeline}
    )
    told = list(_told(detail, states, charged.by_event, zone))
    amounts = sorted(schedule.amounts, key=lambda one: (one.due, one.period_start), reverse=True)
    holders = {detail.customer_id}
    holders |= {one.customer_id for one in detail.timeline}
    holders |= {one.customer_id for one in schedule.rates} | {one.customer_id for one in amounts}
    return page(
        request,
        "service.html",
        place=PLACE,
        service=detail,
        meanings=ANOMALIES,
        states=states,
        spans=spans,
        track=track(spans, [_mark(one) for one in told], today),
        told=told,
        charges_are_whole=charged.is_whole,
        looked_through=LOOKED_THROUGH,
        rates=sorted(schedule.rates, key=lambda one: one.starts, reverse=True),
        amounts=amounts[:MOST_AMOUNTS],
        amounts_left=max(len(amounts) - MOST_AMOUNTS, 0),
        lines=lines.items,
        more=lines.next and address(f"{_path(service_id)}/lines", {"cursor": lines.next}),
        names=_names(view, holders),
    )


@router.get("/services/{service_id}/lines", **page_door())
def list_lines(
    request: Request, view: Viewing, service_id: PathId, *, cursor: QueryCursor = None
) -> Response:
    """List what was invoiced for a service, the last first."""
    detail = get_service(view, service_id)
    found = page_of(
        LINES, view, sort="-issued", filters={"service_id": service_id}, cursor=cursor, limit=ROWS
    )
    return page(
        request,
        "service_lines.html",
        place=PLACE,
        service=detail,
        lines=found.items,
        more=found.next and address(f"{_path(service_id)}/lines", {"cursor": found.next}),
    )


def _path(service_id: str) -> str:
    return f"/services/{quote(service_id, safe='')}"


def _names(view: View, customer_ids: Iterable[str | None]) -> dict[str, str | None]:
    known = sorted({name for name in customer_ids if name is not None})
    return {one.customer_id: one.name for one in api_customers.shown(view, known)}


def _told(
    detail: ServiceDetail, states: States, by_event: Mapping[EventRef, Sequence[ChargedLine]], zone: tzinfo
) -> Iterator[Told]:
    for number, fact in enumerate(detail.events, start=1):
        ref = EventRef(fact.event.source, fact.event.id)
        made = _made(fact, states)
        yield Told(number, _day(fact.effective, zone), fact, made, by_event.get(ref, ()))


def _made(fact: ServiceFact, states: States) -> str:
    """Return in words which states an event began, or that it ended the last one."""
    said = []
    for (_, before), (name, after) in pairwise([("", None), *states, ("", None)]):
        follows = _follows(before, after)
        if before is not None and before.ended_by == fact.event and not follows:
            said.append("ends it")
        if after is None or fact.event != (before.ended_by if before and follows else after.events[-1]):
            continue
        held = before.attributes if before and follows else {}
        new = [
            f"{each} {value_text(value)}"
            for each, value in after.attributes.items()
            if held.get(each) != value
        ]
        what = f"{name}, {after.product_id} \N{MULTIPLICATION SIGN} {after.quantity}"
        said.append(f"makes it {', '.join([what, *new])}")
    return "; then ".join(said)


def _day(effective: str, zone: tzinfo) -> date:
    found = effective_of(effective)
    return found.astimezone(zone).date() if isinstance(found, datetime) else to_date(found)


def _mark(one: Told) -> Mark:
    said = f"{one.number}: {words(one.fact.type)}, {day(one.day)}"
    return Mark(one.number, one.day, said, one.fact.withdrawn_by is not None)


def _spans(states: States) -> Iterator[Span]:
    """Yield the states as spans; a plan holds until the next one begins."""
    plans = [one.start for name, one in states if name == "planned"]
    differs = len({one.quantity for _, one in states}) > 1
    for name, one in states:
        end = one.end
        if name == "planned":
            end = min((start for start in plans if start > one.start), default=None)
        label = f"\N{MULTIPLICATION SIGN} {one.quantity}" if differs and name == "active" else ""
        yield Span(one.start, end, name, f"{name}, {period(one.start, end)}", label)


def _states(timeline: Sequence[State], today: date) -> Iterator[tuple[str, State]]:
    """Yield each state with its name: scheduled is what will be active and does not go on from today."""
    name, before = "", None
    for one in timeline:
        is_new = not _follows(before, one) or name == "scheduled"
        name = "scheduled" if one.state == "active" and one.start > today and is_new else one.state
        before = one
        yield name, one


def _follows(before: State | None, after: State | None) -> bool:
    return before is not None and after is not None and before.end == after.start
