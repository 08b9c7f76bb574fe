"""What `billing project` lets others watch: what it did, and how far the read models are behind."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection

from ledger.facts import Clock
from ledger.trace import traces_of
from projections.group import Applied
from projections.runner import Position, positions
from projections.session import Connect, writing

BATCH_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
NAMED_TRACES: Final = 10
log = logging.getLogger(__name__)


class ProjectedReport:
    """Told of every batch: counts it, and writes its line."""

    def __init__(self, registry: CollectorRegistry, connect: Connect) -> None:
        self._facts = Counter(
            "billing_project_facts", "Facts folded since this process began.", ("tenant",), registry=registry
        )
        self._services = Counter(
            "billing_project_services",
            "Services computed anew since it began.",
            ("tenant",),
            registry=registry,
        )
        self._parked = Counter(
            "billing_project_parked", "Subjects parked since it began.", ("tenant",), registry=registry
        )
        self._seconds = Histogram(
            "billing_project_batch_seconds",
            "From the lock to the COMMIT of a batch.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._connect = connect
        self._connection: Connection[Any] | None = None

    def __call__(self, tenant_id: str, applied: Applied) -> None:
        """Count a batch that is committed."""
        self._facts.labels(tenant_id).inc(applied.facts)
        self._services.labels(tenant_id).inc(applied.services)
        self._parked.labels(tenant_id).inc(applied.parked)
        self._seconds.observe(applied.seconds)
        extra: dict[str, object] = {
            "tenant": tenant_id,
            "seq": applied.seq,
            "facts": applied.facts,
            "services": applied.services,
            "seconds": round(applied.seconds, 4),
        }
        if applied.facts:
            trace_ids = self._trace_ids(tenant_id, applied)
            if trace_ids:
                extra["trace_ids"] = trace_ids
        if applied.parked:
            log.warning("subject.parked", extra=extra | {"parked": applied.parked})
        else:
            log.info("facts.projected", extra=extra)

    def close(self) -> None:
        """Close the connection that traces are looked up on."""
        if self._connection is not None:
            self._connection.close()

    def _trace_ids(self, tenant_id: str, applied: Applied) -> list[str]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        with writing(self._connection):
            found = traces_of(
                self._connection,
                tenant_id,
                after_seq=applied.seq - applied.facts,
                up_to_seq=applied.seq,
                limit=NAMED_TRACES,
            )
        return [trace.trace_id for trace in found.values()]


class ProjectionStanding(Collector):
    """Looks at each scrape how far every tenant's read models are."""

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield what is found; a database that is away shows in `billing_database_up`."""
        up = GaugeMetricFamily("billing_database_up", "1 where the database answered this scrape, else 0.")
        try:
            with self._lock, self._connect() as connection, writing(connection) as cursor:
                found = positions(cursor)
        except psycopg.Error:
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        now = self._clock()
        yield _gauge("billing_projection_seq", "The last fact that was read.", found, lambda one: one.seq)
        yield _gauge("billing_projection_behind_facts", "Facts not read yet.", found, lambda one: one.behind)
        yield _gauge(
            "billing_projection_delay_seconds",
            "For how long the oldest fact that is not read has been in the ledger, by the ledger's clock.",
            found,
            lambda one: _seconds(now, one.waiting_since),
        )
        yield _gauge(
            "billing_projection_queued_services",
            "Services that wait to be computed anew.",
            found,
            lambda one: one.queued,
        )
        yield _gauge(
            "billing_projection_parked_subjects",
            "Subjects whose facts break a projection: their customers are not billed.",
            found,
            lambda one: one.parked,
        )


def _gauge(name: str, description: str, found: list[Position], value: Callable[[Position], float]) -> Metric:
    family = GaugeMetricFamily(name, description, labels=("tenant",))
    for one in found:
        family.add_metric((one.tenant_id,), value(one))
    return family


def _seconds(now: datetime, since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
