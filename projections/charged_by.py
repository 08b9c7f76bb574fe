"""Which issued lines an event caused: those of its service whose explanation names it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.money import parse_minor
from projections import facts

MOST_LINES: Final = 10_000
PARTS_A_LOOK: Final = 50
# `seq` is that of the fact that carries the line; its explanation stands there alone.
LINES: Final[LiteralString] = """
    SELECT seq, number, line_no, currency FROM invoice_lines_v1
    WHERE tenant_id = %(tenant_id)s AND service_id = %(service_id)s ORDER BY seq, line_no LIMIT %(limit)s"""
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


def lines(
    cursor: Cursor[Any], tenant_id: str, subject: str | None, source: str, event_id: str
) -> list[ChargedLine]:
    """Return the lines that an event of a service caused, in the order of issue; none for other subjects."""
    if subject is None or not subject.startswith(SERVICE):
        return []
    service_id = subject.removeprefix(SERVICE)
    query = {"tenant_id": tenant_id, "service_id": service_id, "limit": MOST_LINES}
    by_part: dict[int, list[tuple[str, int, str]]] = {}
    for seq, number, line_no, currency in cursor.execute(LINES, query).fetchall():
        by_part.setdefault(seq, []).append((number, line_no, currency))
    seqs = list(by_part)
    found: list[ChargedLine] = []
    for start in range(0, len(seqs), PARTS_A_LOOK):
        for seq, _, part in facts.at(cursor, tenant_id, seqs[start : start + PARTS_A_LOOK]):
            found.extend(_named(part["data"]["lines"], by_part[seq], service_id, [source, event_id]))
    return found


def _named(
    part: Sequence[Mapping[str, Any]],
    places: Sequence[tuple[str, int, str]],
    service_id: str,
    ref: Sequence[str],
) -> Iterator[ChargedLine]:
    """Yield the lines of a service in one part that name an event; `places` are that service's, in order."""
    own = (line for line in part if line["service_id"] == service_id)
    for line, (number, line_no, currency) in zip(own, places, strict=True):
        if list(ref) in [list(one) for one in line["explanation"]["events"]]:
            amount = parse_minor(line["amount"], currency)
            yield ChargedLine(number, line_no, service_id, line["price_id"], amount, currency)
