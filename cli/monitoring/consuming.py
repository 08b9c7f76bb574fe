"""What `billing consume` lets others watch: what it did, and how its partitions and the ledgers stand."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection

from consumers.errors import BrokerAwayError
from consumers.records import Counts, Partition
from consumers.sink import Landed
from consumers.standing import BrokerEnds, PartitionStanding, letters_by_state, standings
from ledger.append import begin_appending
from ledger.read import heads
from ledger.series import last_numbers

BATCH_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
NAMED_TRACES: Final = 10
log = logging.getLogger(__name__)


class ConsumedReport:
    """Told of every batch: counts it, and writes its line. Runs on the consumer's own thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "billing_consume_records",
            "Messages received since this process began, by what became of them.",
            ("topic", "partition", "outcome"),
            registry=registry,
        )
        self._refused = Counter(
            "billing_consume_refused",
            "Messages refused since this process began.",
            ("reason",),
            registry=registry,
        )
        self._seconds = Histogram(
            "billing_consume_batch_seconds",
            "From the first lock to the COMMIT of a batch.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )

    def __call__(self, landed: Landed) -> None:
        """Count a batch that is committed."""
        total = Counts()
        for (topic, number), counts in landed.counts.items():
            total += counts
            for outcome in ("booked", "duplicate", "rejected"):
                self._records.labels(topic, str(number), outcome).inc(getattr(counts, outcome))
        self._seconds.observe(landed.seconds)
        for one in landed.refused:
            self._refused.labels(str(one.unreadable.reason)).inc()
        self._tell(landed, total)

    def _tell(self, landed: Landed, total: Counts) -> None:
        """Write lines: names, places and reasons, never content. The detail of a refusal quotes content."""
        for one in landed.refused:
            named = one.unreadable.envelope or {}
            extra: dict[str, object] = {
                "reason": str(one.unreadable.reason),
                "place": one.unreadable.place,
                "origin": one.origin,
                "tenant": one.unreadable.tenant_id,
                "event_type": named.get("type"),
            }
            if one.trace is not None:
                extra["trace_id"] = one.trace.trace_id
            log.warning("event.refused", extra=extra)
        batch: dict[str, object] = {
            "partitions": [f"{topic}/{number}" for topic, number in landed.counts],
            **total.as_data(),
            "seconds": round(landed.seconds, 4),
        }
        if landed.traced:
            batch["trace_ids"] = [one.trace.trace_id for one in islice(landed.traced, NAMED_TRACES)]
        log.info("batch.booked", extra=batch)
        if log.isEnabledFor(logging.DEBUG):
            for fact in landed.traced:
                extra = {"tenant": fact.tenant_id, "seq": fact.seq, "origin": fact.origin}
                log.debug("event.booked", extra=extra | {"trace_id": fact.trace.trace_id})


class LedgerStanding(Collector):
    """Looks at each scrape: offsets and lag, dead letters, ledgers, documents. The database is the truth."""

    def __init__(self, connect: Callable[[], Connection[Any]], ends: BrokerEnds, *, topic: str) -> None:
        self._connect = connect
        self._ends = ends
        self._topic = topic
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Yield what is found; a database or a broker that is away shows in its `_up`."""
        database = GaugeMetricFamily(
            "billing_database_up", "1 where the database answered this scrape, else 0."
        )
        broker = GaugeMetricFamily("billing_broker_up", "1 where the broker answered this scrape, else 0.")
        with self._lock:
            found: Sequence[PartitionStanding] = ()
            try:
                with self._connect() as connection, connection.transaction():
                    begin_appending(connection)
                    found = standings(connection)
                    yield from _offsets(found)
                    yield from _ledgers(connection)
                database.add_metric((), 1)
            except psycopg.Error:
                database.add_metric((), 0)
            try:
                yield self._lag([one for one in found if one.topic == self._topic])
                broker.add_metric((), 1)
            except BrokerAwayError:
                broker.add_metric((), 0)
        yield database
        yield broker

    def _lag(self, found: Sequence[PartitionStanding]) -> Metric:
        ends = self._ends.ends([Partition(one.topic, one.partition) for one in found])
        lag = GaugeMetricFamily(
            "billing_consume_lag_records",
            "Messages that the broker holds behind the offset that the database has.",
            labels=("consumer_group", "topic", "partition"),
        )
        for one in found:
            behind = ends[Partition(one.topic, one.partition)] - one.next_offset
            lag.add_metric((one.consumer_group, one.topic, str(one.partition)), max(0, behind))
        return lag


def _offsets(found: Sequence[PartitionStanding]) -> Iterator[Metric]:
    labels = ("consumer_group", "topic", "partition")
    offset = GaugeMetricFamily(
        "billing_consume_next_offset", "The offset that is booked next, by the database.", labels=labels
    )
    records = GaugeMetricFamily(
        "billing_ingest_records",
        "Messages counted since the beginning of the ledger; a re-driven one moves from rejected to booked.",
        labels=(*labels, "outcome"),
    )
    for one in found:
        place = (one.consumer_group, one.topic, str(one.partition))
        if one.topic != "import":
            offset.add_metric(place, one.next_offset)
        for outcome in ("booked", "duplicate", "rejected"):
            records.add_metric((*place, outcome), getattr(one, outcome))
    yield offset
    yield records


def _ledgers(connection: Connection[Any]) -> Iterator[Metric]:
    facts = GaugeMetricFamily("billing_ledger_facts", "Facts in the tenant's ledger.", labels=("tenant",))
    for head in heads(connection):
        facts.add_metric((head.tenant_id,), head.size)
    yield facts
    letters = GaugeMetricFamily("billing_dead_letters", "Refused messages.", labels=("state", "reason"))
    for key, count in letters_by_state(connection).items():
        letters.add_metric(key, count)
    yield letters
    documents = GaugeMetricFamily(
        "billing_documents_issued", "The last number of the tenant's series.", labels=("tenant", "series")
    )
    for tenant_id, series, last in last_numbers(connection):
        documents.add_metric((tenant_id, series), last)
    yield documents
