"""What a bill run leaves for others to watch: its line in the log, and a file that Prometheus can collect."""

import logging
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

if TYPE_CHECKING:
    from projections.billrun import RunReport

log = logging.getLogger(__name__)


class RunWatch:
    """One run: when it began and, once told, what it came to."""

    def __init__(self, tenant_id: str, issue_date: date, *, dry_run: bool) -> None:
        self._began = time.monotonic()
        self._dry_run = dry_run
        log.debug("run.started", extra={"tenant": tenant_id, "date": issue_date.isoformat()})

    def done(self, report: "RunReport", file: Path | None) -> None:
        """Write the lines of a run that is over and, where one is named, the metrics file."""
        seconds = time.monotonic() - self._began
        tenant = {"tenant": report.tenant_id, "date": report.issue_date.isoformat()}
        for customer_id, reason in sorted(report.set_aside.items()):
            log.warning("customer.set_aside", extra=tenant | {"customer": customer_id, "reason": reason})
        counted: dict[str, object] = {
            "dry_run": self._dry_run,
            "customers": report.customers,
            "documents": len(report.documents),
            "set_aside": len(report.set_aside),
            "seq": report.computed_at_seq,
            "seconds": round(seconds, 3),
        }
        log.info("run.completed", extra=tenant | counted)
        if file is not None and not self._dry_run:
            try:
                write_to_textfile(str(file), run_metrics(report, seconds=seconds, at=time.time()))
            except OSError as error:  # the bills are out: that nobody can watch is no failure of the run
                log.warning("metrics.lost", extra={"file": str(file), "error": str(error)})


def run_metrics(report: "RunReport", *, seconds: float, at: float) -> CollectorRegistry:
    """Return what a run came to; `at` is the end of it, in seconds since 1970."""
    registry = CollectorRegistry()

    def gauge(name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"billing_run_{name}", description, ("tenant", *labels), registry=registry)

    gauge("duration_seconds", "How long the last bill run took.").labels(report.tenant_id).set(seconds)
    gauge("completed_timestamp_seconds", "When the last bill run was over.").labels(report.tenant_id).set(at)
    due = gauge("customers", "Customers that were due in the last bill run.")
    due.labels(report.tenant_id).set(report.customers)
    aside = gauge("set_aside_customers", "Customers that the last bill run could not bill.")
    aside.labels(report.tenant_id).set(len(report.set_aside))
    documents = gauge("documents", "Documents that the last bill run issued.", "kind", "currency")
    for total in report.totals:
        documents.labels(report.tenant_id, total.kind, total.currency).set(total.documents)
    return registry
