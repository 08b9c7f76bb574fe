"""Whole processes on a real broker and a real database, and what is done to them."""

import random
import signal
import threading

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from cli.embedded.broker import Broker
from cli.embedded.broker import broker as run_broker
from cli.embedded.postgres import Postgres
from ledger.migrate import migrate
from tests.broker_fixtures import create_topic, preference
from tests.consumers.members import group
from tests.consumers.stream import activation, assert_whole, query, received, send, sums, tenant, wait_until

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
EVENTS = 4_000


def stream(seed=1):
    """Every event, a quarter of them again, in an order of its own."""
    events = [activation(number) for number in range(EVENTS)]
    again = random.Random(seed).sample(events, EVENTS // 4)
    mixed = events + again
    random.Random(seed + 1).shuffle(mixed)
    return mixed


IDS = ["acme-1", *(f"e-{number}" for number in range(EVENTS))]
TOTAL = 1 + EVENTS + EVENTS // 4


def open_tenant(members, broker, topic, database):
    """Send tenant.configured, and wait for the first member to book it."""
    member = members.start()
    send(broker.bootstrap, topic, [tenant()], partition=0)
    wait_until(lambda: received(database) == 1, what=f"the tenant\n{member.said()}")
    return member


class Sender(threading.Thread):
    """Sends events while the test goes on."""

    def __init__(self, broker, topic, events):
        super().__init__(daemon=True)
        self._arguments = (broker.bootstrap, topic, events)
        self.start()

    def run(self):
        bootstrap, topic, events = self._arguments
        for first in range(0, len(events), 250):
            send(bootstrap, topic, events[first : first + 250])


def test_members_share_the_partitions(broker, make_topic, database, tmp_path):
    topic = make_topic(partitions=6)
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        open_tenant(members, broker, topic, database)
        second, third = members.start(), members.start()
        wait_until(lambda: second.has_claimed and third.has_claimed, what="every member has a partition")
        Sender(broker, topic, stream()).join(60)
        wait_until(lambda: received(database) == TOTAL, what="all received")
        counts = [member.terminate() for member in members.members]
    assert sum(count["received"] for count in counts) == TOTAL
    assert sum(count["duplicate"] for count in counts) == EVENTS // 4
    assert_whole(database, IDS, received_count=TOTAL)


def test_members_that_are_killed_lose_and_double_nothing(broker, make_topic, database, tmp_path):
    topic = make_topic(partitions=4)
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        open_tenant(members, broker, topic, database)
        sender = Sender(broker, topic, stream())
        for share in (0.1, 0.3, 0.5):
            wait_until(lambda share=share: received(database) >= share * TOTAL, what=f"{share} received")
            members.start()
            members.members[-2].kill()
        sender.join(60)
        wait_until(lambda: received(database) == TOTAL, seconds=120, what=members.members[-1].said())
    assert_whole(database, IDS, received_count=TOTAL)


def test_sigterm_in_the_middle_ends_in_order(broker, make_topic, database, tmp_path):
    topic = make_topic(partitions=2)
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        first = open_tenant(members, broker, topic, database)
        sender = Sender(broker, topic, stream())
        wait_until(lambda: received(database) > 200)
        counts = first.terminate()
        assert counts["received"] == received(database)
        assert "Traceback" not in first.said()
        members.start()
        sender.join(60)
        wait_until(lambda: received(database) == TOTAL, what="all received")
    assert_whole(database, IDS, received_count=TOTAL)


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_database_that_goes_away_is_waited_for(broker, make_topic, tmp_path, how):
    topic = make_topic(partitions=2)
    server = Postgres(tmp_path / "postgres", settings={"fsync": "off"})
    server.start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            migrate(connection)
        with group(tmp_path, database=server.url(), broker=broker, topic=topic) as members:
            member = open_tenant(members, broker, topic, server.url())
            sender = Sender(broker, topic, stream())
            wait_until(lambda: received(server.url()) > 200)
            server.stop(signal.SIGINT if how == "restart" else signal.SIGQUIT)
            wait_until(lambda: "database.away" in member.said(), what=member.said())
            sender.join(60)
            server.start()
            wait_until(lambda: received(server.url()) == TOTAL, what=member.said())
            member.terminate()
        assert_whole(server.url(), IDS, received_count=TOTAL)
    finally:
        server.stop()


def test_a_broker_that_stops_answering_is_waited_for(broker, make_topic, database, tmp_path):
    topic = make_topic(partitions=2)
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        member = open_tenant(members, broker, topic, database)
        send(broker.bootstrap, topic, stream())
        wait_until(lambda: received(database) > 200)
        broker.freeze()
        try:
            thawing = threading.Timer(broker.session_timeout_ms / 1000 * 1.5, broker.thaw)
            thawing.start()
            thawing.join()
        finally:
            broker.thaw()
        wait_until(lambda: received(database) == TOTAL, seconds=120, what=member.said())
        member.terminate()
    assert_whole(database, IDS, received_count=TOTAL)


def test_a_broker_that_restarts_is_waited_for(broker, database, tmp_path):
    if broker.kind != "kafka":
        pytest.skip("the embedded broker keeps its records in memory: a restart loses them")
    with run_broker(tmp_path / "broker", preference()) as own:
        create_topic(own.bootstrap, "events", 2)
        with group(tmp_path, database=database, broker=own, topic="events") as members:
            member = open_tenant(members, own, "events", database)
            half = stream()
            send(own.bootstrap, "events", half[:2500])
            wait_until(lambda: received(database) > 200)
            own.stop()
            own.start()
            send(own.bootstrap, "events", half[2500:])
            wait_until(lambda: received(database) == TOTAL, seconds=120, what=member.said())
            member.terminate()
    assert_whole(database, IDS, received_count=TOTAL)


def read_topic(broker: Broker, topic, count):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=20_000,
    )
    found = []
    for record in consumer:
        found.append(record)
        if len(found) == count:
            break
    consumer.close()
    return found


def test_refused_messages_reach_the_dead_letter_topic_as_they_were_sent(
    broker, make_topic, database, tmp_path
):
    topic, dead_letters = make_topic(), make_topic()
    poison = [b"\xff\x00", b"{", b'{"a": 1e400}', None]
    with group(
        tmp_path, database=database, broker=broker, topic=topic, dead_letter_topic=dead_letters
    ) as members:
        member = open_tenant(members, broker, topic, database)
        send(broker.bootstrap, topic, [*poison, activation(1), activation(1, quantity=2)])
        found = read_topic(broker, dead_letters, 5)
        wait_until(lambda: query(database, "SELECT 1 FROM ledger.quarantine WHERE state = 'waiting'") == [])
        member.terminate()
    by_offset = {dict(record.headers)["__connect.errors.offset"]: record for record in found}
    assert [by_offset[str(offset).encode()].value for offset in range(1, 5)] == poison
    conflict = by_offset[b"6"]
    assert conflict.key == b"e-1"
    assert dict(conflict.headers)["dlt.reason"] == b"conflicting_duplicate"
    assert dict(conflict.headers)["content-type"].startswith(b"application/cloudevents+json")
    assert sums(database) == (7, 2, 0, 5)


def expect_end(member):
    """Wait until the process has ended by itself; return exit code and log."""
    wait_until(lambda: member.process.poll() is not None, what=f"its end\n{member.said()}")
    return member.process.returncode, member.said()


def test_messages_that_the_broker_deleted_unread_stop_the_consumer(broker, make_topic, database, tmp_path):
    """Nothing is skipped silently; with --accept-loss it goes on with what is left."""
    if broker.kind != "kafka":
        pytest.skip("the embedded broker can't delete records")
    topic = make_topic()
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        open_tenant(members, broker, topic, database).terminate()
        send(broker.bootstrap, topic, [activation(number) for number in range(10)])
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.delete_records({TopicPartition(topic, 0): 6})
        admin.close()
        code, said = expect_end(members.start())
        assert code == 1
        assert f"{topic}/0 at 1" in said
        assert "[offset_lost]" in said
        assert received(database) == 1
        accepting = members.start("--accept-loss")
        wait_until(lambda: received(database) == 6, what=accepting.said())
        accepting.terminate()
    assert query(database, "SELECT next_offset FROM ledger.ingest_offset") == [(11,)]


def test_a_topic_that_was_made_anew_stops_the_consumer(broker, make_topic, database, tmp_path):
    """Its offsets begin at 0 again: without the guard its first messages would count as read."""
    topic = make_topic()
    with group(tmp_path, database=database, broker=broker, topic=topic) as members:
        open_tenant(members, broker, topic, database).terminate()
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.delete_topics([topic])
        admin.close()
        wait_until(lambda: is_created(broker.bootstrap, topic), what="the topic, anew")
        send(broker.bootstrap, topic, [activation(1), activation(2)])
        code, said = expect_end(members.start())
        assert code == 1
        assert "[topic_recreated]" in said
        assert received(database) == 1
        accepting = members.start("--accept-loss")
        wait_until(lambda: received(database) == 3, what=accepting.said())
        accepting.terminate()
    assert sums(database) == (3, 3, 0, 0)


def is_created(bootstrap, topic):
    """Try to make the topic; the broker may still be deleting its namesake."""
    try:
        create_topic(bootstrap, topic, 1)
    except KafkaError:
        return False
    return True
