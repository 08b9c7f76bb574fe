"""The bill run: every document that is due on a date, computed unlocked, issued in short transactions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from billing.days import Day, iso
from billing.errors import LedgerError
from ledger.append import append
from ledger.canonical import canonical
from ledger.errors import TenantNotOpenError
from ledger.facts import OWN_SOURCE, SCHEMA_URN, Clock, NewFact
from projections import accounts, bookmarks, books, due
from projections.accounts import Progress
from projections.due import Days
from projections.runner import Runner
from projections.session import Connect, reading
from projections.workers import Outcome, Summary, Task, run_chunks

CHUNK_CUSTOMERS: Final = 200
SMALL_CUSTOMERS: Final = 400
"""Up to so many customers are done in this process: starting others takes longer."""
ROUNDS: Final = 8
COMPLETED: Final = "run.completed"

ProgressBar = Callable[[int, int], None]
"""Told the customers done and to do."""


class IssueDateInFutureError(LedgerError):
    """A run for a date that has not come yet: what is due then is not known."""

    code = "issue_date_in_future"


class CustomerUnknownError(LedgerError):
    """No fact registers the customer."""

    code = "customer_unknown"


@dataclass(frozen=True, slots=True)
class Total:
    """The documents of one kind and currency."""

    kind: str
    currency: str
    documents: int
    lines: int
    net_minor: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did, or, as a dry run, would do."""

    tenant_id: str
    issue_date: date
    dry_run: bool
    customers: int
    computed_at_seq: int
    documents: tuple[Summary, ...]
    set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def totals(self) -> tuple[Total, ...]:
        """Sums by kind and currency."""
        sums: dict[tuple[str, str], tuple[int, int, int]] = {}
        for item in self.documents:
            count, lines, net = sums.get((item.kind, item.currency), (0, 0, 0))
            sums[item.kind, item.currency] = (count + 1, lines + item.line_count, net + item.net_minor)
        return tuple(Total(*key, *sums[key]) for key in sorted(sums))


def run(  # noqa: PLR0913 - each argument is a choice of its own
    connect: Connect,
    tenant_id: str,
    issue_date: date,
    *,
    clock: Clock,
    customer_id: str | None = None,
    off_cycle: bool = False,
    dry_run: bool = False,
    progress: ProgressBar | None = None,
    workers: int = 2,
) -> RunReport:
    """Issue what is due on each billing day up to `issue_date` that was not billed yet (ARCHITECTURE.md §8).

    `off_cycle` bills the customers on `issue_date` itself, whatever their billing days. A dry run computes
    the same and writes nothing. With more than one worker, `connect` and `clock` must be picklable. Raises
    IssueDateInFutureError, TenantNotOpenError, CustomerUnknownError.
    """
    with connect() as connection:
        runner = Runner(connection)
        runner.prepare()
        _bring_to_head(runner, tenant_id)
        first = _plan(runner, tenant_id, issue_date, customer_id, clock, off_cycle=off_cycle)
        todo, outcomes = first.days, list[Outcome]()
        task = Task(connect, tenant_id, clock, dry_run, off_cycle)
        finished = 0
        for _ in range(ROUNDS):
            if not todo:
                break
            processes = workers if len(todo) > SMALL_CUSTOMERS else 1
            later: set[str] = set()
            for outcome in run_chunks(task, _chunks(todo), processes):
                outcomes.append(outcome)
                later |= outcome.later
                finished += outcome.customers - len(outcome.later)
                if progress is not None:
                    progress(finished, len(first.days))
            todo = {name: days for name, days in todo.items() if name in later}
            if todo:
                _bring_to_head(runner, tenant_id)
        set_aside = {name: reason for outcome in outcomes for name, reason in outcome.set_aside.items()}
        set_aside |= dict.fromkeys(todo, "other transactions kept moving the account")
        report = RunReport(
            tenant_id,
            issue_date,
            dry_run,
            len(first.days),
            max((outcome.computed_at_seq for outcome in outcomes), default=first.seq),
            tuple(document for outcome in outcomes for document in outcome.documents),
            set_aside,
        )
        if not (dry_run or off_cycle):
            _complete(runner, first, report, customer_id, clock)
    return report


@dataclass(frozen=True, slots=True)
class _Plan:
    seq: int
    days: Days
    progress: Progress
    done: dict[str, Day]


def _bring_to_head(runner: Runner, tenant_id: str) -> None:
    runner.catch_up(tenant_id)


def _plan(
    runner: Runner,
    tenant_id: str,
    issue_date: date,
    customer_id: str | None,
    clock: Clock,
    *,
    off_cycle: bool,
) -> _Plan:
    with reading(runner.connection, tenant_id) as cursor:
        bookmark = bookmarks.read(cursor, tenant_id)
        common = books.shared(cursor, tenant_id, bookmark)
        if not common.tenant_events:
            raise TenantNotOpenError(f"tenant {tenant_id!r} has no ledger; send its tenant.configured")
        today = clock().astimezone(books.books(cursor, common, (), bookmark.seq).book.zone).date()
        if issue_date > today:
            raise IssueDateInFutureError(
                f"date {issue_date.isoformat()} has not come yet: tenant {tenant_id!r} has "
                f"{today.isoformat()} by the ledger's clock; give that day or an earlier one"
            )
        begin = due.done_through(cursor, common, bookmark.seq, customer_id)
        done = {candidate.customer_id: day for candidate, day in begin.items()}
        if customer_id is not None and customer_id not in done:
            raise CustomerUnknownError(f"tenant {tenant_id!r} has no customer {customer_id!r}")
        days: Days = dict.fromkeys(done, (Day(issue_date.toordinal()),))
        if not off_cycle:
            days = due.due_days(cursor, common, bookmark.seq, issue_date, begin)
        return _Plan(bookmark.seq, days, accounts.progress(cursor, tenant_id), done)


def _chunks(days: Days) -> list[Days]:
    names = list(days)
    return [
        {name: days[name] for name in names[start : start + CHUNK_CUSTOMERS]}
        for start in range(0, len(names), CHUNK_CUSTOMERS)
    ]


def _complete(runner: Runner, plan: _Plan, report: RunReport, customer_id: str | None, clock: Clock) -> None:
    """Append that the run is done, so that a later one doesn't take its days for missed; once is enough."""
    if customer_id is None:
        after = accounts.after_run(plan.progress, report.issue_date, report.set_aside)
        if after == plan.progress:
            return
    elif report.set_aside or report.issue_date.toordinal() <= plan.done[customer_id]:
        return
    with runner.connection.transaction():
        append(
            runner.connection,
            {report.tenant_id: [completed(report, customer_id)]},
            clock=clock,
        )


def completed(report: RunReport, customer_id: str | None) -> NewFact:
    """Return the fact that says that a run is done, for whom, and who was set aside."""
    scope = "all" if customer_id is None else f"customer/{customer_id}"
    event_id = f"run/{iso(Day(report.issue_date.toordinal()))}/{scope}/{report.computed_at_seq}"
    data: dict[str, object] = {
        "date": report.issue_date.isoformat(),
        "computed_at_seq": report.computed_at_seq,
        "documents": len(report.documents),
        "set_aside": [
            {"customer_id": name, "reason": reason} for name, reason in sorted(report.set_aside.items())
        ],
    }
    if customer_id is not None:
        data["customer_id"] = customer_id
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": OWN_SOURCE,
        "type": COMPLETED,
        "tenantid": report.tenant_id,
        "dataschema": f"{SCHEMA_URN}:{COMPLETED}:1",
        "data": data,
    }
    return NewFact(
        source=OWN_SOURCE,
        event_id=event_id,
        stream="runs",
        type=COMPLETED,
        schema_version=1,
        payload=canonical(event),
        customer_id=customer_id,
    )
