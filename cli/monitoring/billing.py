"""What bill runs leave for others to watch: lines in the log, and numbers that Prometheus can collect."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, LiteralString

import orjson
import psycopg
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection

from api.run_lines import RunLines
from cli.monitoring.run_file import replace_tenant
from ledger.append import begin_appending
from ledger.read import heads
from projections.ordered_runs import ENTER

if TYPE_CHECKING:
    from projections.billrun import RunReport

LAST: Final[LiteralString] = """
    SELECT ordered_at, ended_at, customers_total, outcome FROM ledger.ordered_run
    WHERE tenant_id = %(tenant_id)s AND state = 'done' AND NOT dry_run AND customer_id IS NULL
    ORDER BY ordered_at DESC, run_id DESC LIMIT 1"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a tenant's last run came to; `ended_at` in seconds since 1970, documents by (kind, currency)."""

    tenant_id: str
    seconds: float
    ended_at: float
    customers: int
    set_aside: int
    documents: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, report: "RunReport", *, seconds: float, at: float) -> "LastRun":
        """Return what a run reports that is over now, `at`."""
        documents = {(total.kind, total.currency): total.documents for total in report.totals}
        return cls(report.tenant_id, seconds, at, report.customers, len(report.set_aside), documents)


class RunWatch:
    """One run by `billing run`: when it began and, once told, what it came to."""

    def __init__(self, tenant_id: str, issue_date: date, *, dry_run: bool) -> None:
        self._lines = RunLines(tenant_id, issue_date, dry_run=dry_run)
        self._dry_run = dry_run

    def done(self, report: "RunReport", file: Path | None) -> None:
        """Write the lines of a run that is over and, where one is named, the metrics file."""
        seconds = self._lines.completed(
            customers=report.customers,
            documents=len(report.documents),
            set_aside=report.set_aside,
            seq=report.computed_at_seq,
        )
        if file is not None and not self._dry_run:
            try:
                last = LastRun.of(report, seconds=seconds, at=time.time())
                replace_tenant(file, report.tenant_id, list(run_metrics([last])))
            except OSError as error:  # the bills are out: that nobody can watch is no failure of the run
                log.warning("metrics.lost", extra={"file": str(file), "error": str(error)})


class OrderedRuns(Collector):
    """Looks at each scrape how every tenant's last ordered run of all customers ended."""

    def __init__(self, connect: Callable[[], Connection[Any]]) -> None:
        self._connect = connect

    def collect(self) -> Iterator[Metric]:
        """Yield what is found; a database that is away shows in `billing_database_up`."""
        up = GaugeMetricFamily("billing_database_up", "1 where the database answered this scrape, else 0.")
        try:
            with self._connect() as connection, connection.transaction():
                found = _last_runs(connection)
        except psycopg.Error:
            up.add_metric((), 0)
        else:
            up.add_metric((), 1)
            yield from run_metrics(found)
        yield up


def run_metrics(runs: Sequence[LastRun]) -> Iterator[Metric]:
    """Yield what the last runs of tenants came to."""

    def gauge(name: str, description: str, value: Callable[[LastRun], float]) -> Metric:
        family = GaugeMetricFamily(f"billing_run_{name}", description, labels=("tenant",))
        for one in runs:
            family.add_metric((one.tenant_id,), value(one))
        return family

    yield gauge("duration_seconds", "How long the last bill run took.", lambda one: one.seconds)
    yield gauge("completed_timestamp_seconds", "When the last bill run was over.", lambda one: one.ended_at)
    yield gauge("customers", "Customers that were due in the last bill run.", lambda one: one.customers)
    yield gauge(
        "set_aside_customers", "Customers that the last bill run could not bill.", lambda one: one.set_aside
    )
    documents = GaugeMetricFamily(
        "billing_run_documents",
        "Documents that the last bill run issued.",
        labels=("tenant", "kind", "currency"),
    )
    for one in runs:
        for (kind, currency), count in one.documents.items():
            documents.add_metric((one.tenant_id, kind, currency), count)
    yield documents


def _last_runs(connection: Connection[Any]) -> list[LastRun]:
    begin_appending(connection)
    found = []
    for head in heads(connection):
        connection.execute(ENTER, {"tenant_id": head.tenant_id})
        row = connection.execute(LAST, {"tenant_id": head.tenant_id}).fetchone()
        if row is not None:
            ordered_at, ended_at, customers, outcome = row
            told = orjson.loads(outcome)
            found.append(
                LastRun(
                    head.tenant_id,
                    (ended_at - ordered_at).total_seconds(),
                    ended_at.timestamp(),
                    customers,
                    len(told["set_aside"]),
                    {(total["kind"], total["currency"]): total["documents"] for total in told["totals"]},
                )
            )
    return found
