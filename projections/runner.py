"""The batched runner: brings the projection group to the head of each ledger, and keeps it there."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg import Connection

from projections import bookmarks, parking, queue
from projections.garbage import no_collection
from projections.group import TABLES, Applied, Group
from projections.parking import Parked
from projections.session import LIVE, Connect, Schema, writing

FACTS_A_BATCH: Final = 4_000
QUEUED_A_BATCH: Final = 1_000
QUEUED_BESIDE_FACTS: Final = 250
"""So few are taken from the queue while facts are waiting, whose lag they would add to."""
ANALYZE_FIRST: Final = 5_000
ANALYZE_MOST: Final = 1_000_000
IDLE_SECONDS: Final = 0.02
BUSY_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 1.0

POSITIONS: Final[LiteralString] = """
    SELECT h.tenant_id, coalesce(b.seq, 0), h.size - coalesce(b.seq, 0),
        (SELECT count(*) FROM queue_v1 q WHERE q.tenant_id = h.tenant_id),
        (SELECT count(*) FROM parked_v1 p WHERE p.tenant_id = h.tenant_id),
        (SELECT recorded_at FROM ledger.fact f
            WHERE f.tenant_id = h.tenant_id AND f.seq = coalesce(b.seq, 0) + 1)
    FROM ledger.head h LEFT JOIN bookmarks_v1 b USING (tenant_id) ORDER BY h.tenant_id"""

Report = Callable[[str, Applied], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a tenant's read models stand: bookmark, facts not yet read, services queued, subjects parked.

    `waiting_since` is when the first fact that is not read was heard; None where all are read.
    """

    tenant_id: str
    seq: int
    behind: int
    queued: int
    parked: int
    waiting_since: datetime | None = None


class Runner:
    """Applies batches over one connection; several runners may work at once, one a tenant at a time."""

    def __init__(
        self, connection: Connection[Any], schema: Schema = LIVE, *, only_queue: bool = False
    ) -> None:
        self.connection = connection
        self.schema: Schema = schema
        self.only_queue = only_queue
        self.group = Group()
        self._changed = 0
        self._analyze_at = ANALYZE_FIRST

    def prepare(self) -> None:
        """Make the tables where there are none. Raises RebuildNeededError if they are of another version."""
        with writing(self.connection, self.schema) as cursor:
            TABLES.ensure(cursor)

    def step(self, tenant_id: str, *, wait: bool = False) -> Applied | None:
        """Apply one batch for a tenant in one transaction; None while another runner has the tenant."""
        began = time.monotonic()
        with no_collection():
            applied = self._step(tenant_id, wait=wait)
        return None if applied is None else replace(applied, seconds=time.monotonic() - began)

    def _step(self, tenant_id: str, *, wait: bool) -> Applied | None:
        with writing(self.connection, self.schema) as cursor:
            if wait:
                bookmarks.lock(cursor, tenant_id, self.schema)
            elif not bookmarks.try_lock(cursor, tenant_id, self.schema):
                return None
            return self.group.apply(
                cursor,
                tenant_id,
                facts_limit=FACTS_A_BATCH,
                queue_limit=0 if self.only_queue else QUEUED_A_BATCH,
                queue_beside_facts=QUEUED_BESIDE_FACTS,
                only_queue=self.only_queue,
            )

    def waiting(self) -> dict[str, int]:
        """Return the tenants that have work, and how many facts behind each is; maybe only services wait."""
        with writing(self.connection, self.schema) as cursor:
            found = bookmarks.behind(cursor)
            if not self.only_queue:
                for tenant_id in queue.tenants(cursor):
                    found.setdefault(tenant_id, 0)
        return found

    def catch_up(self, tenant_id: str, report: Report | None = None) -> int:
        """Bring a tenant to where its head is now, with an empty queue, waiting for others.

        Returns the facts read. What is appended meanwhile is left to whoever follows.
        """
        with writing(self.connection, self.schema) as cursor:
            head = bookmarks.heads(cursor).get(tenant_id, 0)
        total = 0
        while True:
            applied = self.step(tenant_id, wait=True)
            assert applied is not None
            total += applied.facts
            if report is not None:
                report(tenant_id, applied)
            self.changed(applied)
            self.analyze()
            if applied.seq >= head and (self.only_queue or self._is_drained(tenant_id)):
                return total

    def changed(self, applied: Applied) -> None:
        """Note what a batch has changed."""
        self._changed += applied.facts + applied.services

    def analyze(self) -> None:
        """Tell the planner what the tables hold, once much has changed."""
        if self._changed >= self._analyze_at:
            analyze(self.connection, self.schema)
            self._changed = 0
            self._analyze_at = min(self._analyze_at * 4, ANALYZE_MOST)

    def _is_drained(self, tenant_id: str) -> bool:
        with writing(self.connection, self.schema) as cursor:
            return queue.is_empty(cursor, tenant_id)

    def catch_up_all(self, report: Report | None = None) -> int:
        """Bring every tenant to its head; return the facts read."""
        return sum(self.catch_up(tenant_id, report) for tenant_id in sorted(self.waiting()))

    def retry(self, tenant_id: str, subject: str) -> bool:
        """Take a parked subject back: what depends on it is computed anew. Return whether it was parked."""
        with writing(self.connection, self.schema) as cursor:
            bookmarks.lock(cursor, tenant_id, self.schema)
            if not parking.release(cursor, tenant_id, [subject]):
                return False
            self.group.again(cursor, tenant_id, subject)
        self.catch_up(tenant_id)
        return True

    def parked(self, tenant_id: str) -> list[Parked]:
        """Return what is parked of a tenant."""
        with writing(self.connection, self.schema) as cursor:
            return parking.parked(cursor, tenant_id)

    def positions(self) -> list[Position]:
        """Return where each tenant stands, by tenant."""
        with writing(self.connection, self.schema) as cursor:
            return positions(cursor)


def analyze(connection: Connection[Any], schema: Schema) -> None:
    """Tell the planner what the tables of `schema` hold.

    Each in its own transaction: who held one and waited for the next would hold up a rebuild that takes over,
    and be held up by it, for ever.
    """
    with writing(connection, schema) as cursor:
        names = sorted(TABLES.existing(cursor, schema))
    for name in names:
        with writing(connection, schema) as cursor:
            TABLES.analyze(cursor, schema, name)


def positions(cursor: psycopg.Cursor[Any]) -> list[Position]:
    """Return where each tenant's read models stand, by tenant; the cursor sees every tenant."""
    cursor.execute(POSITIONS)
    return [Position(*row) for row in cursor.fetchall()]


def follow(
    connect: Connect,
    stop: threading.Event,
    *,
    report: Report | None = None,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Keep the read models at the heads until `stop` is set; a database that is away is waited for.

    `beat` is called at every turn, also where there is nothing to do.
    """
    while not stop.is_set():
        try:
            with connect() as connection:
                runner = Runner(connection)
                runner.prepare()
                _follow(runner, stop, report, beat)
        except psycopg.OperationalError as error:
            beat()
            log.warning("database.away", extra={"error": " ".join(str(error).split())})
            stop.wait(AWAY_SECONDS)


def _follow(runner: Runner, stop: threading.Event, report: Report | None, beat: Callable[[], None]) -> None:
    while not stop.is_set():
        beat()
        work = runner.waiting()
        taken = False
        for tenant_id in sorted(work):
            if stop.is_set():
                return
            applied = runner.step(tenant_id)
            if applied is not None:
                taken = True
                runner.changed(applied)
                if report is not None:
                    report(tenant_id, applied)
        if not work or max(work.values()) > FACTS_A_BATCH:
            runner.analyze()  # now, when nobody waits for it, or when all have to wait anyway
        if not work:
            stop.wait(IDLE_SECONDS)
        elif not taken:
            stop.wait(BUSY_SECONDS)
