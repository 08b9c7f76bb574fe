"""The facts behind the lines of a document: when they count, when and whence the ledger heard them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import orjson
from psycopg import Cursor

from billing.days import to_date
from billing.facts import EventRef, effective_of
from billing.line import Line
from billing.policies import PolicyBook
from billing.timeline import local_day
from projections.past import Past

EVENTS: Final[LiteralString] = """
    SELECT asked.source, asked.event_id, known.type, known.seq, known.recorded_at, known.origin,
        known.stream, known.payload
    FROM unnest(%(sources)s::text[], %(ids)s::text[]) AS asked (source, event_id)
    CROSS JOIN LATERAL (
        SELECT type, seq, recorded_at, origin, stream, payload FROM ledger.fact
        WHERE tenant_id = %(tenant_id)s AND source = asked.source AND event_id = asked.event_id
        LIMIT 1) AS known"""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact as the ledger holds it.

    `effective` is as it was sent (None: always), `day` the local day that it counts from; `origin` is
    `kafka:topic/partition/offset`, `import:name/line`, or empty for our own.
    """

    ref: EventRef
    type: str
    seq: int
    effective: str | None
    day: date | None
    recorded_at: datetime
    origin: str


def refs_of(lines: Iterable[Line]) -> set[EventRef]:
    """Return every event that the explanations of lines name."""
    found: set[EventRef] = set()
    for line in lines:
        found.update(line.explanation.events)
        if line.explanation.price_version is not None:
            found.add(line.explanation.price_version)
    return found


def evidence(
    cursor: Cursor[Any], past: Past, book: PolicyBook, refs: Collection[EventRef]
) -> dict[EventRef, Evidence]:
    """Return the facts that are named, as far as the ledger holds them, in one query."""
    asked = sorted(refs)
    query = {
        "tenant_id": past.tenant.tenant_id,
        "sources": [ref.source for ref in asked],
        "ids": [ref.id for ref in asked],
    }
    zones = _zones(past, book)
    found: dict[EventRef, Evidence] = {}
    cursor.execute(EVENTS, query, binary=True)
    for source, event_id, kind, seq, recorded_at, origin, stream, payload in cursor.fetchall():
        effective = _effective(kind, orjson.loads(payload)["data"])
        day = None
        if effective is not None:
            day = to_date(local_day(effective_of(effective), zones.get(stream, book.zone)))
        ref = EventRef(source, event_id)
        found[ref] = Evidence(ref, kind, seq, effective, day, recorded_at, origin)
    return found


def _zones(past: Past, book: PolicyBook) -> dict[str, ZoneInfo]:
    """Return the zone in which the instants of each stream become days; elsewhere it is the tenant's."""
    found: dict[str, ZoneInfo] = {}
    for customer in past.customers.values():
        for name in customer.names:
            terms = book.terms(name)
            if terms is not None:
                found[f"customer/{name}"] = terms.zone
        for _, service in customer.services:
            names = {event.customer_id for event in service.events if event.customer_id}
            found[f"service/{service.service_id}"] = book.zone_of(names)
    return found


def _effective(kind: str, data: Mapping[str, Any]) -> str | None:
    """Return from when a fact counts, as it was sent; what counts from always says nothing of it."""
    effective: str | None = data.get("effective")
    return None if kind in ("product.published", "customer.registered") else effective
