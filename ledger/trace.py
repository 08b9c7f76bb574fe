"""Which trace a fact came by (W3C Trace Context): kept beside the facts, in no hash and in no calculation."""

import re
import secrets
from collections.abc import Sequence
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Connection

KEEP: LiteralString = """
    INSERT INTO ledger.trace (tenant_id, seq, traceparent)
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[]) ON CONFLICT DO NOTHING"""
OF_FACTS: LiteralString = """
    SELECT seq, traceparent FROM ledger.trace
    WHERE tenant_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s"""

TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
NO_VERSION: Final = "ff"
FIRST_VERSION: Final = "00"
SAMPLED: Final = 0x01


class Trace(NamedTuple):
    """One place in a trace: the whole, and the step that caused us. Hexadecimal, lower case."""

    trace_id: str
    span_id: str
    is_sampled: bool

    @property
    def traceparent(self) -> str:
        """Return the header that names it, in version 00."""
        return f"{FIRST_VERSION}-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}"


class Traced(NamedTuple):
    """A fact that came by a trace."""

    tenant_id: str
    seq: int
    origin: str
    trace: Trace


def read_traceparent(text: str | None) -> Trace | None:
    """Return what a `traceparent` says, or None where it says nothing that can be followed.

    A later version may say more; its first four parts are read (W3C Trace Context, section 3.2). A wrong
    header is never a reason to refuse an event.
    """
    found = TRACEPARENT.fullmatch(text) if text is not None else None
    if found is None or found["version"] == NO_VERSION:
        return None
    if found["version"] == FIRST_VERSION and found["more"] is not None:
        return None
    if not (found["trace"].strip("0") and found["span"].strip("0")):
        return None
    return Trace(found["trace"], found["span"], bool(int(found["flags"], 16) & SAMPLED))


def new_trace() -> Trace:
    """Begin a trace: for work that nobody's trace caused."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8), is_sampled=False)


def keep_traces(connection: Connection[Any], traced: Sequence[Traced]) -> None:
    """Keep the traces of facts, in the transaction that appends them; the first one heard stays."""
    if traced:
        tenants, seqs = [one.tenant_id for one in traced], [one.seq for one in traced]
        connection.execute(KEEP, (tenants, seqs, [one.trace.traceparent for one in traced]))


def traces_of(
    connection: Connection[Any], tenant_id: str, *, after_seq: int, up_to_seq: int, limit: int = 1_000
) -> dict[int, Trace]:
    """Return the traces of the facts with `after_seq` < seq <= `up_to_seq`, at most `limit`, by seq."""
    rows = connection.execute(OF_FACTS, (tenant_id, after_seq, up_to_seq, limit)).fetchall()
    found = {seq: read_traceparent(text) for seq, text in rows}
    return {seq: trace for seq, trace in found.items() if trace is not None}


def trace_of(connection: Connection[Any], tenant_id: str, seq: int) -> Trace | None:
    """Return the trace by which a fact came, or None where its message named none."""
    return traces_of(connection, tenant_id, after_seq=seq - 1, up_to_seq=seq).get(seq)
