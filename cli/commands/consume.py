"""`billing consume`: append events from Kafka to the ledger, exactly once, until it is stopped."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption
from cli.output import print_json, print_text
from cli.settings import Settings, read_settings
from cli.streams import client_id, kafka_config, log_to_stderr, stop_on_signals

if TYPE_CHECKING:
    from consumers.source import KafkaSource

app = typer.Typer()
log = logging.getLogger("billing.consume")


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
    from consumers.database import connecting
    from consumers.loop import Consumer
    from consumers.sink import Sink

    settings = read_settings()
    database, clock, brokers = settings.database(), settings.clock, settings.brokers()
    log_to_stderr()
    stop = stop_on_signals()
    connect = connecting(database, name="billing consume")
    with _dead_letter_topic(settings):
        source = _open_source(settings, stop)
        if source is None:
            return
        log.info("consuming %s from %s as %s", settings.topic, ",".join(brokers), settings.consumer_group)
        sink = Sink(connect, group=settings.consumer_group, clock=clock, accept_loss=accept_loss)
        consumer = Consumer(source, sink, tenant_sources=settings.allowed_tenant_sources())
        consumer.run(stop)
    if as_json:
        print_json(consumer.counts.as_data())
    else:
        print_text(consumer.counts.as_text())


def _open_source(settings: Settings, stop: threading.Event) -> "KafkaSource | None":
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
            log.warning("broker away: %s", error)
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
