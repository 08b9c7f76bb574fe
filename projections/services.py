"""Services: the timeline of each, under every customer that its facts ever named."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString, NamedTuple

import orjson
from psycopg import Cursor

from billing.facts import ServiceEvent
from billing.timeline import Timeline, customers_in
from projections import arrays, service_list
from projections.session import copy_rows
from projections.tables import ReadModel, Table

NOBODY: Final = ""
"""Stands where no fact names a customer yet."""

MODEL: Final = ReadModel(
    "services",
    (
        Table(
            "services_v1",
            """
            CREATE TABLE services_v1 (
                tenant_id   text COLLATE "C" NOT NULL,
                service_id  text COLLATE "C" NOT NULL,
                customer_id text COLLATE "C" NOT NULL,
                product_ids text[] COLLATE "C" NOT NULL,
                heard       bigint NOT NULL,
                timeline    bytea NOT NULL,
                PRIMARY KEY (tenant_id, service_id, customer_id)
            );
            CREATE INDEX ON services_v1 (tenant_id, customer_id, service_id)""",
        ),
        service_list.TABLE,
    ),
)

FORGET: Final[LiteralString] = (
    "DELETE FROM services_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])"
)
COPY: Final[LiteralString] = """
    COPY services_v1 (tenant_id, service_id, customer_id, product_ids, heard, timeline)
    FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "text", "text", "text[]", "int8", "bytea")
# One look into the index a customer, whatever the planner knows of a table that is new.
BY_CUSTOMER: Final[LiteralString] = """
    SELECT s.customer_id, s.service_id, s.product_ids, s.heard, s.timeline
    FROM unnest(%(customers)s::text[]) AS asked (customer_id)
    CROSS JOIN LATERAL (
        SELECT * FROM services_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = asked.customer_id
        ORDER BY service_id OFFSET 0) AS s"""
BY_ID: Final[LiteralString] = """
    SELECT customer_id, service_id, product_ids, heard, timeline FROM services_v1
    WHERE tenant_id = %(tenant_id)s AND service_id = %(service_id)s ORDER BY customer_id"""

HOW_MANY: Final[LiteralString] = """
    SELECT count(*) FROM (
        SELECT 1 FROM services_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s
        LIMIT %(most)s) AS held"""


@dataclass(frozen=True, slots=True)
class Folded:
    """One service as its facts make it; `heard` is the last seq that the timeline depends on."""

    timeline: Timeline
    customer_ids: frozenset[str]
    product_ids: frozenset[str]
    heard: int


class Held(NamedTuple):
    """One service under one of the customers that ever held it; `timeline` as stored, as data, or folded."""

    customer_id: str
    service_id: str
    product_ids: Sequence[str]
    heard: int
    timeline: bytes | list[Any] | Timeline


def named(events: Iterable[ServiceEvent]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the customers and the products that any fact of a service names."""
    customers: set[str] = set()
    products: set[str] = set()
    for event in events:
        if event.customer_id is not None:
            customers.add(event.customer_id)
        if event.product_id is not None:
            products.add(event.product_id)
    return frozenset(customers), frozenset(products)


def replace(
    cursor: Cursor[Any], tenant_id: str, folded: Sequence[Folded], *, written: Collection[str]
) -> None:
    """Write the rows of services, in the place of those of the ones that were `written` before."""
    service_list.replace(cursor, tenant_id, (item.timeline for item in folded), written=written)
    if written:
        cursor.execute(FORGET, {"tenant_id": tenant_id, "services": arrays.texts(written)})
    rows: list[tuple[object, ...]] = []
    for item in folded:
        timeline = orjson.dumps(item.timeline.as_data())
        products = sorted(item.product_ids)
        rows.extend(
            (tenant_id, item.timeline.service_id, customer_id, products, item.heard, timeline)
            for customer_id in sorted(item.customer_ids or {NOBODY})
        )
    copy_rows(cursor, COPY, TYPES, rows)


def held_by(
    cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str], *, parsed: bool = False
) -> list[Held]:
    """Return every service that the customers ever held, by customer and service.

    `parsed`: with the timelines as data, for who asks for them more than once.
    """
    query = {"tenant_id": tenant_id, "customers": sorted(set(customer_ids))}
    rows = cursor.execute(BY_CUSTOMER, query, binary=True).fetchall()
    if parsed:
        return [Held(who, what, products, seq, orjson.loads(data)) for who, what, products, seq, data in rows]
    return [Held(*row) for row in rows]


def count_held_by(cursor: Cursor[Any], tenant_id: str, customer_id: str, *, most: int) -> int:
    """Return how many services a customer ever held; `most` where it is that many or more."""
    query = {"tenant_id": tenant_id, "customer_id": customer_id, "most": most}
    found = cursor.execute(HOW_MANY, query).fetchone()
    assert found is not None
    return int(found[0])


def service(cursor: Cursor[Any], tenant_id: str, service_id: str) -> list[Held]:
    """Return one service under each customer that ever held it."""
    cursor.execute(BY_ID, {"tenant_id": tenant_id, "service_id": service_id}, binary=True)
    return [Held(*row) for row in cursor.fetchall()]


def holders(items: Iterable[Held]) -> set[str]:
    """Return every customer who may be charged for one of the services."""
    known = list(items)
    found = customers_in([item.timeline for item in known if isinstance(item.timeline, list)])
    for item in known:
        if not isinstance(item.timeline, list):
            found |= timeline_of(item).customers()
    return found


def timeline_of(held: Held) -> Timeline:
    """Return the timeline."""
    if isinstance(held.timeline, Timeline):
        return held.timeline
    data = held.timeline if isinstance(held.timeline, list) else orjson.loads(held.timeline)
    return Timeline.from_data(data)
