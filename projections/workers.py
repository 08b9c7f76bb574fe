"""Runs chunks of customers: here, or in processes that die with the one that started them."""

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection

from billing.days import Day
from ledger.facts import Clock
from projections import drafting
from projections.due import Days
from projections.garbage import no_collection
from projections.issuing import Terms, issue
from projections.session import Connect, reading

if TYPE_CHECKING:
    from projections.books import Shared

CHUNKS_AHEAD: Final = 2
"""How many chunks each other process is given at a time, so that it has the next when one is done."""
ORPHANED: Final = 3
"""The exit code of a worker whose parent is gone."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker does with each chunk."""

    connect: Connect
    tenant_id: str
    clock: Clock
    dry_run: bool
    off_cycle: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """One document of a run, issued or (without a number) drafted; amounts in minor units."""

    customer_id: str
    due_for: Day
    kind: str
    currency: str
    net_minor: int
    line_count: int
    lines_root: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a chunk. `later`: to be looked at again once the read models are up to date."""

    customers: int
    computed_at_seq: int
    documents: tuple[Summary, ...]
    set_aside: dict[str, str]
    later: frozenset[str]


class Worker:
    """Computes and issues chunks over one connection; keeps the tenant's catalog while it stays the same."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._connection: Connection[Any] | None = None
        self._shared: Shared | None = None
        self._patterns = drafting.Patterns()

    def run(self, days: Days) -> Outcome:
        """Compute the documents of some customers in one snapshot, and issue them unless it is a dry run."""
        with no_collection():
            return self._run(days)

    def _run(self, days: Days) -> Outcome:
        task, connection = self._task, self._open()
        with reading(connection, task.tenant_id) as cursor:
            read = drafting.snapshot(cursor, task.tenant_id, days, self._shared)
        self._shared = read.books.shared
        drafted = drafting.draft(read, days, again=task.off_cycle, known=self._patterns)
        if task.dry_run:
            documents = tuple(_summary(d, None) for item in drafted.prepared for d in item.documents)
            return Outcome(len(days), read.seq, documents, drafted.set_aside, frozenset(drafted.later))
        prefixes = {kind: read.books.number_prefix(kind) for kind in ("invoice", "credit_note")}
        terms = Terms(task.tenant_id, read.seq, read.books.book.zone, prefixes)
        issued = issue(connection, task.connect, terms, drafted.prepared, clock=task.clock)
        documents = tuple(_summary(item.document, item.number) for item in issued.documents)
        return Outcome(len(days), read.seq, documents, drafted.set_aside, issued.clashed | drafted.later)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._task.connect()
        return self._connection


def run_chunks(task: Task, chunks: Sequence[Days], processes: int) -> Iterator[Outcome]:
    """Yield what became of each chunk, as they finish.

    One process is this one, which begins at once; the others take what is left as soon as they have started.
    """
    own = Worker(task)
    waiting = deque(chunks)
    others = min(processes, len(chunks)) - 1
    try:
        if others < 1:
            yield from map(own.run, chunks)
            return
        with ProcessPoolExecutor(
            max_workers=others,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(task,),
        ) as pool:
            try:
                yield from _shared_out(own, pool, waiting, others * CHUNKS_AHEAD)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    finally:
        own.close()


def _shared_out(
    own: Worker, pool: ProcessPoolExecutor, waiting: deque[Days], ahead: int
) -> Iterator[Outcome]:
    """Give the others up to `ahead` chunks, do one here, and so on; nobody waits while there is work."""
    running: set[Future[Outcome]] = set()
    while waiting or running:
        while waiting and len(running) < ahead:
            running.add(pool.submit(_run, waiting.popleft()))
        if waiting:
            yield own.run(waiting.popleft())
            done = {future for future in running if future.done()}
        else:
            done = wait(running, return_when=FIRST_COMPLETED).done
        running -= done
        for future in done:
            yield future.result()


_WORKER: list[Worker] = []
"""This process's worker; empty in the parent."""


def _begin(task: Task) -> None:
    threading.Thread(target=die_with_parent, daemon=True).start()
    _WORKER.append(Worker(task))


def _run(days: Days) -> Outcome:
    return _WORKER[0].run(days)


def die_with_parent() -> None:
    """End this process when the one that started it ends, however that happens."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(ORPHANED)


def _summary(document: drafting.Document, number: str | None) -> Summary:
    return Summary(
        document.customer_id,
        document.due_for,
        document.kind,
        document.currency,
        document.net_minor,
        len(document.lines.lines),
        document.lines.root,
        number,
    )
