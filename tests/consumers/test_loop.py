"""The consumer's loop on a broker in memory and a real database: rebalances, holes, losses, absences."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from consumers.config import Limits
from consumers.database import connect
from consumers.errors import OffsetLostError, TopicRecreatedError
from consumers.loop import Consumer
from consumers.sink import Sink
from tests.consumers.fake_source import FakeSource, partition
from tests.consumers.proxy import proxied
from tests.consumers.stream import (
    activation,
    assert_whole,
    booked_ids,
    clock,
    query,
    received,
    records,
    sums,
    tenant,
    wait_until,
)

pytestmark = pytest.mark.postgres
LIMITS = Limits(
    poll_records=10, batch_records=20, ahead_records=50, poll_seconds=0.01, first_pause_seconds=0.05
)


class Member:
    """A consumer that runs on a thread of the test."""

    def __init__(self, source, url, *, limits=LIMITS, report=None, **settings):
        self.source = source
        self.sink = Sink(partial(connect, url, name="test"), group="ledger", clock=clock, **settings)
        self.consumer = Consumer(source, self.sink, tenant_sources={"*"}, limits=limits, report=report)
        self.stop = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.consumer.run(self.stop)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def end(self):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        if self.error is not None:
            raise self.error


@contextmanager
def member(source, url, **settings):
    running = Member(source, url, **settings)
    try:
        yield running
    finally:
        running.stop.set()
        running.thread.join(30)
    if running.error is not None:
        raise running.error


def many(first, last):
    return [activation(number) for number in range(first, last)]


def test_everything_is_booked_in_order_and_the_broker_is_told(database):
    source = FakeSource({0: records(tenant(), *many(0, 300))})
    with member(source, database):
        wait_until(lambda: received(database) == 301)
    assert source.is_closed
    assert booked_ids(database) == ["acme-1", *(f"e-{number}" for number in range(300))]
    assert source.hints == {partition(): 301}


def test_stop_books_what_was_read(database):
    """A long linger keeps records waiting; stopping must not forget them."""
    source = FakeSource({0: records(tenant(), *many(0, 5))})
    slow = Limits(batch_records=1000, linger_seconds=60, poll_records=3)
    running = Member(source, database, limits=slow)
    wait_until(lambda: source.positions.get(partition(), 0) >= 3)
    running.end()
    assert received(database) == running.consumer.counts.received >= 3


def test_a_rebalance_in_the_middle_loses_and_doubles_nothing(database):
    """Two members pass partitions to and fro while they read; both go on from the database's truth."""
    logs = {0: records(tenant(), *many(0, 200)), 1: records(*many(200, 400))}
    with member(FakeSource({0: logs[0]}), database) as first:
        wait_until(lambda: received(database) >= 1)
        first.end()
    one, two = FakeSource(logs), FakeSource(logs, assigned=())
    turns = [
        (one, [0]),
        (two, [1]),
        (one, []),
        (two, [0, 1]),
        (two, [1]),
        (one, [0]),
        (two, []),
        (one, [0, 1]),
    ]
    with member(one, database), member(two, database):
        for source, numbers in turns:
            done = threading.Event()

            def change(source=source, numbers=numbers, done=done):
                source.rebalance([partition(number) for number in numbers])
                done.set()

            source.on_poll.append(change)
            assert done.wait(30)
        wait_until(lambda: received(database) == 401)
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(400))], received_count=401)


def test_a_zombie_that_does_not_know_of_the_rebalance_is_fenced(database):
    """Both members believe that the partition is theirs; every record is booked once."""
    log = records(tenant(), *many(0, 400))
    with member(FakeSource({0: log}), database), member(FakeSource({0: log}), database):
        wait_until(lambda: received(database) == 401)
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(400))], received_count=401)
    ((epoch,),) = query(database, "SELECT epoch FROM ledger.ingest_offset")
    assert epoch >= 2


def test_records_before_our_offset_are_dropped(database):
    """Some clients deliver what was fetched before a seek."""
    source = FakeSource({0: records(tenant(), *many(0, 10))})
    with member(source, database):
        wait_until(lambda: received(database) == 11)
        source.on_poll.append(lambda: source.positions.update({partition(): 3}))
        wait_until(lambda: not source.on_poll and source.positions[partition()] == 11)
        source.logs[partition()] += records(activation(99), first=11)
        wait_until(lambda: received(database) == 12)
    assert sums(database) == (12, 12, 0, 0)


def test_a_hole_is_asked_for_once_more_and_then_accepted(database):
    """Compaction and transactions leave holes in the offsets."""
    log = [*records(tenant(), activation(1)), *records(activation(2), first=7)]
    source = FakeSource({0: log})
    with member(source, database, limits=replace(LIMITS, poll_records=2)):
        wait_until(lambda: received(database) == 3)
    assert source.sought == [(0, 0), (0, 2)]
    assert query(database, "SELECT next_offset FROM ledger.ingest_offset") == [(8,)]


def test_a_hole_that_the_client_made_up_is_filled(database):
    source = FakeSource({0: records(tenant(), *many(0, 20))})
    with member(source, database):
        wait_until(lambda: received(database) == 21)
        source.logs[partition()] += records(*many(20, 40), first=21)
        source.on_poll.append(lambda: source.positions.update({partition(): 30}))
        wait_until(lambda: received(database) == 41)
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(40))], received_count=41)


def test_a_loss_stops_the_consumer_and_is_never_skipped(database):
    source = FakeSource({0: records(tenant(), activation(1))})
    running = Member(source, database)
    wait_until(lambda: received(database) == 2)
    source.logs[partition()] = records(activation(2), first=9)
    source.first[partition()] = 9
    wait_until(lambda: not running.thread.is_alive())
    with pytest.raises(OffsetLostError, match="events/0 at 2"):
        running.end()
    assert source.is_closed
    assert query(database, "SELECT next_offset FROM ledger.ingest_offset") == [(2,)]


def test_a_topic_made_anew_while_we_read_stops_the_consumer(database):
    source = FakeSource({0: records(tenant(), activation(1))})
    often = Limits(poll_seconds=0.01, incarnation_check_seconds=0.05)
    running = Member(source, database, limits=often)
    wait_until(lambda: received(database) == 2)
    source.incarnation = "topic-2"
    wait_until(lambda: not running.thread.is_alive())
    with pytest.raises(TopicRecreatedError, match="topic-2"):
        running.end()


def test_a_broker_that_is_away_is_waited_for(database):
    source = FakeSource({0: records(tenant())})
    source.is_away = True
    with member(source, database) as running:
        wait_until(lambda: running.consumer._broker_pause > 0)
        source.is_away = False
        wait_until(lambda: received(database) == 1)


def test_a_database_that_is_away_is_waited_for_while_the_group_is_kept(postgres, database):
    """Reading ahead ends at the limit; polling goes on, with nothing delivered, so that we stay a member."""
    url = postgres.url(database.rpartition("/")[2].partition("?")[0], tcp=True)
    with proxied(url) as (proxy, through):
        source = FakeSource({0: records(tenant(), *many(0, 400))})
        with member(source, through):
            wait_until(lambda: received(database) >= 1)
            proxy.is_refusing = True
            proxy.cut()
            wait_until(lambda: source.polls_paused > 5, what="polls while paused")
            before = received(database)
            assert before < 401
            assert source.positions[partition()] <= before + 2 * LIMITS.ahead_records
            proxy.is_refusing = False
            wait_until(lambda: received(database) == 401)
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(400))], received_count=401)


@pytest.mark.parametrize("lost", ["answer", "question"])
def test_a_commit_without_an_answer_doubles_nothing(postgres, database, lost):
    url = postgres.url(database.rpartition("/")[2].partition("?")[0], tcp=True)
    with proxied(url) as (proxy, through):
        source = FakeSource({0: records(tenant(), *many(0, 300))})
        with member(source, through) as running:
            for _ in range(3):
                before = received(database)
                proxy.swallow = lost
                wait_until(lambda: proxy.swallow is None or received(database) == 301)
                wait_until(lambda before=before: received(database) > before or before == 301)
            proxy.swallow = None
            wait_until(lambda: received(database) == 301)
        assert proxy.swallowed >= 1
        assert running.consumer.counts.received == 301
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(300))], received_count=301)


def test_stopping_while_the_database_is_away_takes_no_longer_than_agreed(postgres, database):
    url = postgres.url(database.rpartition("/")[2].partition("?")[0], tcp=True)
    with proxied(url) as (proxy, through):
        source = FakeSource({0: records(tenant(), *many(0, 400))})
        limits = Limits(poll_records=10, ahead_records=50, first_pause_seconds=0.05, stop_seconds=0.5)
        running = Member(source, through, limits=limits)
        wait_until(lambda: received(database) >= 1)
        proxy.is_refusing = True
        proxy.cut()
        running.stop.set()
        running.thread.join(10)
        assert not running.thread.is_alive()
        assert source.is_closed
    with member(FakeSource({0: source.logs[partition()]}), database):
        wait_until(lambda: received(database) == 401)
    assert_whole(database, ["acme-1", *(f"e-{number}" for number in range(400))], received_count=401)


def test_poison_does_not_stop_the_partition(database):
    bad = [b"", b"{", b"[]", b"\0\0\0\0\1{}", b'{"a": 1e400}', b'{"a": "\\u0000"}', b"\xff"]
    poison = [*bad, b"x" * (1 << 21), None]
    events = [tenant(), *(item for number, one in enumerate(poison) for item in (one, activation(number)))]
    with member(FakeSource({0: records(*events)}), database):
        wait_until(lambda: received(database) == len(events))
    assert sums(database) == (len(events), len(poison) + 1, 0, len(poison))
    assert query(database, "SELECT count(*) FROM ledger.quarantine") == [(len(poison),)]
    ((largest,),) = query(database, "SELECT max(octet_length(value)) FROM ledger.quarantine")
    assert largest == 1 << 21


def test_a_member_without_a_partition_says_so_once(database, caplog):
    caplog.set_level("WARNING", logger="consumers.loop")
    source = FakeSource({0: records(tenant())}, assigned=())
    with member(source, database, limits=replace(LIMITS, idle_seconds=0.02)):
        wait_until(lambda: "partition.none" in caplog.text)
        source.on_poll.append(lambda: source.rebalance([partition()]))
        wait_until(lambda: received(database) == 1)
    assert caplog.text.count("partition.none") == 1
