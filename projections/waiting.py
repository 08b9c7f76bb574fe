"""Waiting: what stands of invoiced lines until what it is paired with is due (BILLING.md §7)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Cursor

from billing.days import FOREVER, Day
from billing.entitlement import Entitled, entitle
from billing.invoiced import InvoicedSpan
from billing.money import exact
from billing.reconciliation import pairs
from billing.timeline import Timeline
from projections.books import Books

# Only lines whose full period went on when they were invoiced: what has ended is due.
OPEN_LINES: Final[LiteralString] = """
    SELECT l.customer_id, i.due_for - DATE '0001-01-01' + 1,
           l.service_id, l.product_id, l.price_id, l.kind, l.quantity, l.unit_amount,
           l.full_start - DATE '0001-01-01' + 1, l.full_end - DATE '0001-01-01' + 1,
           l.stands_start - DATE '0001-01-01' + 1, l.stands_end - DATE '0001-01-01' + 1,
           l.stands_minor, l.number, l.line_no
    FROM unnest(%(services)s::text[]) AS asked (service_id)
    CROSS JOIN LATERAL (
        SELECT * FROM invoice_lines_v2 WHERE tenant_id = %(tenant_id)s AND service_id = asked.service_id
            AND stands_minor IS NOT NULL AND full_end IS NOT NULL OFFSET 0) AS l
    JOIN invoices_v3 i ON i.tenant_id = %(tenant_id)s AND i.number = l.number AND i.due_for < l.full_end
    ORDER BY l.seq, l.line_no"""


class OpenLine(NamedTuple):
    """What stands of a line whose full period had not ended when it was invoiced for `due_for`."""

    customer_id: str
    due_for: Day
    span: InvoicedSpan


def open_lines(
    cursor: Cursor[Any], tenant_id: str, timelines: Iterable[Timeline]
) -> dict[str, list[OpenLine]]:
    """Return what stands of the open lines of services for which something may wait, by service."""
    names = [timeline.service_id for timeline in timelines if not is_plain(timeline)]
    found: dict[str, list[OpenLine]] = {}
    if not names:
        return found
    rows = cursor.execute(OPEN_LINES, {"tenant_id": tenant_id, "services": names}, binary=True).fetchall()
    for customer_id, due_for, service_id, product_id, price_id, kind, quantity, unit_amount, *rest in rows:
        span = InvoicedSpan(
            service_id, product_id, price_id, kind, exact(quantity), exact(unit_amount), *rest
        )
        found.setdefault(span.service_id, []).append(OpenLine(customer_id, due_for, span))
    return found


def waiting(
    timeline: Timeline, lines: Sequence[OpenLine], known: Books
) -> list[tuple[Entitled, InvoicedSpan, str]]:
    """Return each pair of a service that waits, with its currency."""
    if not lines:
        return []
    until = max(line.span.full_end or line.span.end for line in lines)
    since = Day(min(line.span.full_start or line.span.start for line in lines))
    entitled = entitle(timeline, known.catalog, known.book, until=until, since=since)
    found = []
    for customer_id in sorted({line.customer_id for line in lines}):
        mine = [line for line in lines if line.customer_id == customer_id]
        due_for = {(line.span.document, line.span.line_no): line.due_for for line in mine}
        for now, before in pairs(entitled, [line.span for line in mine], customer_id=customer_id):
            if now.due > due_for[before.document, before.line_no]:
                product = known.catalog.products[now.product_id]
                found.append((now, before, product.currency or known.book.currency))
    return found


def is_plain(timeline: Timeline) -> bool:
    """Tell whether the service is in one open state, and nothing that was heard has moved its beginning."""
    segments = timeline.segments
    moved = timeline.stops or timeline.withdrawals or timeline.anomalies
    return len(segments) == 1 and segments[0].end == FOREVER and not segments[0].suspended and not bool(moved)
