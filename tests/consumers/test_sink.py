"""One transaction: what is booked, counted, refused, fenced, and found again after a silent COMMIT."""

import json
from functools import partial

import psycopg
import pytest

from consumers.database import connect
from consumers.decode import decode
from consumers.errors import OffsetLostError, TopicRecreatedError
from consumers.records import Beginning, Counts, Heard, Partition, Refused, Slice
from consumers.sink import Sink
from ledger.errors import OffsetFencedError
from ledger.personal import reveal
from schemas.reading import Unreadable
from schemas.reasons import Reason
from schemas.registry import BY_NAME
from tests.consumers.proxy import proxied
from tests.consumers.stream import (
    activation,
    assert_whole,
    booked_ids,
    clock,
    customer,
    query,
    records,
    sums,
    tenant,
)

pytestmark = pytest.mark.postgres
ONE = Partition("events", 0)
TWO = Partition("events", 1)
BEGINNING = Beginning(0, "topic-1")


def sink_on(url, **settings):
    return Sink(partial(connect, url, name="test"), group="ledger", clock=clock, **settings)


@pytest.fixture
def sink(database):
    sink = sink_on(database)
    yield sink
    sink.close()


def slice_of(claim, *events, partition=ONE):
    low = claim.next_offset
    part = Slice(low, low + len(events), claim.epoch, claim.incarnation)
    for record in records(*events, first=low):
        origin = f"kafka:{partition.topic}/{partition.number}/{record.offset}"
        decoded = decode(record.headers, record.value, tenant_sources="*")
        if isinstance(decoded, Unreadable):
            part.refused.append(Refused(origin, record, decoded))
        else:
            part.heard.append(Heard(origin, decoded))
            part.records.append(record)
    return part


def book(sink, *events, partition=ONE):
    """Claim, book and return the counts."""
    claim = sink.claim({partition: BEGINNING})[partition]
    return sink.flush({partition: slice_of(claim, *events, partition=partition)}).counts[partition]


def rejected_facts(url, tenant_id):
    rows = query(
        url,
        "SELECT payload FROM ledger.fact WHERE tenant_id = %s AND type = 'event.rejected' ORDER BY seq",
        tenant_id,
    )
    events = [json.loads(row[0]) for row in rows]
    for event in events:
        BY_NAME["event.rejected.v1"].adapter.validate_python(event | {"tenantid": "any"})
    return [event["data"] for event in events]


def test_a_first_claim_begins_where_the_log_begins(sink):
    assert sink.claim({ONE: Beginning(17, "topic-1")})[ONE] == (17, 1, "topic-1")


def test_a_second_claim_goes_on_where_the_first_stopped(sink):
    book(sink, tenant(), activation(1))
    assert sink.claim({ONE: BEGINNING})[ONE] == (2, 2, "topic-1")


def test_a_thousand_duplicates_are_one_fact(sink, database):
    assert book(sink, tenant()) == Counts(booked=1)
    assert book(sink, *[activation(1)] * 1000) == Counts(booked=1, duplicate=999)
    assert book(sink, *[activation(1)] * 1000) == Counts(duplicate=1000)
    assert_whole(database, ["acme-1", "e-1"], received_count=2001)


def test_a_conflict_is_refused_with_both_hashes(sink, database):
    book(sink, tenant(), activation(1))
    assert book(sink, activation(1, quantity=2)) == Counts(rejected=1)
    (fact,) = rejected_facts(database, "acme")
    assert fact["reason"] == "conflicting_duplicate"
    assert fact["origin"] == "kafka:events/0/2"
    assert fact["conflict"]["seq"] == 2
    (payload,) = query(
        database, "SELECT encode(sha256(payload), 'hex') FROM ledger.fact WHERE event_id = 'e-1'"
    )
    assert fact["conflict"]["standing"] == payload[0] != fact["conflict"]["refused"]


def test_conflict_and_duplicate_inside_one_batch(sink, database):
    counts = book(sink, tenant(), activation(1), activation(1), activation(1, quantity=2), activation(2))
    assert counts == Counts(booked=3, duplicate=1, rejected=1)
    assert booked_ids(database)[:3] == ["acme-1", "e-1", "e-2"]


def test_a_refused_message_is_kept_as_it_was_sent(sink, database):
    book(sink, tenant(), b"{no json")
    (row,) = query(
        database,
        """SELECT topic, partition, "offset", tenant_id, key, value, headers, reason, state, origin
        FROM ledger.quarantine""",
    )
    assert row == (
        "events", 0, 1, None, b"key", b"{no json",
        [["content-type", "YXBwbGljYXRpb24vY2xvdWRldmVudHMranNvbjsgY2hhcnNldD1VVEYtOA=="]],
        "invalid_json", "waiting", "kafka:events/0/1",
    )  # fmt: skip
    (fact,) = rejected_facts(database, "_system")
    assert fact["size_bytes"] == len(b"{no json")


def test_a_schema_error_is_recorded_in_the_ledger_of_the_tenant_without_its_content(sink, database):
    book(sink, tenant())
    assert book(sink, activation(1, surname="Lovelace")) == Counts(rejected=1)
    (fact,) = rejected_facts(database, "acme")
    assert (fact["reason"], fact["place"]) == ("schema_invalid", "data")
    assert fact["event"] == {"source": "/fulfilment", "id": "e-1", "type": "service.activated"}
    assert "Lovelace" not in json.dumps(fact)
    assert rejected_facts(database, "_system") == []


def test_a_tenant_opens_for_what_comes_after_it(sink, database):
    counts = book(sink, activation(1), tenant(), activation(2))
    assert counts == Counts(booked=2, rejected=1)
    assert [fact["reason"] for fact in rejected_facts(database, "_system")] == ["tenant_unknown"]
    assert booked_ids(database) == ["acme-1", "e-2"]


def test_several_tenants_and_partitions_in_one_transaction(sink, database):
    claims = sink.claim({ONE: BEGINNING, TWO: BEGINNING})
    landed = sink.flush(
        {
            ONE: slice_of(claims[ONE], tenant("zeta"), activation(1, "zeta"), activation(1, "none")),
            TWO: slice_of(claims[TWO], tenant("acme"), b"[]", activation(1, "acme"), partition=TWO),
        }
    )
    assert landed.counts == {ONE: Counts(booked=2, rejected=1), TWO: Counts(booked=2, rejected=1)}
    assert {one.unreadable.reason for one in landed.refused} == {Reason.TENANT_UNKNOWN, Reason.NOT_AN_OBJECT}
    assert sums(database) == (6, 4, 0, 2)


def test_a_zombie_books_nothing(sink, database):
    """Another consumer claimed the partition while this one still had a batch of it."""
    book(sink, tenant())
    stale = sink.claim({ONE: BEGINNING})[ONE]
    other = sink_on(database)
    assert book(other, activation(1)) == Counts(booked=1)
    with pytest.raises(OffsetFencedError, match="events/0"):
        sink.flush({ONE: slice_of(stale, activation(1), activation(2))})
    other.close()
    assert_whole(database, ["acme-1", "e-1"], received_count=2)


def test_one_fenced_partition_takes_the_whole_batch_with_it(sink, database):
    book(sink, tenant())
    claims = sink.claim({ONE: BEGINNING, TWO: BEGINNING})
    other = sink_on(database)
    other.claim({TWO: BEGINNING})
    with pytest.raises(OffsetFencedError, match="events/1"):
        sink.flush({ONE: slice_of(claims[ONE], activation(1)), TWO: slice_of(claims[TWO], activation(2))})
    other.close()
    assert booked_ids(database) == ["acme-1"]


@pytest.mark.parametrize("change", ["next_offset = next_offset - 1", "next_offset = 9", "epoch = epoch - 1"])
def test_an_offset_that_is_not_the_one_we_left_must_be_claimed_again(sink, database, change):
    """A database that lost its last commits in a crash, or a fail-over, is the truth all the same."""
    book(sink, tenant(), activation(1))
    claim = sink.claim({ONE: BEGINNING})[ONE]
    query(database, f"UPDATE ledger.ingest_offset SET {change} RETURNING 1")
    with pytest.raises(OffsetFencedError, match="events/0"):
        sink.flush({ONE: slice_of(claim, activation(2))})
    assert booked_ids(database) == ["acme-1", "e-1"]


def test_a_topic_made_anew_stops_the_consumer(sink, database):
    book(sink, tenant())
    with pytest.raises(TopicRecreatedError, match="topic-2"):
        sink.claim({ONE: Beginning(0, "topic-2")})
    accepting = sink_on(database, accept_loss=True)
    claim = accepting.claim({ONE: Beginning(0, "topic-2")})[ONE]
    assert (claim.next_offset, claim.incarnation) == (0, "topic-2")
    assert accepting.flush({ONE: slice_of(claim, b"junk")}).counts[ONE] == Counts(rejected=1)
    accepting.close()


def test_the_same_offset_of_two_topics_of_one_name_is_two_dead_letters(sink, database):
    book(sink, b"old")
    anew = sink_on(database, accept_loss=True)
    claim = anew.claim({ONE: Beginning(0, "topic-2")})[ONE]
    anew.flush({ONE: slice_of(claim, b"new")})
    anew.close()
    assert query(database, "SELECT value FROM ledger.quarantine ORDER BY id") == [(b"old",), (b"new",)]
    assert len(rejected_facts(database, "_system")) == 2


def test_a_log_that_begins_behind_our_offset_stops_the_consumer(sink, database):
    book(sink, tenant())
    with pytest.raises(OffsetLostError, match="events/0 at 1"):
        sink.claim({ONE: Beginning(40, "topic-1")})
    accepting = sink_on(database, accept_loss=True)
    assert accepting.claim({ONE: Beginning(40, "topic-1")})[ONE].next_offset == 40
    accepting.close()


def test_two_groups_read_one_topic(sink, database):
    other = Sink(partial(connect, database, name="test"), group="second", clock=clock)
    events = [tenant(), activation(1), b"junk"]
    assert book(sink, *events) == Counts(booked=2, rejected=1)
    assert book(other, *events) == Counts(duplicate=2, rejected=1)
    other.close()


@pytest.mark.parametrize(("lost", "attempts"), [("answer", 1), ("question", 2)])
def test_a_commit_without_an_answer_is_looked_up(postgres, database, lost, attempts):
    """Landed or not, the batch is booked once: the locked offset row says which."""
    url = postgres.url(database.rpartition("/")[2].partition("?")[0], tcp=True)
    with proxied(url) as (proxy, through):
        sink = sink_on(through)
        book(sink, tenant())
        claim = sink.claim({ONE: BEGINNING})[ONE]
        batch = {ONE: slice_of(claim, activation(1), activation(1), b"junk")}
        proxy.swallow = lost
        with pytest.raises(psycopg.OperationalError):
            sink.flush(batch)
        assert proxy.swallowed == 1
        assert len(booked_ids(database)) == (2 if attempts == 1 else 1)
        assert sink.flush(batch).counts[ONE] == Counts(booked=1, duplicate=1, rejected=1)
        sink.close()
    assert_whole(database, ["acme-1", "e-1"], received_count=4)


def test_a_zombie_whose_commit_was_not_answered_is_told_that_it_lost(postgres, database):
    url = postgres.url(database.rpartition("/")[2].partition("?")[0], tcp=True)
    with proxied(url) as (proxy, through):
        sink = sink_on(through)
        book(sink, tenant())
        claim = sink.claim({ONE: BEGINNING})[ONE]
        batch = {ONE: slice_of(claim, activation(1))}
        proxy.swallow = "answer"
        with pytest.raises(psycopg.OperationalError):
            sink.flush(batch)
        other = sink_on(database)
        assert other.claim({ONE: BEGINNING})[ONE].next_offset == 2
        with pytest.raises(OffsetFencedError):
            sink.flush(batch)
        sink.close()
        other.close()
    assert_whole(database, ["acme-1", "e-1"], received_count=2)


def test_personal_data_never_reaches_the_facts(sink, database):
    book(sink, tenant(personal_attributes=["user"]), customer("c-1", email="ada@example.com"))
    book(sink, activation(1, attributes={"user": "Grace Hopper", "site": "ZRH"}))
    rows = query(database, "SELECT payload FROM ledger.fact WHERE tenant_id = 'acme' ORDER BY seq")
    payloads = b"".join(row[0] for row in rows)
    for secret in (b"Ada", b"ada@", b"Grace"):
        assert secret not in payloads
    name = json.loads(rows[1][0])["data"]["name"]
    user = json.loads(rows[2][0])["data"]["attributes"]["user"]
    with psycopg.connect(database) as connection:
        assert reveal(connection, "acme", [name, user]) == {name: "Ada Example", user: "Grace Hopper"}


def test_a_marking_counts_from_its_place_in_the_batch(sink, database):
    book(sink, tenant())
    marking = tenant(personal_attributes=["user"], effective="2026-01-01") | {"id": "acme-2"}
    before, after = (activation(number, attributes={"user": f"Jane {number}"}) for number in (1, 2))
    assert book(sink, before, marking, after) == Counts(booked=3)
    payloads = dict(
        query(database, "SELECT event_id, payload FROM ledger.fact WHERE type = 'service.activated'")
    )
    assert b"Jane 1" in payloads["e-1"]
    assert b"Jane 2" not in payloads["e-2"]


def test_personal_data_sent_again_is_a_duplicate(sink):
    assert book(sink, tenant(), customer("c-1")) == Counts(booked=2)
    assert book(sink, customer("c-1")) == Counts(duplicate=1)
    assert book(sink, customer("c-1", name="Eve Other")) == Counts(rejected=1)
