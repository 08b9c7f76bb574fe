"""`billing consume`: append events from Kafka to the ledger, exactly once, until it is stopped."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.monitoring.heartbeat import Heartbeat
from cli.options import JsonOption
from cli.output import print_json, print_text
from cli.settings import Settings, read_settings
from cli.streams import client_id, kafka_config, stop_on_signals

if TYPE_CHECKING:
    from consumers.records import Counts
    from consumers.source import KafkaSource

app = typer.Typer()
log = logging.getLogger(__name__)


@app.command()
def consume(
    *,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on where the broker's log begins now, although messages before it were never read.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Append the events of BILLING_TOPIC until SIGTERM or Ctrl-C; several of these share the partitions.

    Waits and goes on by itself while the database or the broker is away. Stops with an error where messages
    were lost before they were read, or the topic was made anew: nothing is skipped without --accept-loss.
    """
    from cli.logs import logged

    settings = read_settings()
    settings.database(), settings.clock, settings.brokers()  # what is wrong is said before anything starts
    with logged(settings, command="consume"):
        counts = _consume(settings, stop_on_signals(), accept_loss=accept_loss)
    if counts is None:
        return
    if as_json:
        print_json(counts.as_data())
    else:
        print_text(counts.as_text())


def _consume(settings: Settings, stop: threading.Event, *, accept_loss: bool) -> "Counts | None":
    """Consume until `stop` is set; None where that was before the broker answered."""
    from prometheus_client import CollectorRegistry

    from cli.monitoring.consuming import ConsumedReport, LedgerStanding
    from cli.monitoring.server import watched
    from consumers.database import connecting
    from consumers.loop import Consumer
    from consumers.sink import Sink
    from consumers.standing import BrokerEnds

    connect = connecting(settings.database(), name="billing consume")
    registry = CollectorRegistry()
    looking = connecting(settings.database(), name="billing consume: metrics")
    ends = BrokerEnds(kafka_config(settings), client_id=f"{client_id()}-metrics")
    registry.register(LedgerStanding(looking, ends, topic=settings.topic))
    life = Heartbeat()
    with watched(settings, registry, life.seconds_since), _dead_letter_topic(settings):
        source = _open_source(settings, stop, life)
        if source is None:
            return None
        started = {
            "topic": settings.topic,
            "brokers": list(settings.brokers()),
            "consumer_group": settings.consumer_group,
        }
        log.info("consume.started", extra=started)
        sink = Sink(connect, group=settings.consumer_group, clock=settings.clock, accept_loss=accept_loss)
        consumer = Consumer(
            source,
            sink,
            tenant_sources=settings.allowed_tenant_sources(),
            report=ConsumedReport(registry),
            beat=life.beat,
        )
        consumer.run(stop)
    log.info("consume.stopped", extra=consumer.counts.as_data())
    return consumer.counts


def _open_source(settings: Settings, stop: threading.Event, life: Heartbeat) -> "KafkaSource | None":
    """Join the group, as soon as the broker answers; None where we are stopped before."""
    from consumers.config import Limits
    from consumers.errors import BrokerAwayError
    from consumers.source import KafkaSource

    pause = Limits().first_pause_seconds
    while not stop.is_set():
        try:
            return KafkaSource(
                kafka_config(settings),
                topic=settings.topic,
                group=settings.consumer_group,
                client_id=client_id(),
                session_timeout_ms=settings.kafka_session_timeout_ms,
            )
        except BrokerAwayError as error:
            life.beat()
            log.warning("broker.away", extra={"error": str(error)})
            stop.wait(pause)
            pause = min(pause * 2, Limits().longest_pause_seconds)
    return None


@contextmanager
def _dead_letter_topic(settings: Settings) -> Iterator[None]:
    """Publish refused messages beside the consumer; what it leaves waiting at the end is published first."""
    from consumers.database import connecting
    from consumers.dead_letter_topic import DeadLetterTopic

    topic = DeadLetterTopic(
        connecting(settings.database(), name="billing consume: dead letters"),
        kafka_config(settings),
        topic=settings.dead_letter_topic,
        client_id=f"{client_id()}-dead-letters",
    )
    stop = threading.Event()
    thread = threading.Thread(target=topic.run, args=(stop,), name="dead letters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(topic.farewell_seconds)
