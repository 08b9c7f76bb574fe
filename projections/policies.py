"""Policies: what the tenant and its customers have set, each value with the day from which it counts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import orjson
from psycopg import Cursor

from billing.facts import EventRef, effective_of, event_ref, superseded_by
from projections import facts
from projections.facts import Heard
from projections.session import copy_rows
from projections.tables import ReadModel, Table

KEYS: Final = (
    "alignment",
    "billing_day",
    "proration",
    "stop_day",
    "rounding",
    "credit_on_stop",
    "account_credit",
    "timezone",
    "currency",
    "price_overrides",
)
TENANT: Final = ""
"""Stands for the tenant where a customer's id is expected."""

MODEL: Final = ReadModel(
    "policies",
    (
        Table(
            "policies_v1",
            """
            CREATE TABLE policies_v1 (
                tenant_id   text COLLATE "C" NOT NULL,
                customer_id text COLLATE "C" NOT NULL,
                heard       bigint NOT NULL,
                key         text COLLATE "C" NOT NULL,
                value       text,
                effective   text,
                withdrawn   bigint,
                PRIMARY KEY (tenant_id, customer_id, heard, key)
            )""",
        ),
    ),
)

FORGET: Final[LiteralString] = (
    "DELETE FROM policies_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s)"
)
COPY: Final[LiteralString] = """
    COPY policies_v1 (tenant_id, customer_id, heard, key, value, effective, withdrawn)
    FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "text", "int8", "text", "text", "text", "int8")
LIST: Final[LiteralString] = """
    SELECT customer_id, key, value, effective, heard FROM policies_v1
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s) AND heard <= %(up_to)s
        AND (withdrawn IS NULL OR withdrawn > %(up_to)s)
    ORDER BY customer_id, key, effective NULLS FIRST, heard"""

ZONE: Final[LiteralString] = """
    SELECT value FROM policies_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = '' AND key = 'timezone'
    ORDER BY heard LIMIT 1"""
ZONES: Final[LiteralString] = """
    SELECT DISTINCT ON (customer_id) customer_id, value FROM policies_v1
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s) AND key = 'timezone'
    ORDER BY customer_id, heard"""
CURRENCY: Final[LiteralString] = """
    SELECT value FROM policies_v1 WHERE tenant_id = %(tenant_id)s AND customer_id = '' AND key = 'currency'
    ORDER BY heard LIMIT 1"""


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One value; `customer_id` is empty for the tenant's, `effective` None: always, `value` JSON or None."""

    customer_id: str
    key: str
    value: str | None
    effective: str | None
    heard: int


def effective_text(event: facts.CloudEvent) -> str | None:
    """Return from when a tenant's or customer's fact counts, as it was sent; None: always."""
    if event["type"] == "customer.registered":
        return None
    effective: str | None = event["data"].get("effective")
    return effective


def local_date(effective: str) -> date:
    """Return the day of an effective text as it was written, an instant's in its own offset."""
    value = effective_of(effective)
    return value.date() if isinstance(value, datetime) else date.fromordinal(value)


def withdrawals(events: Sequence[Heard]) -> dict[EventRef, int]:
    """Return the facts of a stream that others of it supersede, with the seq at which that was known."""
    known = {event_ref(event): heard for event, heard in events}
    found: dict[EventRef, int] = {}
    for event, heard in events:
        target = superseded_by(event)
        if target is not None and target in known:
            found[target] = min(found.get(target, facts.EVER), max(heard, known[target]))
    return found


def replace(cursor: Cursor[Any], tenant_id: str, events_by_customer: dict[str, list[Heard]]) -> None:
    """Write the rows of some customers (`TENANT`: of the tenant) from all their facts."""
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


def values(
    cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str], up_to: int = facts.EVER
) -> list[PolicyRow]:
    """Return the values of customers (`TENANT`: the tenant's) heard up to a seq, by customer, key and day."""
    query = {"tenant_id": tenant_id, "customers": list(customer_ids), "up_to": up_to}
    return [PolicyRow(*row) for row in cursor.execute(LIST, query).fetchall()]


def zone_of_tenant(cursor: Cursor[Any], tenant_id: str) -> tzinfo:
    """Return the tenant's time zone, which its first configuration sets for good; UTC before that."""
    found = cursor.execute(ZONE, {"tenant_id": tenant_id}).fetchone()
    return UTC if found is None else ZoneInfo(orjson.loads(found[0]))


def zone_of_customers(cursor: Cursor[Any], tenant_id: str, customer_ids: Collection[str]) -> tzinfo:
    """Return the zone that customers share, else the tenant's: that of a service that they held in turn."""
    found = cursor.execute(ZONES, {"tenant_id": tenant_id, "customers": list(customer_ids)}).fetchall()
    own = dict(found)
    shared = {own.get(customer_id) for customer_id in customer_ids}
    zone = shared.pop() if len(shared) == 1 else None
    return zone_of_tenant(cursor, tenant_id) if zone is None else ZoneInfo(orjson.loads(zone))


def currency_of_tenant(cursor: Cursor[Any], tenant_id: str) -> str | None:
    """Return the tenant's currency, which its first configuration sets for good; None before that."""
    found = cursor.execute(CURRENCY, {"tenant_id": tenant_id}).fetchone()
    return None if found is None else str(orjson.loads(found[0]))


def _rows(tenant_id: str, customer_id: str, events: Sequence[Heard]) -> Iterator[tuple[object, ...]]:
    gone = withdrawals(events)
    for event, heard in events:
        data = event["data"]
        effective = effective_text(event)
        for key in KEYS:
            if key in data:
                value = None if data[key] is None else orjson.dumps(data[key]).decode()
                yield (tenant_id, customer_id, heard, key, value, effective, gone.get(event_ref(event)))
