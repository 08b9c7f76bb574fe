"""Which issued lines an event caused: those of its service whose explanation names it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.facts import EventRef
from billing.money import parse_minor
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
SERVICE: Final = "service/"


@dataclass(frozen=True, slots=True)
class ChargedLine:
    """A line of an issued document; the amount in minor units."""

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


def lines(
    cursor: Cursor[Any], tenant_id: str, subject: str | None, source: str, event_id: str
) -> list[ChargedLine]:
    """Return the lines that an event of a service caused, in the order of issue; none for other subjects."""
    if subject is None or not subject.startswith(SERVICE):
        return []
    found = of_service(cursor, tenant_id, subject.removeprefix(SERVICE))
    return list(found.by_event.get(EventRef(source, event_id), ()))


def of_service(
    cursor: Cursor[Any], tenant_id: str, service_id: str, *, parts: int = MOST_PARTS
) -> ServiceCharges:
    """Return what each event of a service caused, in the order of issue, by the latest facts with lines."""
    query = {"tenant_id": tenant_id, "service_id": service_id, "parts": parts + 1}
    by_part: dict[int, list[tuple[str, int, str]]] = {}
    for seq, number, line_no, currency in cursor.execute(LINES, query).fetchall():
        by_part.setdefault(seq, []).append((number, line_no, currency))
    seqs = list(by_part)[-parts:]
    found: dict[EventRef, list[ChargedLine]] = {}
    for start in range(0, len(seqs), PARTS_A_LOOK):
        for seq, _, part in facts.at(cursor, tenant_id, seqs[start : start + PARTS_A_LOOK]):
            for events, line in _caused(part["data"]["lines"], by_part[seq], service_id):
                for ref in events:
                    found.setdefault(ref, []).append(line)
    return ServiceCharges(found, len(seqs) == len(by_part))


def _caused(
    part: Sequence[Mapping[str, Any]], places: Sequence[tuple[str, int, str]], service_id: str
) -> Iterator[tuple[set[EventRef], ChargedLine]]:
    """Yield the lines of a service in one part, each with the events that it names.

    `places` are those of the service's lines, in order.
    """
    own = (line for line in part if line["service_id"] == service_id)
    for line, (number, line_no, currency) in zip(own, places, strict=True):
        amount = parse_minor(line["amount"], currency)
        charged = ChargedLine(number, line_no, service_id, line["price_id"], amount, currency)
        yield {EventRef(*ref) for ref in line["explanation"]["events"]}, charged
