"""Adjustments: what was entered by hand for each customer, and the documents that have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.adjustments import Adjustments
from billing.days import to_date
from projections.pages import Listing, Order
from projections.session import copy_rows
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "adjustments",
    (
        Table(
            "adjustments_v2",
            """
            CREATE TABLE adjustments_v2 (
                tenant_id     text COLLATE "C" NOT NULL,
                customer_id   text COLLATE "C" NOT NULL,
                heard         bigint NOT NULL,
                adjustment_id text COLLATE "C" NOT NULL,
                effective     date NOT NULL,
                amount        text NOT NULL,
                currency      text NOT NULL,
                service_id    text COLLATE "C" NOT NULL,
                words         text NOT NULL,
                reason        text NOT NULL,
                author        text NOT NULL,
                source        text COLLATE "C" NOT NULL,
                event_id      text COLLATE "C" NOT NULL,
                is_live       boolean NOT NULL,
                -- What took it back or replaced it, or stands before it under its id.
                ended_source  text COLLATE "C",
                ended_id      text COLLATE "C",
                PRIMARY KEY (tenant_id, customer_id, heard)
            );
            CREATE INDEX ON adjustments_v2 (tenant_id, heard)""",
        ),
    ),
)

FORGET: Final[LiteralString] = (
    "DELETE FROM adjustments_v2 WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"
)
COPY: Final[LiteralString] = """
    COPY adjustments_v2 (tenant_id, customer_id, heard, adjustment_id, effective, amount, currency,
        service_id, words, reason, author, source, event_id, is_live, ended_source, ended_id)
    FROM STDIN (FORMAT BINARY)"""
TYPES: Final = (
    *("text", "text", "int8", "text", "date", "text", "text", "text", "text", "text", "text", "text"),
    *("text", "bool", "text", "text"),
)
LIST: Final[LiteralString] = """
    SELECT a.customer_id, a.heard, a.adjustment_id, a.effective, a.amount, a.currency, a.service_id, a.words,
           a.reason, a.author, a.source, a.event_id, a.is_live, a.ended_source, a.ended_id,
           ARRAY(SELECT l.number FROM invoice_lines_v2 l
                 WHERE l.tenant_id = a.tenant_id AND l.customer_id = a.customer_id
                     AND l.kind = 'adjustment' AND l.price_id = a.adjustment_id
                 ORDER BY l.seq)
    FROM adjustments_v2 a
    WHERE a.tenant_id = %(tenant_id)s AND (%(customer_id)s::text IS NULL OR a.customer_id = %(customer_id)s)
        AND (%(adjustment_id)s::text IS NULL OR a.adjustment_id = %(adjustment_id)s)
    ORDER BY a.heard DESC LIMIT %(limit)s"""
LISTING: Final = Listing(
    "customer_id, heard, adjustment_id, effective, amount, currency, service_id, words, reason, author,"
    " source, event_id, is_live, ended_source, ended_id,"
    " ARRAY(SELECT l.number FROM invoice_lines_v2 l"
    " WHERE l.tenant_id = adjustments_v2.tenant_id AND l.customer_id = adjustments_v2.customer_id"
    " AND l.kind = 'adjustment' AND l.price_id = adjustments_v2.adjustment_id ORDER BY l.seq)",
    "adjustments_v2",
    {"entered": Order(("heard",), ("bigint",))},
    {"customer_id": "customer_id = %(customer_id)s"},
)
CUSTOMERS: Final[LiteralString] = (
    "SELECT DISTINCT customer_id FROM adjustments_v2 WHERE tenant_id = %(tenant_id)s ORDER BY customer_id"
)


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """One adjustment that was entered; `numbers` are the documents that have a line of its id.

    `ended_source` and `ended_id` name the event by which it counts no more.
    """

    customer_id: str
    heard: int
    adjustment_id: str
    effective: date
    amount: str
    currency: str
    service_id: str
    text: str
    reason: str
    author: str
    source: str
    event_id: str
    is_live: bool
    ended_source: str | None
    ended_id: str | None
    numbers: Sequence[str]


def replace(cursor: Cursor[Any], tenant_id: str, found: Mapping[str, Adjustments]) -> None:
    """Write the rows of some customers from all their adjustments."""
    cursor.execute(FORGET, {"tenant_id": tenant_id, "customers": list(found)})
    copy_rows(
        cursor,
        COPY,
        TYPES,
        (
            (
                tenant_id,
                customer_id,
                item.heard,
                item.adjustment_id,
                to_date(item.day),
                item.amount.text,
                adjustments.currency_of(item.adjustment_id),
                item.service_id,
                *item.entered,
                *item.causes[0],
                item.is_live,
                *(item.causes[1] if len(item.causes) > 1 else (None, None)),
            )
            for customer_id, adjustments in found.items()
            for item in adjustments.known
        ),
    )


def adjustments(
    cursor: Cursor[Any],
    tenant_id: str,
    *,
    customer_id: str | None = None,
    adjustment_id: str | None = None,
    limit: int = 1000,
) -> list[AdjustmentRow]:
    """Return the adjustments of one customer or of all, of one id or of all, the last entered first."""
    query = {
        "tenant_id": tenant_id,
        "customer_id": customer_id,
        "adjustment_id": adjustment_id,
        "limit": limit,
    }
    rows = cursor.execute(LIST, query).fetchall()
    return [AdjustmentRow(*row) for row in rows]


def customer_ids(cursor: Cursor[Any], tenant_id: str) -> list[str]:
    """Return the customers for whom anything was ever entered, by id."""
    return [name for (name,) in cursor.execute(CUSTOMERS, {"tenant_id": tenant_id}).fetchall()]
