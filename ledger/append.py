"""The one way into the ledger: heads locked, known events found, numbers given, rows copied, heads moved.

One transaction, which the caller opens and commits, with its locks in the order of ARCHITECTURE.md §4: offset
rows, heads by ascending tenant id, number series.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, LiteralString

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus

from ledger.canonical import fingerprint
from ledger.copying import Numbered, copy_facts, packed_rows, take_arrays, text_array
from ledger.errors import ConcurrencyError
from ledger.facts import (
    SYSTEM_TENANT,
    TENANT_CONFIGURED,
    Booked,
    Clock,
    Conflict,
    Duplicate,
    NewFact,
    Outcome,
    TenantUnknown,
)
from ledger.leaf import microseconds

BEGIN_APPENDING: LiteralString = "SET LOCAL ROLE billing_appender"
LOCK_HEADS: LiteralString = """
    SELECT tenant_id, size, recorded_at FROM ledger.head
    WHERE tenant_id = ANY(%s) ORDER BY tenant_id FOR UPDATE"""
OPEN_HEAD: LiteralString = """
    INSERT INTO ledger.head (tenant_id, opened_at) VALUES (%s, %s) ON CONFLICT (tenant_id) DO NOTHING"""
# LIMIT keeps the planner from joining by hash, that is, from reading the whole table for a batch.
KNOWN: LiteralString = """
    SELECT asked.place, known.seq, known.fingerprint
    FROM unnest(%s, %s, %s) WITH ORDINALITY AS asked (tenant_id, source, event_id, place)
    CROSS JOIN LATERAL (
        SELECT seq, sha256(payload) AS fingerprint FROM ledger.fact
        WHERE tenant_id = asked.tenant_id AND source = asked.source AND event_id = asked.event_id
        LIMIT 1) AS known"""
LAST_VERSIONS: LiteralString = """
    SELECT asked.tenant_id, asked.stream, known.version
    FROM unnest(%s, %s) AS asked (tenant_id, stream)
    CROSS JOIN LATERAL (
        SELECT version FROM ledger.fact WHERE tenant_id = asked.tenant_id AND stream = asked.stream
        ORDER BY version DESC LIMIT 1) AS known"""
MOVE_HEADS: LiteralString = """
    UPDATE ledger.head SET size = moved.size, recorded_at = moved.recorded_at
    FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[]) AS moved (tenant_id, size, recorded_at)
    WHERE head.tenant_id = moved.tenant_id"""

Batch = Mapping[str, Sequence[NewFact]]
"""Facts to append, by tenant."""
EventKey = tuple[str, str, str]
StreamKey = tuple[str, str]


Known = dict[EventKey, tuple[int, bytes]]
"""Where an event stands in the ledger, and its content's fingerprint."""


@dataclass(slots=True)
class _Ledger:
    """A tenant's locked head, and what this batch adds to it."""

    tenant_id: str
    size: int
    recorded_at: datetime
    rows: list[Numbered] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.size > 0 or self.tenant_id == SYSTEM_TENANT


def append(connection: Connection[Any], batch: Batch, *, clock: Clock) -> dict[str, tuple[Outcome, ...]]:
    """Append facts in the caller's transaction and return what became of each, per tenant, in their order.

    Heard facts (`version` None) are booked, or found: Duplicate (same content), Conflict (other content),
    TenantUnknown (no ledger yet; a `tenant.configured` opens it for the facts after it). A decided fact must
    be the next of its stream: otherwise ConcurrencyError is raised, before anything was written.
    `recorded_at` is the clock's time, never earlier than the ledger's last. Until the transaction ends, its
    role is billing_appender.
    """
    ledgers = _lock(connection, batch, clock)
    with connection.cursor() as cursor:
        take_arrays(cursor)
        known = _known_events(cursor, {tenant_id: batch[tenant_id] for tenant_id in ledgers})
        last_versions = _last_versions(cursor, batch)
        clashes: list[StreamKey] = []
        outcomes: dict[str, tuple[Outcome, ...]] = {}
        for tenant_id, facts in batch.items():
            ledger = ledgers.get(tenant_id)
            if ledger is None:
                outcomes[tenant_id] = (TenantUnknown(),) * len(facts)
            else:
                outcomes[tenant_id] = _number(ledger, facts, known, last_versions, clashes)
        if clashes:
            raise ConcurrencyError(tuple(dict.fromkeys(clashes)))
        _write(cursor, [ledger for ledger in ledgers.values() if ledger.rows])
    return outcomes


def begin_appending(connection: Connection[Any]) -> None:
    """From here to the end of the caller's transaction, act as billing_appender."""
    connection.execute(BEGIN_APPENDING)
    assert connection.info.transaction_status == TransactionStatus.INTRANS, (
        "append needs the caller's transaction"
    )


def lock_heads(connection: Connection[Any], tenant_ids: Sequence[str]) -> None:
    """Lock tenants' ledgers as `append` will: for what comes between, such as drawing numbers."""
    begin_appending(connection)
    connection.execute(LOCK_HEADS, (list(tenant_ids),))


def _lock(connection: Connection[Any], batch: Batch, clock: Clock) -> dict[str, _Ledger]:
    """Lock the heads of the batch's tenants in ascending order; open those that the batch opens."""
    begin_appending(connection)
    tenants = sorted(tenant_id for tenant_id, facts in batch.items() if facts)
    found = connection.execute(LOCK_HEADS, (tenants,)).fetchall()
    now = clock()
    unopened = set(tenants) - {row[0] for row in found}
    opening = {
        tenant_id
        for tenant_id in unopened
        if any(fact.type == TENANT_CONFIGURED for fact in batch[tenant_id])
    }
    for tenant_id in sorted(opening):
        connection.execute(OPEN_HEAD, (tenant_id, now))
    if opening:
        found += connection.execute(LOCK_HEADS, (sorted(opening),)).fetchall()
    return {
        tenant_id: _Ledger(tenant_id, size, now if last is None else max(last, now))
        for tenant_id, size, last in found
    }


def _known_events(cursor: Cursor[Any], batch: Batch) -> Known:
    keys: list[EventKey] = [
        (tenant_id, fact.source, fact.event_id) for tenant_id, facts in batch.items() for fact in facts
    ]
    if not keys:
        return {}
    arrays = [text_array(texts) for texts in zip(*keys, strict=True)]
    found = cursor.execute(KNOWN, arrays, binary=True).fetchall()
    return {keys[place - 1]: (seq, theirs) for place, seq, theirs in found}


def _last_versions(cursor: Cursor[Any], batch: Batch) -> dict[StreamKey, int]:
    """Return the last version of each stream that the batch decides on; 0 for a new one."""
    streams: dict[StreamKey, int] = {
        (tenant_id, fact.stream): 0
        for tenant_id, facts in batch.items()
        for fact in facts
        if fact.version is not None
    }
    if streams:
        arrays = [text_array(texts) for texts in zip(*streams, strict=True)]
        for tenant_id, stream, version in cursor.execute(LAST_VERSIONS, arrays, binary=True):
            streams[tenant_id, stream] = version
    return streams


def _number(
    ledger: _Ledger,
    facts: Sequence[NewFact],
    known: Known,
    last_versions: dict[StreamKey, int],
    clashes: list[StreamKey],
) -> tuple[Outcome, ...]:
    """Give each new fact its seq, and tell what becomes of the others; `known` learns the new ones."""
    tenant_id, rows, seq, is_open = ledger.tenant_id, ledger.rows, ledger.size, ledger.is_open
    outcomes: list[Outcome] = []
    for fact in facts:
        if not is_open and fact.type != TENANT_CONFIGURED:
            outcomes.append(TenantUnknown())
            continue
        ours = fingerprint(fact.payload)
        key = (tenant_id, fact.source, fact.event_id)
        earlier = known.get(key)
        if earlier is not None and earlier[1] == ours:
            outcomes.append(Duplicate(earlier[0]))
            continue
        if fact.version is not None:
            stream = (tenant_id, fact.stream)
            if earlier is not None or fact.version != last_versions[stream] + 1:
                clashes.append(stream)
                continue
            last_versions[stream] = fact.version
        elif earlier is not None:
            outcomes.append(Conflict(earlier[0], earlier[1], ours))
            continue
        is_open = True
        seq += 1
        known[key] = (seq, ours)
        rows.append((fact, seq, ours))
        outcomes.append(Booked(seq))
    ledger.size = seq
    return tuple(outcomes)


def _write(cursor: Cursor[Any], ledgers: Sequence[_Ledger]) -> None:
    if not ledgers:
        return
    packed = (
        packed_rows(ledger.tenant_id, microseconds(ledger.recorded_at), ledger.rows) for ledger in ledgers
    )
    copy_facts(cursor, chain.from_iterable(packed))
    tenants = [ledger.tenant_id for ledger in ledgers]
    sizes = [ledger.size for ledger in ledgers]
    cursor.execute(MOVE_HEADS, (tenants, sizes, [ledger.recorded_at for ledger in ledgers]))
