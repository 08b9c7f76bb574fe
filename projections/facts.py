"""What the projections read of the ledger: headers in order, and whole streams in one query."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple

import orjson
from psycopg import Cursor

from projections import arrays

CloudEvent = Mapping[str, Any]
Heard = tuple[CloudEvent, int]
"""A structured CloudEvent and the seq at which it was heard."""

HEADERS: Final[LiteralString] = """
    SELECT seq, recorded_at, type, stream, customer_id FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s"""
# One look into the index a stream, whatever the planner knows of the table: OFFSET 0 keeps `seq` from it.
STREAMS: Final[LiteralString] = """
    SELECT f.stream, f.seq, f.payload FROM unnest(%(streams)s::text[]) AS asked (stream)
    CROSS JOIN LATERAL (
        SELECT stream, seq, payload FROM ledger.fact
        WHERE tenant_id = %(tenant_id)s AND stream = asked.stream ORDER BY version OFFSET 0) AS f
    WHERE f.seq <= %(up_to)s"""
RANGE: Final[LiteralString] = """
    SELECT stream, seq, payload FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND stream >= %(first)s AND stream < %(beyond)s AND seq <= %(up_to)s
    ORDER BY stream, version"""
AT: Final[LiteralString] = """
    SELECT seq, version, payload FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND seq = ANY(%(seqs)s) ORDER BY seq"""
MOMENTS: Final[LiteralString] = """
    SELECT seq, recorded_at FROM ledger.fact WHERE tenant_id = %(tenant_id)s AND seq = ANY(%(seqs)s)"""
BETWEEN: Final[LiteralString] = """
    SELECT DISTINCT stream FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND seq > %(after)s AND seq < %(before)s
        AND stream NOT LIKE 'account/%%' AND stream NOT LIKE 'invoice/%%'"""
EVER: Final = 2**62


class Header(NamedTuple):
    """A fact without its payload."""

    seq: int
    recorded_at: datetime
    type: str
    stream: str
    customer_id: str | None

    @property
    def subject(self) -> str:
        """The id that the stream is about."""
        return self.stream.partition("/")[2]


def headers_after(cursor: Cursor[Any], tenant_id: str, after: int, limit: int) -> list[Header]:
    """Return the next facts of a tenant in order, without their payloads."""
    cursor.execute(HEADERS, {"tenant_id": tenant_id, "after": after, "limit": limit})
    return [Header._make(row) for row in cursor.fetchall()]


def streams(
    cursor: Cursor[Any], tenant_id: str, names: Collection[str], up_to: int = EVER
) -> dict[str, list[tuple[int, bytes]]]:
    """Return (seq, payload) of every fact of the named streams up to a seq, by stream and in order."""
    if not names:
        return {}
    query = {"tenant_id": tenant_id, "streams": arrays.texts(names), "up_to": up_to}
    return _by_stream(cursor.execute(STREAMS, query, binary=True))


def streams_of(
    cursor: Cursor[Any], tenant_id: str, kind: str, up_to: int = EVER
) -> dict[str, list[tuple[int, bytes]]]:
    """Return (seq, payload) of every stream of a kind (`product`, `customer`, …), as `streams` does."""
    query = {"tenant_id": tenant_id, "first": f"{kind}/", "beyond": f"{kind}0", "up_to": up_to}
    return _by_stream(cursor.execute(RANGE, query, binary=True))


def at(cursor: Cursor[Any], tenant_id: str, seqs: Collection[int]) -> Iterator[tuple[int, int, CloudEvent]]:
    """Return (seq, version, event) of the facts at `seqs`, in order."""
    cursor.execute(AT, {"tenant_id": tenant_id, "seqs": list(seqs)}, binary=True)
    for seq, version, payload in cursor.fetchall():
        yield seq, version, orjson.loads(payload)


def moments(cursor: Cursor[Any], tenant_id: str, seqs: Collection[int]) -> dict[int, datetime]:
    """Return when the facts at `seqs` were recorded."""
    return dict(cursor.execute(MOMENTS, {"tenant_id": tenant_id, "seqs": list(seqs)}).fetchall())


def heard_between(cursor: Cursor[Any], tenant_id: str, after: int, before: int) -> list[tuple[str, str]]:
    """Return noun and name of every stream, but those of documents, that has a fact between two seqs."""
    cursor.execute(BETWEEN, {"tenant_id": tenant_id, "after": after, "before": before})
    names = [stream.partition("/") for (stream,) in cursor.fetchall()]
    return [(noun, name) for noun, _, name in names]


def heard(facts: Collection[tuple[int, bytes]]) -> list[Heard]:
    """Return the facts of a stream as the folds of `billing` take them."""
    return [(orjson.loads(payload), seq) for seq, payload in facts]


def _by_stream(cursor: Cursor[Any]) -> dict[str, list[tuple[int, bytes]]]:
    found: dict[str, list[tuple[int, bytes]]] = {}
    for stream, seq, payload in cursor.fetchall():
        facts = found.get(stream)
        if facts is None:
            found[stream] = [(seq, payload)]
        else:
            facts.append((seq, payload))
    return found
