"""Reads facts back: by seq, by stream, by event. Row-level security decides which tenants are seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from ledger.facts import Fact

BATCH_FACTS: Final = 5_000

ENTER_TENANT: LiteralString = (
    "SELECT set_config('role', 'billing_app', true), set_config('app.tenant_id', %s, true)"
)
HEADS: LiteralString = "SELECT tenant_id, size, recorded_at FROM ledger.head ORDER BY tenant_id"
HEAD: LiteralString = "SELECT tenant_id, size, recorded_at FROM ledger.head WHERE tenant_id = %s"
SELECT: LiteralString = """
    SELECT tenant_id, seq, recorded_at, source, event_id, stream, version, type, schema_version, payload,
        origin, leaf
    FROM ledger.fact"""
SINCE: LiteralString = (
    SELECT
    + """
    WHERE tenant_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s"""
)
OF_STREAMS: LiteralString = (
    SELECT
    + """
    WHERE tenant_id = %s AND stream = ANY(%s) AND seq <= %s ORDER BY seq"""
)
OF_CUSTOMER: LiteralString = (
    SELECT
    + """
    WHERE tenant_id = %s AND customer_id = %s AND seq <= %s ORDER BY seq"""
)
OF_EVENT: LiteralString = (
    SELECT
    + """
    WHERE tenant_id = %s AND source = %s AND event_id = %s"""
)
RECORDED: LiteralString = """
    SELECT recorded_at <= %s FROM ledger.fact WHERE tenant_id = %s AND seq = %s"""
NO_LIMIT: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Head:
    """How far a tenant's ledger goes; `recorded_at` is None while it is empty."""

    tenant_id: str
    size: int
    recorded_at: datetime | None


def enter_tenant(connection: Connection[Any], tenant_id: str) -> None:
    """From here to the end of the transaction, read as billing_app and see this tenant alone."""
    connection.execute(ENTER_TENANT, (tenant_id,))


def heads(connection: Connection[Any]) -> tuple[Head, ...]:
    """Return the heads of all tenants that are visible, by ascending tenant id; `_system` is one."""
    with connection.cursor(row_factory=class_row(Head)) as cursor:
        return tuple(cursor.execute(HEADS))


def head(connection: Connection[Any], tenant_id: str) -> Head | None:
    """Return the tenant's head, or None where its ledger is not open."""
    with connection.cursor(row_factory=class_row(Head)) as cursor:
        return cursor.execute(HEAD, (tenant_id,)).fetchone()


def facts_since(
    connection: Connection[Any],
    tenant_id: str,
    after_seq: int,
    limit: int = BATCH_FACTS,
    *,
    up_to_seq: int = NO_LIMIT,
) -> list[Fact]:
    """Return at most `limit` facts with `after_seq` < seq <= `up_to_seq`, by seq; empty at the head."""
    return _facts(connection, SINCE, (tenant_id, after_seq, up_to_seq, limit))


def each_fact(
    connection: Connection[Any], tenant_id: str, *, after_seq: int = 0, up_to_seq: int = NO_LIMIT
) -> Iterator[Fact]:
    """Yield the facts after a seq in order, a batch at a time, up to the head as it moves."""
    while batch := facts_since(connection, tenant_id, after_seq, up_to_seq=up_to_seq):
        yield from batch
        after_seq = batch[-1].seq


def facts_of_streams(
    connection: Connection[Any], tenant_id: str, streams: Sequence[str], up_to_seq: int | None = None
) -> list[Fact]:
    """Return the facts of these streams, by seq; those of one stream are in the order of their versions."""
    last = NO_LIMIT if up_to_seq is None else up_to_seq
    return _facts(connection, OF_STREAMS, (tenant_id, list(streams), last))


def facts_of_customer(
    connection: Connection[Any], tenant_id: str, customer_id: str, up_to_seq: int | None = None
) -> list[Fact]:
    """Return the facts that name the customer in their data, by seq."""
    last = NO_LIMIT if up_to_seq is None else up_to_seq
    return _facts(connection, OF_CUSTOMER, (tenant_id, customer_id, last))


def fact_by_event(connection: Connection[Any], tenant_id: str, source: str, event_id: str) -> Fact | None:
    """Return what an event became, or None where it was not booked."""
    found = _facts(connection, OF_EVENT, (tenant_id, source, event_id))
    return found[0] if found else None


def seq_at(connection: Connection[Any], tenant_id: str, moment: datetime) -> int:
    """Return the last seq that was recorded at or before an instant; 0 where there is none.

    `recorded_at` never goes back in a ledger, so twenty looks find it among a million facts.
    """
    found = head(connection, tenant_id)
    before, after = 0, 1 if found is None else found.size + 1
    while before + 1 < after:
        middle = (before + after) // 2
        row = connection.execute(RECORDED, (moment, tenant_id, middle)).fetchone()
        if row is not None and row[0]:
            before = middle
        else:
            after = middle
    return before


def _facts(connection: Connection[Any], query: LiteralString, parameters: Sequence[object]) -> list[Fact]:
    with connection.cursor(row_factory=_fact_rows, binary=True) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _fact_rows(cursor: Cursor[Any]) -> Any:  # noqa: ARG001 - psycopg's row factories take the cursor
    return _fact


def _fact(values: Sequence[Any]) -> Fact:
    return Fact(*values)
