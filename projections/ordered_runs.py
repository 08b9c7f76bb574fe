"""Bill runs that were ordered: done in turn beside their callers, their progress kept to be asked."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final, Literal, LiteralString
from uuid import uuid4

import orjson
from psycopg import Connection, Cursor, IsolationLevel

from billing.errors import LedgerError
from billing.money import format_minor
from ledger.facts import Clock
from projections.billrun import RunReport, run
from projections.pages import Listing, Order
from projections.session import Connect

log = logging.getLogger(__name__)

OrderState = Literal["waiting", "running", "interrupted", "done", "failed"]
UNFINISHED: Final[frozenset[OrderState]] = frozenset({"waiting", "running"})
ENTER: Final[LiteralString] = (
    "SELECT set_config('role', 'billing_clerk', true), set_config('app.tenant_id', %(tenant_id)s, true)"
)
ADD: Final[LiteralString] = """
    INSERT INTO ledger.ordered_run
        (tenant_id, run_id, ordered_by, ordered_at, issue_date, customer_id, dry_run, off_cycle)
    VALUES (%(tenant_id)s, %(run_id)s, %(ordered_by)s, %(ordered_at)s, %(issue_date)s, %(customer_id)s,
        %(dry_run)s, %(off_cycle)s)"""
COUNT: Final[LiteralString] = """
    UPDATE ledger.ordered_run SET state = 'running', customers_done = %(done)s, customers_total = %(total)s
    WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s"""
END: Final[LiteralString] = """
    UPDATE ledger.ordered_run SET state = %(state)s, outcome = %(outcome)s, ended_at = %(ended_at)s
    WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s"""
# Who does a run holds this lock; where it can be had, nobody does it any more.
HOLD: Final[LiteralString] = "SELECT pg_advisory_lock(hashtextextended(%(run_id)s, 0))"
# Shared: two who look at once don't take each other for the one who does the run.
IS_FREE: Final[LiteralString] = "SELECT pg_try_advisory_xact_lock_shared(hashtextextended(%(run_id)s, 0))"
COLUMNS: Final[LiteralString] = (
    "run_id, ordered_by, ordered_at, issue_date, customer_id, dry_run, off_cycle, state, customers_done,"
    " customers_total, outcome, ended_at"
)
LISTING: Final = Listing(
    COLUMNS,
    "ledger.ordered_run",
    {"ordered": Order(("ordered_at", "run_id"), ("timestamptz", "text"))},
    {"state": "state = %(state)s"},
)
ONE: Final[LiteralString] = """
    SELECT run_id, ordered_by, ordered_at, issue_date, customer_id, dry_run, off_cycle, state, customers_done,
        customers_total, outcome, ended_at
    FROM ledger.ordered_run WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s"""


class BillRunUnknownError(LedgerError):
    """Nobody ordered a bill run of this id."""

    code = "bill_run_unknown"


@dataclass(frozen=True, slots=True)
class OrderedRun:
    """An order and how far it is; `customers_total` None: not known yet; `outcome` once it has ended."""

    run_id: str
    ordered_by: str
    ordered_at: datetime
    issue_date: date
    customer_id: str | None
    dry_run: bool
    off_cycle: bool
    state: OrderState
    customers_done: int
    customers_total: int | None
    outcome: dict[str, Any] | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ordering:
    """What is wanted: a run for a date, of all customers or of one; a dry run issues nothing.

    `off_cycle`: on the date itself, whatever the billing days are.
    """

    tenant_id: str
    ordered_by: str
    issue_date: date
    customer_id: str | None = None
    dry_run: bool = False
    off_cycle: bool = False


class RunDesk:
    """Takes orders, and does them one after the other in the background.

    A process that ends takes its unfinished orders with it: they are shown as interrupted, and may be given
    again, as a run never issues anything twice.
    """

    def __init__(self, connect: Connect, *, clock: Clock, workers: int) -> None:
        self._connect = connect
        self._clock = clock
        self._workers = workers
        self._turn = threading.Lock()
        self._threads: list[threading.Thread] = []

    def order(self, wanted: Ordering) -> OrderedRun:
        """Take an order and return it as it stands; it is begun as soon as the ones before it are done."""
        run_id, ordered_at = str(uuid4()), self._clock()
        connection = self._connect()
        try:
            connection.execute(HOLD, {"run_id": run_id})
            with _writing(connection, wanted.tenant_id) as cursor:
                cursor.execute(
                    ADD,
                    {
                        "tenant_id": wanted.tenant_id,
                        "run_id": run_id,
                        "ordered_by": wanted.ordered_by,
                        "ordered_at": ordered_at,
                        "issue_date": wanted.issue_date,
                        "customer_id": wanted.customer_id,
                        "dry_run": wanted.dry_run,
                        "off_cycle": wanted.off_cycle,
                    },
                )
        except BaseException:
            connection.close()
            raise
        thread = threading.Thread(target=self._do, args=(run_id, wanted, connection), daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()
        return OrderedRun(
            run_id=run_id,
            ordered_by=wanted.ordered_by,
            ordered_at=ordered_at,
            issue_date=wanted.issue_date,
            customer_id=wanted.customer_id,
            dry_run=wanted.dry_run,
            off_cycle=wanted.off_cycle,
            state="waiting",
            customers_done=0,
            customers_total=None,
            outcome=None,
            ended_at=None,
        )

    def wait(self, timeout_seconds: float) -> None:
        """Wait until all that was ordered here is done."""
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _do(self, run_id: str, wanted: Ordering, connection: Connection[Any]) -> None:
        key = {"tenant_id": wanted.tenant_id, "run_id": run_id}

        def count(done: int, total: int) -> None:
            with _writing(connection, wanted.tenant_id) as cursor:
                cursor.execute(COUNT, {**key, "done": done, "total": total})

        with self._turn, connection:
            try:
                report = run(
                    self._connect,
                    wanted.tenant_id,
                    wanted.issue_date,
                    clock=self._clock,
                    customer_id=wanted.customer_id,
                    dry_run=wanted.dry_run,
                    off_cycle=wanted.off_cycle,
                    progress=count,
                    workers=self._workers,
                )
            except LedgerError as error:
                state, outcome = "failed", {"code": error.code, "detail": str(error)}
            except Exception:
                log.exception("run.failed", extra={"tenant": wanted.tenant_id, "run": run_id})
                state, outcome = "failed", {"code": "internal_error", "detail": "the server's log says why"}
            else:
                count(report.customers, report.customers)
                state, outcome = "done", outcome_of(report)
            with _writing(connection, wanted.tenant_id) as cursor:
                ended = {"state": state, "outcome": orjson.dumps(outcome).decode(), "ended_at": self._clock()}
                cursor.execute(END, {**key, **ended})


def outcome_of(report: RunReport) -> dict[str, Any]:
    """Return how a run ended: totals by kind and currency, and who was set aside."""
    return {
        "computed_at_seq": report.computed_at_seq,
        "totals": [
            {
                "kind": total.kind,
                "currency": total.currency,
                "documents": total.documents,
                "lines": total.lines,
                "net": format_minor(total.net_minor, total.currency),
            }
            for total in report.totals
        ],
        "set_aside": [
            {"customer_id": name, "reason": reason} for name, reason in sorted(report.set_aside.items())
        ],
    }


def ordered(cursor: Cursor[Any], tenant_id: str, run_id: str) -> OrderedRun:
    """Return one order, seen as `ordered_run` needs it. Raises BillRunUnknownError."""
    found = cursor.execute(ONE, {"tenant_id": tenant_id, "run_id": run_id}).fetchone()
    if found is None:
        raise BillRunUnknownError(f"there is no bill run {run_id!r}; see /v1/bill-runs")
    return ordered_run(cursor, tenant_id, found)


def ordered_run(cursor: Cursor[Any], tenant_id: str, row: tuple[Any, ...]) -> OrderedRun:
    """Return the order of a row; unfinished where nobody does it any more: interrupted.

    A run may end between the look at its row and that at its lock. It writes how it ended before it lets go
    of the lock, so the row is read again where the lock is free: `cursor` must see each time what is so then.
    """
    assert cursor.connection.isolation_level == IsolationLevel.READ_COMMITTED, "see reading(afresh=True)"
    found = _read(row)
    if found.state not in UNFINISHED:
        return found
    free = cursor.execute(IS_FREE, {"run_id": found.run_id}).fetchone()
    assert free is not None
    if not free[0]:
        return found
    again = cursor.execute(ONE, {"tenant_id": tenant_id, "run_id": found.run_id}).fetchone()
    assert again is not None, "an order is never deleted"
    now = _read(again)
    return replace(now, state="interrupted") if now.state in UNFINISHED else now


def _read(row: tuple[Any, ...]) -> OrderedRun:
    run_id, ordered_by, ordered_at, issue_date, customer_id, dry_run, off_cycle, state, done, total = row[:10]
    outcome, ended_at = row[10:]
    return OrderedRun(
        run_id=run_id,
        ordered_by=ordered_by,
        ordered_at=ordered_at,
        issue_date=issue_date,
        customer_id=customer_id,
        dry_run=dry_run,
        off_cycle=off_cycle,
        state=state,
        customers_done=done,
        customers_total=total,
        outcome=None if outcome is None else orjson.loads(outcome),
        ended_at=ended_at,
    )


@contextmanager
def _writing(connection: Connection[Any], tenant_id: str) -> Iterator[Cursor[Any]]:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(ENTER, {"tenant_id": tenant_id})
        yield cursor
