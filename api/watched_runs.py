"""The desk for ordered bill runs, as an operator watches it: each run's lines, under its caller's trace."""

import threading
from contextvars import Context, copy_context
from dataclasses import dataclass, field, fields
from typing import Any

from psycopg import Connection

from api.run_lines import RunLines
from ledger.facts import Clock
from projections import ordered_runs
from projections.ordered_runs import OrderedRun, Ordering, RunDesk
from projections.session import Connect, reading


@dataclass(frozen=True, slots=True)
class _Traced(Ordering):
    """An order and the context of its request, which holds the trace: the run's thread has none."""

    context: Context = field(default_factory=copy_context)


class WatchedDesk(RunDesk):
    """Does what a desk does, and writes to the log how each run ended."""

    def __init__(self, connect: Connect, *, clock: Clock, workers: int) -> None:
        super().__init__(connect, clock=clock, workers=workers)
        self._watching = threading.Lock()

    def order(self, wanted: Ordering) -> OrderedRun:
        """Take an order and return it as it stands."""
        return super().order(_Traced(**{one.name: getattr(wanted, one.name) for one in fields(wanted)}))

    def _do(self, run_id: str, wanted: Ordering, connection: Connection[Any]) -> None:
        assert isinstance(wanted, _Traced), "made by order"
        with self._watching:  # one at a time, as it is done: a run's seconds hold no waiting
            wanted.context.run(self._watched, run_id, wanted, connection)

    def _watched(self, run_id: str, wanted: Ordering, connection: Connection[Any]) -> None:
        lines = RunLines(wanted.tenant_id, wanted.issue_date, dry_run=wanted.dry_run, run_id=run_id)
        super()._do(run_id, wanted, connection)
        run = self._ended(wanted.tenant_id, run_id)
        outcome = run.outcome or {}
        if run.state == "done":
            lines.completed(
                customers=run.customers_total or 0,
                documents=sum(total["documents"] for total in outcome["totals"]),
                set_aside={one["customer_id"]: one["reason"] for one in outcome["set_aside"]},
                seq=outcome["computed_at_seq"],
            )
        elif outcome.get("code") != "internal_error":  # that one is logged with its place
            lines.refused(code=outcome["code"], error=outcome["detail"])

    def _ended(self, tenant_id: str, run_id: str) -> OrderedRun:
        with self._connect() as connection, reading(connection, tenant_id, afresh=True) as cursor:
            return ordered_runs.ordered(cursor, tenant_id, run_id)
