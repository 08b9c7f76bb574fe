"""What was issued each month, added up: documents, lines and net by currency and kind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Cursor

from projections.pages import Listing
from projections.tables import Table

TABLE: Final = Table(
    "issued_months_v1",
    """
    CREATE TABLE issued_months_v1 (
        tenant_id text COLLATE "C" NOT NULL,
        -- The first day of the month of due_for.
        month     date NOT NULL,
        currency  text COLLATE "C" NOT NULL,
        kind      text COLLATE "C" NOT NULL,
        documents bigint NOT NULL,
        lines     bigint NOT NULL,
        net_minor numeric NOT NULL,
        PRIMARY KEY (tenant_id, month, currency, kind)
    ) WITH (fillfactor = 70)""",
)
ADD: Final[LiteralString] = """
    INSERT INTO issued_months_v1 AS m (tenant_id, month, currency, kind, documents, lines, net_minor)
    SELECT %(tenant_id)s, * FROM unnest(%(months)s::date[], %(currencies)s::text[], %(kinds)s::text[],
        %(documents)s::bigint[], %(lines)s::bigint[], %(nets)s::numeric[])
    ON CONFLICT (tenant_id, month, currency, kind)
    DO UPDATE SET documents = m.documents + excluded.documents, lines = m.lines + excluded.lines,
        net_minor = m.net_minor + excluded.net_minor"""
TAKE_OFF: Final[LiteralString] = """
    WITH theirs AS (
        SELECT period, currency, kind, count(*) AS documents, sum(line_count) AS lines,
               sum(net_minor) AS net_minor
        FROM invoices_v3 WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s
        GROUP BY period, currency, kind)
    UPDATE issued_months_v1 m
    SET documents = m.documents - t.documents, lines = m.lines - t.lines,
        net_minor = m.net_minor - t.net_minor
    FROM theirs t
    WHERE m.tenant_id = %(tenant_id)s AND (m.month, m.currency, m.kind) = (t.period, t.currency, t.kind)"""
DROP_EMPTY: Final[LiteralString] = """
    DELETE FROM issued_months_v1 WHERE tenant_id = %(tenant_id)s AND documents = 0"""
BY_MONTH: Final[LiteralString] = """
    SELECT month, currency, kind, documents, lines, net_minor FROM issued_months_v1
    WHERE tenant_id = %(tenant_id)s AND month BETWEEN %(first_month)s AND %(last_month)s
    ORDER BY month, currency, kind DESC"""

SUMMED: Final = Listing(
    "currency, kind, sum(documents), sum(lines), sum(net_minor)",
    "issued_months_v1",
    {},
    {"period": "month = %(period)s", "kind": "kind = %(kind)s", "currency": "currency = %(currency)s"},
)
"""What the months alone can answer; the filters are called as those of the documents."""


class Added(NamedTuple):
    """What a document adds to its month; `net_minor` in minor units of the currency."""

    month: date
    currency: str
    kind: str
    lines: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class IssuedMonth:
    """What was issued in a month (its first day), in one currency and of one kind; net in minor units."""

    month: date
    currency: str
    kind: str
    documents: int
    lines: int
    net_minor: int


def add(cursor: Cursor[Any], tenant_id: str, issued: Iterable[Added]) -> None:
    """Add new documents to their months."""
    sums: dict[tuple[date, str, str], tuple[int, int, int]] = {}
    for month, currency, kind, lines, net_minor in issued:
        documents, all_lines, all_net = sums.get((month, currency, kind), (0, 0, 0))
        sums[month, currency, kind] = (documents + 1, all_lines + lines, all_net + net_minor)
    if not sums:
        return
    cursor.execute(
        ADD,
        {
            "tenant_id": tenant_id,
            "months": [month for month, _, _ in sums],
            "currencies": [currency for _, currency, _ in sums],
            "kinds": [kind for _, _, kind in sums],
            "documents": [documents for documents, _, _ in sums.values()],
            "lines": [lines for _, lines, _ in sums.values()],
            "nets": [net for _, _, net in sums.values()],
        },
    )


def take_off(cursor: Cursor[Any], tenant_id: str, customer_id: str) -> None:
    """Take a customer's documents off their months, while their rows still stand."""
    query = {"tenant_id": tenant_id, "customer_id": customer_id}
    cursor.execute(TAKE_OFF, query)
    cursor.execute(DROP_EMPTY, query)


def by_month(cursor: Cursor[Any], tenant_id: str, first_month: date, last_month: date) -> list[IssuedMonth]:
    """Return what was issued from one month to another, both included and named by their first days.

    By month and currency, invoices before credit notes; a month in which nothing was issued has no row.
    """
    query = {"tenant_id": tenant_id, "first_month": first_month, "last_month": last_month}
    rows = cursor.execute(BY_MONTH, query).fetchall()
    return [
        IssuedMonth(month, currency, kind, documents, lines, int(net_minor))
        for month, currency, kind, documents, lines, net_minor in rows
    ]
