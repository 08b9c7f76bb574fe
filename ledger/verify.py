"""Proves that no stored fact was altered or left out: leaves, columns, numbering, root.

The database does the hashing, chunk by chunk, on several connections; a chunk that is not in order is looked
at again row by row, to say what is wrong with which fact.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, LiteralString

import orjson
import psycopg
from psycopg import Connection

from ledger.append import begin_appending
from ledger.derived import COLUMNS_AGREE, FACTS
from ledger.errors import TenantNotOpenError
from ledger.facts import Fact, customer_of, schema_version_of, stream_of
from ledger.leaf import LEAF_SQL, leaf_of
from ledger.merkle import Frontier
from ledger.read import facts_since

CHUNK_FACTS: Final = 1 << 13
FINDINGS: Final = 100
"""A ledger with more than this wrong in it is wrong enough."""
CONNECTIONS: Final = 2

EXTENT: LiteralString = """
    SELECT size, (SELECT min(seq) FROM ledger.fact WHERE fact.tenant_id = head.tenant_id AND seq > size)
    FROM ledger.head WHERE tenant_id = %s"""
TENANTS: LiteralString = """
    WITH RECURSIVE holder (tenant_id) AS (
        SELECT min(tenant_id) FROM ledger.fact
        UNION ALL
        SELECT (SELECT min(fact.tenant_id) FROM ledger.fact WHERE fact.tenant_id > holder.tenant_id)
        FROM holder WHERE holder.tenant_id IS NOT NULL)
    SELECT tenant_id FROM ledger.head UNION SELECT tenant_id FROM holder WHERE tenant_id IS NOT NULL
    ORDER BY tenant_id"""
CHUNK: LiteralString = f"""
    SELECT count(*), string_agg(leaf, ''::bytea), bool_and(leaf = {LEAF_SQL}), bool_and({COLUMNS_AGREE})
    FROM ({FACTS} WHERE tenant_id = %s AND seq > %s AND seq <= %s ORDER BY seq OFFSET 0) AS fact"""  # noqa: S608
CUSTOMERS: LiteralString = """
    SELECT seq, customer_id FROM ledger.fact WHERE tenant_id = %s AND seq > %s AND seq <= %s"""

Connect = Callable[[], Connection[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, from which seq on; `reason` is a stable code."""

    seq: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A size of a ledger and the hex root of its Merkle tree at that size."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A tenant's ledger as it was found; `tree` is None where facts are missing. Findings by seq."""

    tenant_id: str
    size: int
    tree: TreeHead | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Chunk:
    last_seq: int
    leaves: bytes | None
    findings: tuple[Finding, ...]


def tenants(connection: Connection[Any]) -> tuple[str, ...]:
    """Return every tenant that has a head or a fact, by ascending id."""
    with connection.transaction():
        begin_appending(connection)
        return tuple(tenant_id for (tenant_id,) in connection.execute(TENANTS))


def verify(
    connect: Connect,
    tenant_id: str,
    *,
    expect: TreeHead | None = None,
    progress: Progress | None = None,
) -> Verified:
    """Check a tenant's facts up to its head and return what was found.

    With `expect`, the tree at that size must have that root: the ledger still holds what it held then.
    Raises TenantNotOpenError where there is neither head nor fact.
    """
    connections: SimpleQueue[Connection[Any]] = SimpleQueue()
    opened = [_reader(connect) for _ in range(CONNECTIONS)]
    try:
        for connection in opened:
            connections.put(connection)
        size, findings = _extent(opened[0], tenant_id)

        def check(bounds: tuple[int, int]) -> _Chunk:
            connection = connections.get()
            try:
                return _check(connection, tenant_id, *bounds)
            finally:
                connections.put(connection)

        frontier: Frontier | None = Frontier()
        for chunk in _each(check, _bounds(size, expect.size if expect else 0)):
            findings += chunk.findings
            if frontier is not None and chunk.leaves is not None:
                frontier.extend_packed(chunk.leaves)
            else:
                frontier = None
            if expect is not None and chunk.last_seq == expect.size:
                findings += _compare(frontier, expect)
            if progress is not None:
                progress(chunk.last_seq, size)
            if len(findings) > FINDINGS:
                frontier = None
                break
    finally:
        for connection in opened:
            connection.close()
    if expect is not None and expect.size > size:
        detail = f"the ledger ends at {size}; {expect.size} facts were expected"
        findings += (Finding(size + 1, "tail_missing", detail),)
    findings = tuple(sorted(findings, key=lambda finding: finding.seq)[:FINDINGS])
    tree = None if frontier is None else TreeHead(size, frontier.root().hex())
    return Verified(tenant_id, size, tree, findings)


def _reader(connect: Connect) -> Connection[Any]:
    connection = connect()
    connection.autocommit = True
    connection.execute("SET client_encoding TO 'UTF8'")
    connection.execute("SET ROLE billing_appender")
    connection.execute("SET default_transaction_read_only TO on")
    return connection


def _extent(connection: Connection[Any], tenant_id: str) -> tuple[int, tuple[Finding, ...]]:
    row = connection.execute(EXTENT, (tenant_id,)).fetchone()
    if row is None:
        if not facts_since(connection, tenant_id, 0, 1):
            raise TenantNotOpenError(f"tenant {tenant_id!r} has no ledger; see: billing verify --json")
        return 0, (Finding(1, "head_missing", "there are facts, but no head that counts them"),)
    size, beyond = row
    if beyond is None:
        return size, ()
    return size, (Finding(beyond, "beyond_head", f"the head says that the ledger ends at {size}"),)


def _bounds(size: int, also: int) -> Iterator[tuple[int, int]]:
    """Yield (after, up to) of each chunk; one of them ends at `also`, if that lies within."""
    after = 0
    while after < size:
        up_to = min((after // CHUNK_FACTS + 1) * CHUNK_FACTS, size)
        if after < also < up_to:
            up_to = also
        yield after, up_to
        after = up_to


def _each(check: Callable[[tuple[int, int]], _Chunk], bounds: Iterator[tuple[int, int]]) -> Iterator[_Chunk]:
    """Yield the chunks in order while later ones are under way; no more than a few lie in memory."""
    under_way: deque[Future[_Chunk]] = deque()
    with ThreadPoolExecutor(CONNECTIONS) as workers:
        try:
            for one in bounds:
                under_way.append(workers.submit(check, one))
                if len(under_way) > 2 * CONNECTIONS:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _check(connection: Connection[Any], tenant_id: str, after: int, up_to: int) -> _Chunk:
    try:
        row = connection.execute(CHUNK, (tenant_id, after, up_to)).fetchone()
    except psycopg.DataError:  # a payload that is no UTF-8 or no JSON
        row = None
    if row is not None and row[0] == up_to - after and row[2] and row[3]:
        return _Chunk(up_to, row[1], ())
    facts = facts_since(connection, tenant_id, after, CHUNK_FACTS, up_to_seq=up_to)
    customers = dict(connection.execute(CUSTOMERS, (tenant_id, after, up_to)).fetchall())
    findings = _gaps([fact.seq for fact in facts], after, up_to)
    for fact in facts:
        findings += _wrong(fact, customers[fact.seq])
    assert findings, (
        f"tenant {tenant_id}, {after} to {up_to}: the database finds fault, a closer look does not"
    )
    complete = len(facts) == up_to - after
    return _Chunk(up_to, b"".join(fact.leaf for fact in facts) if complete else None, tuple(findings))


def _gaps(seqs: Sequence[int], after: int, up_to: int) -> list[Finding]:
    findings = []
    for seq, following in zip([after, *seqs], [*seqs, up_to + 1], strict=True):
        if following != seq + 1:
            missing = f"{seq + 1}" if following == seq + 2 else f"{seq + 1} to {following - 1}"
            findings.append(Finding(seq + 1, "missing", f"there is no fact {missing}"))
    return findings


def _wrong(fact: Fact, customer_id: str | None) -> list[Finding]:
    if leaf_of(fact) != fact.leaf:
        return [Finding(fact.seq, "leaf_differs", "header and payload do not give the stored leaf")]
    try:
        event = orjson.loads(fact.payload)
        derived = _derive(event, fact.seq)
    except (ValueError, KeyError, TypeError) as error:
        return [Finding(fact.seq, "unreadable", f"the payload is no event: {error}")]
    stored = {
        "tenant_id": fact.tenant_id, "source": fact.source, "event_id": fact.event_id, "type": fact.type,
        "schema_version": fact.schema_version, "stream": fact.stream, "version": fact.version,
        "customer_id": customer_id,
    }  # fmt: skip
    return [
        Finding(fact.seq, "column_differs", f"{name} is {stored[name]!r}; the payload says {value!r}")
        for name, value in derived.items()
        if stored[name] != value
    ]


def _derive(event: dict[str, Any], seq: int) -> dict[str, Any]:
    """Return the columns that a payload gives, as `ledger.derived` has them in SQL."""
    data = event["data"]
    return {
        "tenant_id": event["tenantid"],
        "source": event["source"],
        "event_id": event["id"],
        "type": event["type"],
        "schema_version": schema_version_of(event),
        "stream": stream_of(event["type"], data),
        "version": data.get("account_version", data.get("part", seq)),
        "customer_id": customer_of(data),
    }


def _compare(frontier: Frontier | None, expect: TreeHead) -> tuple[Finding, ...]:
    if frontier is None:
        return ()
    root = frontier.root().hex()
    if root == expect.root:
        return ()
    detail = f"the root of {expect.size} facts is {root}; {expect.root} was expected"
    return (Finding(expect.size, "root_differs", detail),)
