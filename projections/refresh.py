"""Recomputes services: their facts are read by stream in one query, folded, and their rows replaced."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import Cursor

from billing import plans
from billing.entitlement import not_ratable
from billing.facts import Anomaly, service_event
from billing.timeline import fold
from projections import alike, anomalies, charges, facts, outstanding, parking, services
from projections.books import Books, Shared, books
from projections.flows import Flow, Schedule, flows_of
from projections.services import Folded
from projections.waiting import open_lines, waiting

Streams = dict[str, list[tuple[int, bytes]]]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many services were recomputed, and how many of them are parked now."""

    services: int
    parked: int


@dataclass(frozen=True, slots=True)
class _Parsed:
    service_id: str
    events: list[Any]
    customer_ids: frozenset[str]
    product_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Rated:
    folded: Folded
    schedule: Schedule
    findings: tuple[Anomaly, ...]
    flows: list[Flow] | None  # None: to be computed with what was invoiced


def refresh(
    cursor: Cursor[Any], common: Shared, service_ids: Collection[str], *, after: int, up_to: int
) -> Refreshed:
    """Write timeline, charges and anomalies of services anew, from their facts up to a seq.

    `after` is how far the read models were: no service whose first fact is later has rows that would have to
    go. A service whose facts break a fold keeps the rows it had and is parked; the others go on.
    """
    if not service_ids:
        return Refreshed(0, 0)
    tenant_id = common.tenant_id
    found = facts.streams(cursor, tenant_id, [f"service/{name}" for name in sorted(service_ids)], up_to)
    broken: dict[str, tuple[frozenset[str], str]] = {}
    parsed = _each(found.items(), lambda item: _parse(*item), _stream_name, broken)
    customers = frozenset().union(*(item.customer_ids for item in parsed)) if parsed else frozenset()
    known = books(cursor, common, customers, up_to)
    folded = _each(parsed, lambda item: _fold(item, known), _service_name, broken)
    rated = _each(folded, lambda item: _rate(item, known), _folded_name, broken)
    kept = [item.folded for item in rated]
    schedules = {item.folded.timeline.service_id: item.schedule for item in rated}
    findings = {f"service/{item.folded.timeline.service_id}": item.findings for item in rated}
    subjects = [name for name in findings if found[name][0][0] <= after]
    written = [name.partition("/")[2] for name in subjects]
    services.replace(cursor, tenant_id, kept, written=written)
    charges.replace(cursor, tenant_id, schedules, written=written)
    anomalies.replace(cursor, tenant_id, findings, written=subjects)
    outstanding.replace(cursor, tenant_id, _flows(cursor, tenant_id, rated, known), written=written)
    parking.release(cursor, tenant_id, subjects)
    for name, (customer_ids, reason) in broken.items():
        parking.park(cursor, tenant_id, f"service/{name}", customer_ids, reason, seq=up_to)
    return Refreshed(len(kept), len(broken))


Source = TypeVar("Source")


def _each(
    items: Iterable[Source],
    work: Callable[[Source], Value],
    name: Callable[[Source], tuple[str, frozenset[str]]],
    broken: dict[str, tuple[frozenset[str], str]],
) -> list[Value]:
    """Do `work` on each item; one that raises is noted in `broken` and left out."""
    done = []
    for item in items:
        try:
            done.append(work(item))
        except Exception as error:  # noqa: BLE001 - whatever a fold raises parks its service, and nothing else
            service_id, customer_ids = name(item)
            broken[service_id] = (customer_ids, parking.reason_of(error))
    return done


def _parse(stream: str, rows: list[tuple[int, bytes]]) -> _Parsed:
    events = [service_event(event, heard) for event, heard in facts.heard(rows)]
    return _Parsed(stream.partition("/")[2], events, *services.named(events))


def _fold(item: _Parsed, known: Books) -> Folded:
    known.check(item.customer_ids, item.product_ids)
    timeline = fold(item.events, known.book.zone_of)
    heard = max(item.events[-1].heard, known.registered(item.customer_ids))
    return Folded(timeline, item.customer_ids, item.product_ids, heard)


def _rate(item: Folded, known: Books) -> _Rated:
    timeline = item.timeline
    findings = (*timeline.anomalies, *not_ratable(timeline, known.catalog, known.book))
    pattern = alike.pattern_of(item, known)
    if pattern is not None:
        (customer_id,) = item.customer_ids
        own = pattern.schedule(timeline.service_id, customer_id)
        return _Rated(item, own, findings, pattern.flows_to(customer_id))
    schedule = charges.schedule(timeline, item.product_ids, item.customer_ids, known)
    return _Rated(item, schedule, findings, None)


def _flows(
    cursor: Cursor[Any], tenant_id: str, rated: Sequence[_Rated], known: Books
) -> dict[str, list[Flow]]:
    """Return what each service is ever charged, as the forecast adds it up."""
    lines = open_lines(cursor, tenant_id, [item.folded.timeline for item in rated if item.flows is None])
    found: dict[str, list[Flow]] = {}
    for item in rated:
        timeline = item.folded.timeline
        if item.flows is not None:
            found[timeline.service_id] = item.flows
            continue
        planned = [
            charges.schedule(made, item.folded.product_ids, item.folded.customer_ids, known)
            for made in plans.activated_in_turn(timeline)
        ]
        waits = waiting(timeline, lines.get(timeline.service_id, ()), known)
        found[timeline.service_id] = flows_of(timeline, item.schedule, planned, waits)
    return found


def _stream_name(item: tuple[str, list[tuple[int, bytes]]]) -> tuple[str, frozenset[str]]:
    stream, rows = item
    customers = {event["data"].get("customer_id") for event, _ in facts.heard(rows)}
    return stream.partition("/")[2], frozenset(name for name in customers if name)


def _service_name(item: _Parsed) -> tuple[str, frozenset[str]]:
    return item.service_id, item.customer_ids


def _folded_name(item: Folded) -> tuple[str, frozenset[str]]:
    return item.timeline.service_id, item.customer_ids
