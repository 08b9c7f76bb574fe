"""Transactions whose COMMIT may be answered by silence: what happened is looked up, not done again."""

from collections.abc import Callable, Iterable
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import Connection

from ledger.append import lock_heads

LANDED: LiteralString = """
    SELECT fact.source, fact.event_id, fact.seq
    FROM ledger.fact JOIN unnest(%s::text[], %s::text[]) AS asked (source, event_id) USING (source, event_id)
    WHERE fact.tenant_id = %s"""

Answer = TypeVar("Answer")


def transact(
    connection: Connection[Any], work: Callable[[], Answer], *, look_up: Callable[[], Answer | None]
) -> Answer:
    """Run `work` in a transaction of `connection` and return its answer once it is committed.

    Where the connection breaks after `work` was done, COMMIT may have happened or not: `look_up`, which needs
    a connection of its own, returns the answer if it did and None if not. Then the broken connection's error
    is raised, and the caller may do everything again. `look_up` must wait for a commit that is still under
    way: `landed_events` does, and so does a locked offset row.
    """
    is_done = False
    try:
        with connection.transaction():
            answer = work()
            is_done = True
    except psycopg.OperationalError:
        if not (is_done and connection.broken):
            raise
        found = look_up()
        if found is None:
            raise
        return found
    return answer


def landed_events(
    connection: Connection[Any], tenant_id: str, events: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return the seq of each of the (source, event id)s that are in the tenant's ledger, for good.

    Waits for appends that are under way, by locking the head. Opens and ends a transaction of its own.
    """
    asked = list(events)
    with connection.transaction():
        lock_heads(connection, [tenant_id])
        sources, ids = [source for source, _ in asked], [event_id for _, event_id in asked]
        found = connection.execute(LANDED, (sources, ids, tenant_id)).fetchall()
    return {(source, event_id): seq for source, event_id, seq in found}
