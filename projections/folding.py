"""Folds what a rebuild has queued, in this process and in others that die with it."""

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from billing.errors import LedgerError
from projections import queue
from projections.garbage import no_collection
from projections.group import Applied, Group
from projections.runner import QUEUED_A_BATCH, Report
from projections.session import NEXT, Connect, writing
from projections.workers import die_with_parent

FEW_SERVICES: Final = 4_000
"""So many are folded sooner than another process has started."""
STEPS_AHEAD: Final = 2
"""How many batches each other process is given at a time, so that it has the next when one is done."""


class FolderLostError(LedgerError):
    """A process that folded for a rebuild has ended before its work was done."""

    code = "rebuild_process_lost"


@dataclass(frozen=True, slots=True)
class Task:
    """Where a process folds: `place` is the queue's table, so that it never folds for a later rebuild."""

    connect: Connect
    place: int
    limit: int


class Folder:
    """Folds batches of queued services over one connection; many folders share out one queue.

    No fact is read and no bookmark is moved meanwhile, so that all fold at the same seq. Services are
    disjoint; the totals of the forecast, which they share, are locked in one order by all.
    """

    def __init__(self, task: Task, connection: Connection[Any]) -> None:
        self._task = task
        self._connection = connection
        self._group = Group()

    def step(self, tenant_id: str) -> Applied:
        """Fold some of the tenant's services that nobody else is folding, in one transaction."""
        with no_collection(), writing(self._connection, NEXT) as cursor:
            return self._group.fold_queued(cursor, tenant_id, limit=self._task.limit, place=self._task.place)


def fold_queue(connection: Connection[Any], connect: Connect, processes: int, report: Report | None) -> None:
    """Fold most of what is queued in the new tables: here, and in `processes` others at once.

    `connect` must be picklable. What is queued when all have stopped (of a tenant with few services) is left
    to the caller. Raises FolderLostError.
    """
    with writing(connection, NEXT) as cursor:
        queue.analyze(cursor)
        waiting = [name for name, count in sorted(queue.pending(cursor).items()) if count > FEW_SERVICES]
        place = queue.place(cursor)
    if not waiting:
        return
    task = Task(connect, place, QUEUED_A_BATCH)
    own = Folder(task, connection)
    with ProcessPoolExecutor(
        max_workers=processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(task,),
    ) as pool:
        try:
            for tenant_id in waiting:
                for applied in _shared_out(own, pool, tenant_id, processes * STEPS_AHEAD):
                    if report is not None:
                        report(tenant_id, applied)
        except BrokenProcessPool as error:
            message = "a process that folded has ended; the live read models are as they were: rebuild again"
            raise FolderLostError(message) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _shared_out(own: Folder, pool: ProcessPoolExecutor, tenant_id: str, ahead: int) -> Iterator[Applied]:
    """Give the others up to `ahead` batches, do one here, and so on, until one finds nothing to do."""
    running: set[Future[Applied]] = set()
    is_left = True
    while is_left or running:
        while is_left and len(running) < ahead:
            running.add(pool.submit(_step, tenant_id))
        if is_left:
            applied = own.step(tenant_id)
            is_left = applied.services + applied.parked > 0
            yield applied
        done, running = wait(running, timeout=0 if is_left else None, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


_FOLDER: list[Folder] = []
"""This process's folder; empty in the parent."""


def _begin(task: Task) -> None:
    threading.Thread(target=die_with_parent, daemon=True).start()
    _FOLDER.append(Folder(task, task.connect()))


def _step(tenant_id: str) -> Applied:
    return _FOLDER[0].step(tenant_id)
