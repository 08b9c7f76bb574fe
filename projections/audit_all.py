"""Audits every document of a tenant, customer by customer, in several processes."""

import gc
import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Connection, Cursor

from ledger.errors import TenantNotOpenError
from ledger.read import head
from projections import parking, past
from projections.audit import Difference, audit_customer
from projections.past import Past, TenantPast
from projections.session import Connect, reading_facts
from projections.workers import die_with_parent

CHUNK_DOCUMENTS: Final = 200
SMALL_DOCUMENTS: Final = 600
"""Up to so many documents are done in this process: starting others takes longer."""

GARBAGE_THRESHOLD: Final = 200_000

ACCOUNTS: Final[LiteralString] = """
    SELECT substr(stream, 9), count(*) FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND stream >= 'account/' AND stream < 'account0' AND seq <= %(up_to)s
        AND type = 'invoice.issued'
    GROUP BY stream ORDER BY stream"""

ProgressBar = Callable[[int, int], None]
"""Told the documents done and to do."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What came of auditing a tenant; after a difference, the documents that were equal till then."""

    tenant_id: str
    up_to_seq: int
    documents: int
    lines: int
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class _Task:
    connect: Connect
    tenant_id: str
    up_to: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    documents: int
    lines: int
    difference: Difference | None


def audit_all(
    connect: Connect, tenant_id: str, *, workers: int = 2, progress: ProgressBar | None = None
) -> AuditReport:
    """Audit what is issued up to the ledger's head, and stop at the first difference, by customer.

    With more than one worker, `connect` must be picklable. Raises TenantNotOpenError.
    """
    with connect() as connection, reading_facts(connection, tenant_id) as cursor:
        found = head(connection, tenant_id)
        if found is None:
            raise TenantNotOpenError(f"tenant {tenant_id!r} has no ledger; send its tenant.configured")
        query = {"tenant_id": tenant_id, "up_to": found.size}
        counts: list[tuple[str, int]] = cursor.execute(ACCOUNTS, query).fetchall()
    total = sum(count for _, count in counts)
    task = _Task(connect, tenant_id, found.size)
    documents = lines = 0
    for outcome in _each(task, _chunks(counts), workers if total > SMALL_DOCUMENTS else 1):
        documents += outcome.documents
        lines += outcome.lines
        if progress is not None:
            progress(documents, total)
        if outcome.difference is not None:
            return AuditReport(tenant_id, found.size, documents, lines, outcome.difference)
    return AuditReport(tenant_id, found.size, documents, lines, None)


class Auditor:
    """Audits chunks of customers over one connection; keeps the tenant's catalog."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._connection: Connection[Any] | None = None
        self._tenant: TenantPast | None = None

    def run(self, customer_ids: Sequence[str]) -> _Outcome:
        """Audit all documents of some customers, in their order, up to the first difference."""
        if self._connection is None:
            self._connection = self._task.connect()
        documents = lines = 0
        with reading_facts(self._connection, self._task.tenant_id) as cursor:
            for customer_id, found in self._pasts(cursor, customer_ids):
                if isinstance(found, Difference):
                    return _Outcome(documents, lines, found)
                try:
                    for item in audit_customer(found, customer_id):
                        if item.difference is not None:
                            return _Outcome(documents, lines, item.difference)
                        assert item.draft is not None, "what is equal was computed"
                        documents += 1
                        lines += len(item.draft.lines)
                except Exception as error:  # noqa: BLE001 - whatever forged facts raise, it is named
                    return _Outcome(documents, lines, _unreadable(customer_id, error))
        return _Outcome(documents, lines, None)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _pasts(
        self, cursor: Cursor[Any], customer_ids: Sequence[str]
    ) -> Iterator[tuple[str, Past | Difference]]:
        """Yield each customer with its past: all read at once, or one by one where that can't be done."""
        task = self._task
        if self._tenant is None:
            self._tenant = past.read_tenant(cursor, task.tenant_id)
        try:
            found, _ = past.read(cursor, task.tenant_id, customer_ids, task.up_to, tenant=self._tenant)
        except ValueError:  # a payload is no JSON: find whose
            for customer_id in customer_ids:
                try:
                    found, _ = past.read(
                        cursor, task.tenant_id, [customer_id], task.up_to, tenant=self._tenant
                    )
                except ValueError as error:
                    yield customer_id, _unreadable(customer_id, error)
                else:
                    yield customer_id, found
        else:
            for customer_id in customer_ids:
                yield customer_id, found


def _unreadable(customer_id: str, error: Exception) -> Difference:
    return Difference(
        f"customer {customer_id}", "facts", "", "documents", f"no answer: {parking.reason_of(error)}"
    )


def _chunks(counts: Sequence[tuple[str, int]]) -> list[list[str]]:
    """Return customers in order, as many together as have some 200 documents."""
    chunks: list[list[str]] = []
    room = 0
    for customer_id, count in counts:
        if room < count or not chunks:
            chunks.append([])
            room = CHUNK_DOCUMENTS
        chunks[-1].append(customer_id)
        room -= count
    return chunks


def _each(task: _Task, chunks: Sequence[list[str]], processes: int) -> Iterator[_Outcome]:
    """Yield what became of each chunk, in order; with one process or chunk, here."""
    if processes < 2 or len(chunks) < 2:  # noqa: PLR2004 - nothing to share out
        auditor = Auditor(task)
        try:
            yield from map(auditor.run, chunks)
        finally:
            auditor.close()
        return
    with ProcessPoolExecutor(
        max_workers=min(processes, len(chunks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(task,),
    ) as pool:
        futures = [pool.submit(_run, chunk) for chunk in chunks]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_AUDITOR: list[Auditor] = []
"""This process's auditor; empty in the parent."""


def _begin(task: _Task) -> None:
    # A chunk makes no garbage in cycles worth looking for at every turn.
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    threading.Thread(target=die_with_parent, daemon=True).start()
    _AUDITOR.append(Auditor(task))


def _run(customer_ids: Sequence[str]) -> _Outcome:
    return _AUDITOR[0].run(customer_ids)
