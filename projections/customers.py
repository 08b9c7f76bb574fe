"""Customers: who is billed, under which name and address from which day; personal values by commitment."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.adjustments import is_adjustment
from billing.facts import event_ref
from projections.facts import Heard
from projections.policies import effective_text, local_date, withdrawals
from projections.session import copy_rows
from projections.tables import ReadModel, Table

FIELDS: Final = ("name", "address", "email", "phone", "language")
SELLER_FIELDS: Final = ("name", "address", "email", "legal")

MODEL: Final = ReadModel(
    "customers",
    (
        Table(
            "customers_v1",
            """
            CREATE TABLE customers_v1 (
                tenant_id   text COLLATE "C" NOT NULL,
                customer_id text COLLATE "C" NOT NULL,
                heard       bigint NOT NULL,
                effective   text,
                withdrawn   bigint,
                party       bytea NOT NULL,
                PRIMARY KEY (tenant_id, customer_id, heard)
            )""",
        ),
    ),
)

FORGET: Final[LiteralString] = (
    "DELETE FROM customers_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"
)
COPY: Final[LiteralString] = """
    COPY customers_v1 (tenant_id, customer_id, heard, effective, withdrawn, party)
    FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "text", "int8", "text", "int8", "bytea")
LIST: Final[LiteralString] = """
    SELECT customer_id, heard, effective, party FROM customers_v1
    WHERE tenant_id = %(tenant_id)s AND withdrawn IS NULL ORDER BY customer_id, heard"""

NAMES: Final[LiteralString] = """
    SELECT DISTINCT customer_id FROM customers_v1
    WHERE tenant_id = %(tenant_id)s AND customer_id > %(after)s AND customer_id >= %(first)s
        AND customer_id < %(beyond)s
    ORDER BY customer_id LIMIT %(limit)s"""
OF: Final[LiteralString] = """
    SELECT customer_id, heard, effective, party FROM customers_v1
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s) AND withdrawn IS NULL
    ORDER BY customer_id, heard"""
LAST_LETTER: Final = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """What one fact said about a customer; `effective` None: always; `party` with commitments."""

    customer_id: str
    heard: int
    effective: str | None
    party: Mapping[str, Any]


def party(events: Sequence[Heard], on: date, fields: Sequence[str] = FIELDS) -> dict[str, Any]:
    """Return the fields of a customer or tenant that are in force on a day, from all the facts of its stream.

    The latest effective fact wins, of two with one effective date the later heard.
    """
    gone = withdrawals(events)
    dated = []
    for event, heard in events:
        effective = effective_text(event)
        day = date.min if effective is None else local_date(effective)
        if day <= on and event_ref(event) not in gone:
            dated.append((day, heard, event["data"]))
    dated.sort(key=lambda item: item[:2])
    merged: dict[str, Any] = {}
    for _, _, data in dated:
        for field in fields:
            if data.get(field) is not None:
                merged[field] = data[field]
    return merged


def replace(cursor: Cursor[Any], tenant_id: str, events_by_customer: Mapping[str, Sequence[Heard]]) -> None:
    """Write the rows of some customers from all their facts."""
    cursor.execute(FORGET, {"tenant_id": tenant_id, "customers": list(events_by_customer)})
    copy_rows(
        cursor,
        COPY,
        TYPES,
        (
            row
            for customer_id in sorted(events_by_customer)
            for row in _rows(tenant_id, customer_id, events_by_customer[customer_id])
        ),
    )


def customers(cursor: Cursor[Any], tenant_id: str) -> list[CustomerRow]:
    """Return what stands about each customer, by customer and in the order in which it was heard."""
    cursor.execute(LIST, {"tenant_id": tenant_id})
    return [
        CustomerRow(name, seq, since, orjson.loads(fields)) for name, seq, since, fields in cursor.fetchall()
    ]


def customer_ids(
    cursor: Cursor[Any], tenant_id: str, *, limit: int, after: str = "", prefix: str = ""
) -> list[str]:
    """Return the next customers behind one, by id; with `prefix` only those whose id begins so."""
    query = {"tenant_id": tenant_id, "after": after, "first": prefix, "beyond": prefix + LAST_LETTER}
    return [name for (name,) in cursor.execute(NAMES, {**query, "limit": limit}).fetchall()]


def of_customers(
    cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str]
) -> dict[str, list[CustomerRow]]:
    """Return what stands about some customers, in the order it was heard in; unknown ones are absent."""
    found: dict[str, list[CustomerRow]] = {}
    cursor.execute(OF, {"tenant_id": tenant_id, "customers": list(customer_ids)})
    for name, seq, since, fields in cursor.fetchall():
        found.setdefault(name, []).append(CustomerRow(name, seq, since, orjson.loads(fields)))
    return found


def in_force(rows: Sequence[CustomerRow], on: date) -> dict[str, Any]:
    """Return a customer's fields on a day: the latest effective; of two with one date, the later heard."""
    dated = [(date.min if row.effective is None else local_date(row.effective), row) for row in rows]
    merged: dict[str, Any] = {}
    for day, row in sorted(dated, key=lambda item: (item[0], item[1].heard)):
        if day <= on:
            merged |= {field: value for field, value in row.party.items() if value is not None}
    return merged


def _rows(tenant_id: str, customer_id: str, events: Sequence[Heard]) -> Iterator[tuple[object, ...]]:
    gone = withdrawals(events)
    for event, heard in events:
        if is_adjustment(event):
            continue
        data = event["data"]
        fields = {field: data[field] for field in FIELDS if field in data}
        yield (
            tenant_id,
            customer_id,
            heard,
            effective_text(event),
            gone.get(event_ref(event)),
            orjson.dumps(fields, option=orjson.OPT_SORT_KEYS),
        )
