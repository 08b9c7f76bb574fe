"""Convergence through everything: a shuffled, delayed, duplicated stream, two consumers, bills in between."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any

import pytest

from billing.line import NO_SERVICE
from billing.money import parse_minor
from cli.embedded.broker import Broker
from cli.simulate.scenario_file import Scenario
from consumers.config import KafkaConfig
from consumers.database import connecting
from consumers.loop import Consumer
from consumers.sink import Sink
from consumers.source import KafkaSource
from ledger.facts import Clock
from tests.consumers.stream import query, received, send, sums, wait_until
from tests.oracle.histories import LAST_STEP, scenario
from tests.oracle.reference import Sums, due
from tests.projections.scenarios import facts_of
from tests.projections.world import World

pytestmark = pytest.mark.broker

WORLDS = 16
PARTITIONS = 3
MEMBERS = 2
BILLED_ON = ("2026-04-30", "2026-06-30", "2026-08-31", "2026-11-30", LAST_STEP)
SENT_TWICE = 0.3


class Told:
    """One generated world as a tenant of its own, its facts spread over the waves."""

    def __init__(self, number: int, url: str, random: Random) -> None:
        self.scenario = scenario(random)
        self.world = World(url, tenant=f"w{number}")
        self.waves: list[list[dict[str, Any]]] = [[] for _ in BILLED_ON]
        self.books: list[dict[str, Any]] = []
        for _, event in facts_of(Scenario.model_validate(self.scenario)):
            named = {**event, "tenantid": self.world.tenant}
            if not event["type"].startswith(("service.", "adjustment.")):
                if event["type"] == "tenant.configured":
                    whole = {**self.scenario["tenant"], "name": "Generated", "tenant_id": self.world.tenant}
                    named["data"] = {**event["data"], **whole}
                self.books.append(named)
                continue
            first = random.randrange(len(self.waves))
            self.waves[first].append(named)
            if random.random() < SENT_TWICE:
                self.waves[random.randrange(first, len(self.waves))].append(named)
        for wave in self.waves:
            random.shuffle(wave)

    def issued(self) -> Sums:
        found: Sums = defaultdict(int)
        for line in self.world.lines():
            document = line["issued"]["document"]
            service_id = line["service_id"] or NO_SERVICE
            place = (document["customer_id"], document["currency"], service_id, line["price_id"])
            found[place] += parse_minor(line["amount"], document["currency"])
        return {place: amount for place, amount in found.items() if amount}


@contextmanager
def consuming(url: str, broker: Broker, topic: str, clock: Clock) -> Iterator[None]:
    """Two members of one group, each on a thread of its own."""
    stop = threading.Event()
    threads = []
    for member in range(MEMBERS):
        source = KafkaSource(
            KafkaConfig((broker.bootstrap,)),
            topic=topic,
            group=topic,
            client_id=f"member-{member}",
            session_timeout_ms=min(broker.session_timeout_ms, 6_000),
        )
        sink = Sink(connecting(url, name="convergence"), group=topic, clock=clock)
        consumer = Consumer(source, sink, tenant_sources=("*",))
        threads.append(threading.Thread(target=consumer.run, args=(stop,), daemon=True))
        threads[-1].start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def test_whatever_the_stream_does_the_sums_are_those_of_hindsight(
    database: str, broker: Broker, make_topic: Callable[..., str]
) -> None:
    """BILLING.md §7 a: order, delay and repetition of facts, and the dates of runs, change no sum."""
    random = Random(20260624)
    told = [Told(number, database, random) for number in range(WORLDS)]
    topic = make_topic(partitions=PARTITIONS)
    # Books go through one partition: of two values for one day, the later heard counts (BILLING.md §1).
    books = [event for one in told for event in one.books]
    send(broker.bootstrap, topic, books, partition=0)
    sent = len(books)
    with consuming(database, broker, topic, told[0].world.clock):
        wait_until(lambda: received(database) == sent, what="the books are booked")
        for number, day in enumerate(BILLED_ON):
            wave = [event for one in told for event in one.waves[number]]
            random.shuffle(wave)
            send(broker.bootstrap, topic, wave)
            sent += len(wave)
            wait_until(lambda: received(database) == sent, what=f"wave {number} is booked")  # noqa: B023
            for one in told:
                report = one.world.run(day, off_cycle=True)
                assert not report.set_aside
    assert query(database, "SELECT reason, detail FROM ledger.quarantine") == []
    total, booked, duplicate, rejected = sums(database)
    assert (total, rejected) == (sent, 0)
    assert booked + duplicate == sent
    assert duplicate > 0
    for one in told:
        assert one.issued() == due(one.scenario, date.fromisoformat(LAST_STEP))
    lines = [line for one in told for line in one.world.lines()]
    assert sum(line["reverses"] is not None for line in lines) > WORLDS, "the stream made too few corrections"
