"""The append: gapless, idempotent, in the order given; what it refuses, it refuses before it writes."""

from datetime import timedelta

import pytest

from ledger.append import append
from ledger.canonical import fingerprint
from ledger.facts import Booked, Conflict, Duplicate, TenantUnknown
from ledger.leaf import leaf_of
from ledger.read import (
    each_fact,
    fact_by_event,
    facts_of_customer,
    facts_of_streams,
    facts_since,
    head,
    heads,
    seq_at,
)
from tests.ledger.samples import MOMENT, book, connect, event, heard, opening, service

pytestmark = pytest.mark.postgres


@pytest.fixture
def connection(database):
    with connect(database) as opened:
        yield opened


def test_facts_are_numbered_without_gaps_in_the_order_given(connection):
    assert book(connection, [opening(), service("a"), service("b")]) == (Booked(1), Booked(2), Booked(3))
    assert book(connection, [service("c")]) == (Booked(4),)
    facts = list(each_fact(connection, "acme"))
    assert [(fact.seq, fact.event_id, fact.version) for fact in facts] == [
        (1, "opened", 1), (2, "a", 2), (3, "b", 3), (4, "c", 4),
    ]  # fmt: skip
    assert head(connection, "acme").size == 4


def test_a_fact_reads_back_as_it_was_appended(connection):
    given = service("a", "svc-ö", quantity="1.5")
    book(connection, [opening(), given])
    (fact,) = facts_since(connection, "acme", 1)
    assert (fact.tenant_id, fact.seq, fact.recorded_at) == ("acme", 2, MOMENT)
    assert (fact.source, fact.event_id, fact.stream, fact.type) == (
        "/fulfilment/eu-1", "a", "service/svc-ö", "service.activated",
    )  # fmt: skip
    assert (fact.schema_version, fact.payload, fact.origin) == (1, given.payload, "kafka:billing.events/0/7")
    assert fact.leaf == leaf_of(fact)


def test_the_same_event_again_is_a_duplicate_in_another_batch_and_within_one(connection):
    outcomes = book(connection, [opening(), service("a"), service("a"), opening()])
    assert outcomes == (Booked(1), Booked(2), Duplicate(2), Duplicate(1))
    assert book(connection, [service("a"), service("b"), service("a")]) == (
        Duplicate(2),
        Booked(3),
        Duplicate(2),
    )
    assert head(connection, "acme").size == 3


def test_the_same_id_with_other_content_is_a_conflict_that_names_both(connection):
    first, other = service("a"), service("a", quantity=2)
    expected = Conflict(2, fingerprint(first.payload), fingerprint(other.payload))
    assert book(connection, [opening(), first, other]) == (Booked(1), Booked(2), expected)
    assert book(connection, [other, first]) == (expected, Duplicate(2))


def test_ids_are_unique_per_source_and_tenant(connection):
    elsewhere = heard(
        {**event("a", "service.voided", {"service_id": "s", "effective": "2026-07-01"}), "source": "/b"}
    )
    assert book(connection, [opening(), service("a"), elsewhere]) == (Booked(1), Booked(2), Booked(3))
    assert book(connection, [opening("other"), service("a", tenant="other")], "other") == (
        Booked(1),
        Booked(2),
    )


def test_a_tenant_that_is_not_open_is_unknown_until_its_configuration(connection):
    assert book(connection, [service("a")]) == (TenantUnknown(),)
    assert head(connection, "acme") is None
    assert book(connection, [service("a"), opening(), service("a")]) == (
        TenantUnknown(),
        Booked(1),
        Booked(2),
    )


def test_one_batch_may_span_tenants_known_and_unknown(connection):
    book(connection, [opening("b")], "b")
    batch = {
        "c": [service("1", tenant="c")],
        "b": [service("1", tenant="b"), service("2", tenant="b")],
        "a": [opening("a"), service("1", tenant="a")],
        "_system": [heard(event("r", "event.rejected", {"reason": "schema"}, "_system"))],
        "empty": [],
    }
    with connection.transaction():
        outcomes = append(connection, batch, clock=lambda: MOMENT)
    assert outcomes == {
        "c": (TenantUnknown(),), "b": (Booked(2), Booked(3)), "a": (Booked(1), Booked(2)),
        "_system": (Booked(1),), "empty": (),
    }  # fmt: skip
    assert [(one.tenant_id, one.size) for one in heads(connection)] == [("_system", 1), ("a", 2), ("b", 3)]


def test_recorded_at_never_goes_back(connection):
    book(connection, [opening()], at=MOMENT)
    book(connection, [service("a")], at=MOMENT - timedelta(hours=1))
    book(connection, [service("b")], at=MOMENT + timedelta(hours=1))
    moments = [fact.recorded_at for fact in each_fact(connection, "acme")]
    assert moments == [MOMENT, MOMENT, MOMENT + timedelta(hours=1)]
    assert seq_at(connection, "acme", MOMENT) == 2
    assert seq_at(connection, "acme", MOMENT - timedelta(seconds=1)) == 0


def test_a_rolled_back_append_leaves_no_gap(connection):
    book(connection, [opening()])
    with connection.transaction(force_rollback=True):
        append(connection, {"acme": [service("lost")]}, clock=lambda: MOMENT)
    assert book(connection, [service("a")]) == (Booked(2),)


def test_facts_are_found_by_stream_customer_and_event(connection):
    bare = heard(event("c", "service.suspended", {"service_id": "svc-1", "effective": "2026-07-01"}))
    book(connection, [opening(), service("a", "svc-1"), service("b", "svc-2", customer_id="c-2"), bare])
    seqs = [fact.seq for fact in facts_of_streams(connection, "acme", ["service/svc-1", "tenant"])]
    assert seqs == [1, 2, 4]
    assert [fact.seq for fact in facts_of_streams(connection, "acme", ["service/svc-1"], up_to_seq=3)] == [2]
    assert [fact.seq for fact in facts_of_customer(connection, "acme", "c-2")] == [3]
    assert fact_by_event(connection, "acme", "/fulfilment/eu-1", "b").seq == 3
    assert fact_by_event(connection, "acme", "/elsewhere", "b") is None


def test_a_batch_larger_than_one_write_arrives_whole(connection):
    book(connection, [opening()])
    many = [service(f"e{number}", f"svc-{number}", note="ü" * number) for number in range(1, 1500)]
    assert book(connection, many) == tuple(Booked(number + 1) for number in range(1, 1500))
    facts = facts_since(connection, "acme", 1)
    assert [fact.payload for fact in facts] == [fact.payload for fact in many]
    assert all(fact.leaf == leaf_of(fact) for fact in facts)


def test_reading_goes_on_where_it_stopped_and_stops_at_a_seq(connection):
    book(connection, [opening(), *(service(str(number)) for number in range(9))])
    assert [fact.seq for fact in facts_since(connection, "acme", 3, 2)] == [4, 5]
    assert [fact.seq for fact in facts_since(connection, "acme", 3, up_to_seq=5)] == [4, 5]
    assert facts_since(connection, "acme", 10) == []


def test_an_append_outside_a_transaction_is_our_own_mistake(connection):
    with pytest.raises(AssertionError, match="transaction"):
        append(connection, {"acme": [opening()]}, clock=lambda: MOMENT)
