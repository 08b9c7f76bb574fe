"""The work queue: services whose rows a fact elsewhere (a price, a policy, a zone) has made stale."""

from collections.abc import Collection
from typing import Any, Final, LiteralString

from psycopg import Cursor

from projections import arrays
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "queue",
    (
        Table(
            "queue_v1",
            """
            CREATE TABLE queue_v1 (
                tenant_id  text COLLATE "C" NOT NULL,
                service_id text COLLATE "C" NOT NULL,
                reason     text NOT NULL,
                PRIMARY KEY (tenant_id, service_id)
            )""",
        ),
    ),
)

MANY: Final = 1_000
"""So many new entries are told to the planner, which else goes through all of them to find the first."""

PUT_CUSTOMERS: Final[LiteralString] = """
    INSERT INTO queue_v1 (tenant_id, service_id, reason)
    SELECT DISTINCT tenant_id, service_id, 'customer ' || customer_id FROM services_v1
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)
    ON CONFLICT DO NOTHING"""
PUT_PRODUCTS: Final[LiteralString] = """
    INSERT INTO queue_v1 (tenant_id, service_id, reason)
    SELECT DISTINCT tenant_id, service_id, 'catalog' FROM services_v1
    WHERE tenant_id = %(tenant_id)s AND product_ids && %(products)s
    ON CONFLICT DO NOTHING"""
PUT_TENANT: Final[LiteralString] = """
    INSERT INTO queue_v1 (tenant_id, service_id, reason)
    SELECT DISTINCT tenant_id, service_id, 'tenant' FROM services_v1 WHERE tenant_id = %(tenant_id)s
    ON CONFLICT DO NOTHING"""
PUT: Final[LiteralString] = """
    INSERT INTO queue_v1 (tenant_id, service_id, reason)
    SELECT %(tenant_id)s, unnest(%(services)s::text[]), %(reason)s ON CONFLICT DO NOTHING"""
PUT_NEXT: Final[LiteralString] = """
    INSERT INTO read.queue_v1 SELECT * FROM read_next.queue_v1 ON CONFLICT DO NOTHING"""
# By place, for the planner takes a queue that was empty just now for empty still, and would go through all of
# it for each row.
TAKE: Final[LiteralString] = """
    DELETE FROM queue_v1 WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM queue_v1 WHERE tenant_id = %(tenant_id)s
        ORDER BY service_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING service_id"""
DONE: Final[LiteralString] = (
    "DELETE FROM queue_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])"
)
PLACE: Final[LiteralString] = "SELECT 'queue_v1'::regclass::oid"
PENDING: Final[LiteralString] = "SELECT tenant_id, count(*) FROM queue_v1 GROUP BY tenant_id"
ANALYZE: Final[LiteralString] = "ANALYZE queue_v1"
# One look into the index a tenant, however many wait.
TENANTS: Final[LiteralString] = """
    SELECT h.tenant_id FROM ledger.head h CROSS JOIN LATERAL (
        SELECT FROM queue_v1 q WHERE q.tenant_id = h.tenant_id LIMIT 1) AS waiting"""
SOME: Final[LiteralString] = "SELECT FROM queue_v1 WHERE tenant_id = %(tenant_id)s LIMIT 1"
PENDING_OF: Final[LiteralString] = "SELECT count(*) FROM queue_v1 WHERE tenant_id = %(tenant_id)s"
PENDING_OF_CUSTOMER: Final[LiteralString] = """
    SELECT count(*) FROM services_v1 s JOIN queue_v1 q USING (tenant_id, service_id)
    WHERE s.tenant_id = %(tenant_id)s AND s.customer_id = %(customer_id)s"""


def put_customers(cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str]) -> int:
    """Queue every service that the customers ever held; return how many were new in the queue."""
    return _put(cursor, PUT_CUSTOMERS, {"tenant_id": tenant_id, "customers": list(customer_ids)})


def put_products(cursor: Cursor[Any], tenant_id: str, product_ids: Collection[str]) -> int:
    """Queue every service that ever was of one of the products; return how many were new in the queue."""
    return _put(cursor, PUT_PRODUCTS, {"tenant_id": tenant_id, "products": list(product_ids)})


def put_tenant(cursor: Cursor[Any], tenant_id: str) -> int:
    """Queue every service of the tenant; return how many were new in the queue."""
    return _put(cursor, PUT_TENANT, {"tenant_id": tenant_id})


def put(cursor: Cursor[Any], tenant_id: str, service_ids: Collection[str], reason: str) -> int:
    """Queue services by id; return how many were new in the queue."""
    query = {"tenant_id": tenant_id, "services": list(service_ids), "reason": reason}
    return cursor.execute(PUT, query).rowcount


def analyze(cursor: Cursor[Any]) -> None:
    """Tell the planner how many wait."""
    cursor.execute(ANALYZE)


def put_next(cursor: Cursor[Any]) -> None:
    """Queue what a rebuild that takes over had still queued."""
    cursor.execute(PUT_NEXT)


def take(cursor: Cursor[Any], tenant_id: str, limit: int) -> set[str]:
    """Take up to `limit` services out; the transaction that takes them refreshes them.

    What another transaction has taken is passed over.
    """
    cursor.execute(TAKE, {"tenant_id": tenant_id, "limit": limit})
    return {service_id for (service_id,) in cursor.fetchall()}


def place(cursor: Cursor[Any]) -> int:
    """Return what tells the table from one of the same name that another rebuild made."""
    row = cursor.execute(PLACE).fetchone()
    assert row is not None
    return int(row[0])


def done(cursor: Cursor[Any], tenant_id: str, service_ids: Collection[str]) -> None:
    """Take services out that are refreshed anyway."""
    cursor.execute(DONE, {"tenant_id": tenant_id, "services": arrays.texts(service_ids)})


def tenants(cursor: Cursor[Any]) -> set[str]:
    """Return the tenants for which something waits."""
    return {tenant_id for (tenant_id,) in cursor.execute(TENANTS).fetchall()}


def is_empty(cursor: Cursor[Any], tenant_id: str) -> bool:
    """Tell whether nothing of a tenant waits."""
    return cursor.execute(SOME, {"tenant_id": tenant_id}).fetchone() is None


def pending(cursor: Cursor[Any]) -> dict[str, int]:
    """Return how many services wait, by tenant."""
    return dict(cursor.execute(PENDING).fetchall())


def pending_of(cursor: Cursor[Any], tenant_id: str) -> int:
    """Return how many services of a tenant wait."""
    row = cursor.execute(PENDING_OF, {"tenant_id": tenant_id}).fetchone()
    assert row is not None
    return int(row[0])


def pending_of_customer(cursor: Cursor[Any], tenant_id: str, customer_id: str) -> int:
    """Return how many of the services that a customer ever held wait."""
    query = {"tenant_id": tenant_id, "customer_id": customer_id}
    row = cursor.execute(PENDING_OF_CUSTOMER, query).fetchone()
    assert row is not None
    return int(row[0])


def _put(cursor: Cursor[Any], statement: LiteralString, query: dict[str, object]) -> int:
    count = cursor.execute(statement, query).rowcount
    if count >= MANY:
        analyze(cursor)
    return count
