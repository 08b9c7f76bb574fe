"""Lives through the half year, day by day: sets the clock, sends what is sent, waits, runs the bills."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from cli.clock import clock_from
from cli.demo.errors import SetAsideError
from cli.demo.hindsight import Run
from cli.demo.messages import Message
from cli.demo.stage import TOPIC, Stage
from cli.demo.times import LAST_DAY, OPENING_DAY, billed_at, days, heard_at
from cli.demo.watch import Watch
from cli.demo.world import World
from cli.farewell import held_back
from projections.billrun import RunReport, run

SEND_TIMEOUT_SECONDS: Final = 30.0


@dataclass(slots=True)
class Lived:
    """What was done so far: messages sent, documents issued, and the bill runs of each tenant."""

    sent: int = 0
    documents: int = 0
    runs: dict[str, list[Run]] = field(default_factory=dict)


OnDay = Callable[[date, Lived], None]


def live(world: World, stage: Stage, on_day: OnDay) -> Lived:
    """Live through the `world` on the `stage` and tell `on_day` of each day. Raises what its parts raise."""
    lived = Lived(runs={tenant_id: [] for tenant_id in world.issue_days})
    by_day = world.by_day()
    clock = clock_from(f"file:{stage.clock}")
    with stage.connect() as connection, _producer(stage.brokers) as producer:
        watch = Watch(connection, stage.children)
        for today in days(OPENING_DAY, LAST_DAY):
            if today in by_day:
                stage.at(heard_at(today))
                _send(producer, by_day[today])
                lived.sent += len(by_day[today])
                watch.until_received(lived.sent)
                watch.until_projected()
            for tenant_id, issue_days in world.issue_days.items():
                if today in issue_days:
                    stage.at(billed_at(today))
                    lived.runs[tenant_id].append(Run(today, watch.position(tenant_id)))
                    report = run(stage.connect, tenant_id, today, clock=clock, workers=1)
                    _check(report)
                    lived.documents += len(report.documents)
                    watch.until_projected()
            on_day(today, lived)
    return lived


@contextmanager
def _producer(brokers: str) -> Iterator[KafkaProducer]:
    """Yield a producer. Closing it is bounded: one that was interrupted in a send may never get empty."""
    with held_back():
        producer = KafkaProducer(bootstrap_servers=brokers)
    try:
        yield producer
    except BaseException:
        with suppress(KafkaError):
            producer.close(timeout=0)
        raise
    producer.close(timeout=SEND_TIMEOUT_SECONDS)


def _check(report: RunReport) -> None:
    if report.set_aside:
        reasons = "; ".join(f"{customer_id}: {reason}" for customer_id, reason in report.set_aside.items())
        raise SetAsideError(f"the run of {report.tenant_id} on {report.issue_date} left out {reasons}")


def _send(producer: KafkaProducer, messages: Sequence[Message]) -> None:
    sent: list[Any] = [
        producer.send(TOPIC, key=message.key, value=message.value, headers=list(message.headers))
        for message in messages
    ]
    for confirmed in sent:
        confirmed.get(timeout=SEND_TIMEOUT_SECONDS)
