"""Which issued lines an event caused: those of its service or adjustment whose explanation names it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.adjustments import is_adjustment
from billing.facts import EventRef, superseded_by
from billing.line import NO_SERVICE
from billing.money import parse_minor
from ledger.facts import Fact
from ledger.read import fact_by_event
from projections import facts

MOST_PARTS: Final = 10_000
PARTS_A_LOOK: Final = 50
# `seq` is that of the fact that carries the line; its explanation stands there alone. The latest facts count.
LINES: Final[LiteralString] = """
    SELECT seq, number, line_no, currency FROM invoice_lines_v2
    WHERE tenant_id = %(tenant_id)s AND service_id = %(service_id)s AND seq >= (
        SELECT min(seq) FROM (
            SELECT DISTINCT seq FROM invoice_lines_v2
            WHERE tenant_id = %(tenant_id)s AND service_id = %(service_id)s
            ORDER BY seq DESC LIMIT %(parts)s) AS latest)
    ORDER BY seq, line_no"""
OF_ADJUSTMENTS: Final[LiteralString] = """
    SELECT seq, number, line_no, currency FROM invoice_lines_v2
    WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s AND kind = 'adjustment'
        AND price_id = ANY(%(adjustment_ids)s)
    ORDER BY seq, line_no"""
SERVICE: Final = "service/"

Place = tuple[str, int, str]
"""Where a line stands: number of the document and of the line, and the document's currency."""
LineData = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """A line of an issued document, in minor units; `service_id` NO_SERVICE where it is about none."""

    number: str
    line_no: int
    service_id: str
    price_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ServiceCharges:
    """The lines that each event of a service caused; `is_whole` False: those of the latest facts alone."""

    by_event: Mapping[EventRef, Sequence[ChargedLine]]
    is_whole: bool


def lines(cursor: Cursor[Any], booked: Fact) -> list[ChargedLine]:
    """Return the lines that an event of a service or an adjustment caused, in the order of issue.

    None for other events: those of a price or a customer touch too many.
    """
    event = orjson.loads(booked.payload)
    found: Mapping[EventRef, Sequence[ChargedLine]]
    if is_adjustment(event):
        found = _of_adjustment(cursor, booked.tenant_id, event)
    elif booked.stream.startswith(SERVICE):
        found = of_service(cursor, booked.tenant_id, booked.stream.removeprefix(SERVICE)).by_event
    else:
        return []
    return list(found.get(EventRef(booked.source, booked.event_id), ()))


def of_service(
    cursor: Cursor[Any], tenant_id: str, service_id: str, *, parts: int = MOST_PARTS
) -> ServiceCharges:
    """Return what each event of a service caused, in the order of issue, by the latest facts with lines."""
    query = {"tenant_id": tenant_id, "service_id": service_id, "parts": parts + 1}
    by_part = _by_part(cursor.execute(LINES, query))
    latest = dict(list(by_part.items())[-parts:])
    found = _by_event(cursor, tenant_id, latest, lambda line: line["service_id"] == service_id)
    return ServiceCharges(found, len(latest) == len(by_part))


def _of_adjustment(
    cursor: Cursor[Any], tenant_id: str, event: Mapping[str, Any]
) -> dict[EventRef, list[ChargedLine]]:
    """Return what the events of an adjustment caused, and those of the one that it takes back."""
    data, target = event["data"], superseded_by(event)
    before = None if target is None else fact_by_event(cursor.connection, tenant_id, target.source, target.id)
    named = [data, *([] if before is None else [orjson.loads(before.payload)["data"]])]
    ids = {each["adjustment_id"] for each in named if "adjustment_id" in each}
    query = {"tenant_id": tenant_id, "customer_id": data["customer_id"], "adjustment_ids": list(ids)}
    by_part = _by_part(cursor.execute(OF_ADJUSTMENTS, query))
    return _by_event(
        cursor, tenant_id, by_part, lambda line: line["kind"] == "adjustment" and line["price_id"] in ids
    )


def _by_part(found: Cursor[Any]) -> dict[int, list[Place]]:
    by_part: dict[int, list[Place]] = {}
    for seq, *place in found.fetchall():
        by_part.setdefault(seq, []).append((place[0], place[1], place[2]))
    return by_part


def _by_event(
    cursor: Cursor[Any],
    tenant_id: str,
    by_part: Mapping[int, Sequence[Place]],
    is_own: Callable[[LineData], bool],
) -> dict[EventRef, list[ChargedLine]]:
    """Return the own lines in some facts, by the events that they name; `by_part`: where they stand."""
    seqs = list(by_part)
    found: dict[EventRef, list[ChargedLine]] = {}
    for start in range(0, len(seqs), PARTS_A_LOOK):
        for seq, _, part in facts.at(cursor, tenant_id, seqs[start : start + PARTS_A_LOOK]):
            own = [line for line in part["data"]["lines"] if is_own(line)]
            for events, line in _caused(own, by_part[seq]):
                for ref in events:
                    found.setdefault(ref, []).append(line)
    return found


def _caused(own: Sequence[LineData], places: Sequence[Place]) -> Iterator[tuple[set[EventRef], ChargedLine]]:
    """Yield the own lines in one part, each with the events that it names; `places` in the same order."""
    for line, (number, line_no, currency) in zip(own, places, strict=True):
        amount = parse_minor(line["amount"], currency)
        service_id = line["service_id"] or NO_SERVICE
        charged = ChargedLine(number, line_no, service_id, line["price_id"], amount, currency)
        yield {EventRef(*ref) for ref in line["explanation"]["events"]}, charged
