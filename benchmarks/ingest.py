"""Kafka to committed facts, one consumer, against raw COPY of the same rows (ARCHITECTURE.md §11, row 1)."""

import multiprocessing
import multiprocessing.connection
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

from kafka.admin import KafkaAdminClient

from benchmarks.events import TENANT, encoded, lifecycle_events, tenant_event
from benchmarks.measure import Result, interleaved
from benchmarks.raw_copy import copy_batches, encoded_batches
from benchmarks.worlds import ANY_SOURCE, clock, copy_of_base, make_base
from cli.embedded.broker import Broker, broker
from cli.embedded.postgres import postgres
from consumers.config import KafkaConfig, Limits
from consumers.database import connecting
from consumers.loop import Consumer
from consumers.publish import Message, publish
from consumers.sink import Landed, Sink
from consumers.source import KafkaSource

AIM: Final = 0.5
EVENTS: Final = 200_000
TOPIC: Final = "bench.events"
PARTITIONS: Final = 4
PUBLISH_MESSAGES: Final = 20_000
CONSUMER_TIMEOUT_SECONDS: Final = 600.0


def measure(folder: Path, *, events: int, runs: int, progress: Callable[[str], None]) -> Result:
    """Return what one consumer books a second of a pre-filled topic, beside COPY of the same rows.

    Ours counts from the first poll, joining the group included, to the last COMMIT.
    """
    with postgres(folder / "postgres") as server, broker(folder / "broker") as running:
        progress(f"filling a topic of {running.description} with {events:,} events")
        make_base(server, folder, [tenant_event()])
        _fill(running, events)
        captured: list[list[bytes]] = []
        rounds = iter(range(2 * runs))

        def ours() -> float:
            with copy_of_base(server, f"bench_ours_{next(rounds)}") as url:
                seconds = _consume(url, running, events, group=f"bench-{next(rounds)}")
                if not captured:
                    captured.append(encoded_batches(url, TENANT, 1, Limits().batch_records))
                return seconds

        def limit() -> float:
            with copy_of_base(server, "bench_limit") as url:
                return copy_batches(url, captured[0])

        pairs = interleaved(ours, limit, runs=runs, progress=progress)
    return Result("ingest", events, "events", AIM, pairs)


def _fill(running: Broker, events: int) -> None:
    config = KafkaConfig((running.bootstrap,))
    admin = KafkaAdminClient(**config.client_settings())
    try:
        admin.create_topics({TOPIC: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    finally:
        admin.close()
    messages: list[Message] = []
    for number, event in enumerate(lifecycle_events(events), start=1):
        messages.append(Message(number, f"{TENANT}:{event['data']['service_id']}", encoded(event)))
        if len(messages) == PUBLISH_MESSAGES:
            publish(messages, config, topic=TOPIC, client_id="bench")
            messages = []
    publish(messages, config, topic=TOPIC, client_id="bench")


def _consume(url: str, running: Broker, events: int, *, group: str) -> float:
    """Run one consumer in a process of its own until it has booked `events`; return its seconds."""
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe(duplex=False)
    arguments = (child, url, running.bootstrap, running.session_timeout_ms, events, group)
    process = context.Process(target=_consumer, args=arguments, daemon=True)
    process.start()
    child.close()
    try:
        if not parent.poll(CONSUMER_TIMEOUT_SECONDS):
            raise TimeoutError(
                f"the consumer did not book {events:,} events in {CONSUMER_TIMEOUT_SECONDS:.0f} s"
            )
        seconds: float = parent.recv()
    finally:
        process.join(30)
        process.kill()
    return seconds


def _consumer(
    answer: "multiprocessing.connection.Connection",
    url: str,
    bootstrap: str,
    session_timeout_ms: int,
    events: int,
    group: str,
) -> None:
    stop = threading.Event()
    booked = 0
    last_commit = 0.0

    def landed(batch: Landed) -> None:
        nonlocal booked, last_commit
        booked += sum(counts.booked for counts in batch.counts.values())
        last_commit = perf_counter()
        if booked >= events:
            stop.set()

    source = KafkaSource(
        KafkaConfig((bootstrap,)),
        topic=TOPIC,
        group=group,
        client_id="bench",
        session_timeout_ms=session_timeout_ms,
    )
    sink = Sink(connecting(url, name="bench"), group=group, clock=clock)
    consumer = Consumer(source, sink, tenant_sources=ANY_SOURCE, report=landed)
    start = perf_counter()
    consumer.run(stop)
    answer.send(last_commit - start)
