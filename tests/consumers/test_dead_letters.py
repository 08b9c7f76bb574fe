"""Refused messages: listed, re-driven with the counts still closing, discarded."""

from functools import partial

import pytest

from consumers.database import connect
from consumers.dead_letter_topic import error_headers
from consumers.dead_letters import STATES, discard, list_letters, redrive, show
from consumers.decode import decode
from consumers.errors import DeadLetterError, DeadLetterSettledError
from consumers.records import Beginning, Heard, Partition, Refused, Slice
from consumers.sink import Sink
from ledger.personal import reveal
from schemas.reading import Unreadable
from tests.consumers.stream import activation, booked_ids, clock, customer, query, records, sums, tenant

pytestmark = pytest.mark.postgres
ONE = Partition("events", 0)


@pytest.fixture
def connection(database):
    with connect(database, name="test") as connection:
        yield connection


@pytest.fixture
def book(database):
    sink = Sink(partial(connect, database, name="test"), group="ledger", clock=clock)

    def book(*events, sources=("*",)):
        claim = sink.claim({ONE: Beginning(0, "topic-1")})[ONE]
        part = Slice(claim.next_offset, claim.next_offset + len(events), claim.epoch, claim.incarnation)
        for record in records(*events, first=part.low):
            origin = f"kafka:events/0/{record.offset}"
            decoded = decode(record.headers, record.value, tenant_sources=sources)
            if isinstance(decoded, Unreadable):
                part.refused.append(Refused(origin, record, decoded))
            else:
                part.heard.append(Heard(origin, decoded))
                part.records.append(record)
        sink.flush({ONE: part})

    yield book
    sink.close()


def drive(connection, letter, sources=("*",)):
    return redrive(connection, letter.id, tenant_sources=sources, clock=clock)


def test_events_of_a_tenant_not_yet_open_are_booked_when_it_is(connection, book, database):
    book(activation(1), customer("c-1"))
    book(tenant())
    letters = list_letters(connection)
    assert [letter.reason for letter in letters] == ["tenant_unknown"] * 2
    assert sums(database) == (3, 1, 0, 2)
    done = [drive(connection, letter) for letter in letters]
    assert [(one.fate, one.seq) for one in done] == [("booked", 2), ("booked", 3)]
    assert sums(database) == (3, 3, 0, 0)
    assert list_letters(connection) == ()
    origins = query(database, "SELECT origin FROM ledger.fact WHERE tenant_id = 'acme' ORDER BY seq")
    assert origins == [("kafka:events/0/2",), ("kafka:events/0/0",), ("kafka:events/0/1",)]


def test_personal_data_is_kept_apart_also_when_redriven(connection, book, database):
    book(customer("c-1"))
    book(tenant())
    drive(connection, *list_letters(connection))
    ((payload,),) = query(database, "SELECT payload FROM ledger.fact WHERE type = 'customer.registered'")
    assert b"Ada" not in payload
    commitment = payload.partition(b'"name":"')[2].partition(b'"')[0].decode()
    assert reveal(connection, "acme", [commitment]) == {commitment: "Ada Example"}


def test_what_was_sent_again_meanwhile_is_a_duplicate(connection, book, database):
    book(activation(1))
    book(tenant(), activation(1))
    assert drive(connection, *list_letters(connection)).fate == "duplicate"
    assert sums(database) == (3, 2, 1, 0)
    assert booked_ids(database) == ["acme-1", "e-1"]


def test_what_is_refused_again_stays(connection, book, database):
    book(tenant(), b"junk", activation(1), activation(1, quantity=2))
    letters = list_letters(connection)
    assert [drive(connection, letter).fate for letter in letters] == ["refused"] * 2
    assert [letter.reason for letter in list_letters(connection)] == ["invalid_json", "conflicting_duplicate"]
    assert sums(database) == (4, 2, 0, 2)


def test_a_new_reason_replaces_the_old_one(connection, book):
    book(tenant(), sources=())
    (letter,) = list_letters(connection)
    assert letter.reason == "tenant_source_refused"
    book(tenant(currency="USD"))
    assert drive(connection, letter).reason == "conflicting_duplicate"
    assert show(connection, letter.id).reason == "conflicting_duplicate"


def test_an_allowed_source_opens_the_tenant_on_redrive(connection, book, database):
    book(tenant(), sources=())
    (letter,) = list_letters(connection)
    assert drive(connection, letter, sources=("/other",)).fate == "refused"
    assert drive(connection, letter, sources=("/operator",)).fate == "booked"
    assert booked_ids(database) == ["acme-1"]


@pytest.mark.parametrize("settle", ["redrive", "discard"])
def test_a_settled_letter_is_settled_once(connection, book, database, settle):
    book(activation(1))
    book(tenant())
    (letter,) = list_letters(connection)
    if settle == "redrive":
        drive(connection, letter)
    else:
        discard(connection, letter.id, note="a test message", clock=clock)
        assert sums(database) == (2, 1, 0, 1)
    for again in (
        lambda: drive(connection, letter),
        lambda: discard(connection, letter.id, note="", clock=clock),
    ):
        with pytest.raises(DeadLetterSettledError, match="already"):
            again()
    (settled,) = list_letters(connection, states=STATES)
    assert settled.state == {"redrive": "redriven", "discard": "discarded"}[settle]


def test_a_letter_that_there_is_not(connection, database):
    with pytest.raises(DeadLetterError, match="no dead letter 77"):
        show(connection, 77)


def test_listing_is_narrowed_and_paged(connection, book):
    book(tenant(), b"a", activation(1, x=1), b"b", activation(1, "none"))
    assert [letter.value for letter in list_letters(connection, reason="invalid_json")] == [b"a", b"b"]
    assert [letter.reason for letter in list_letters(connection, tenant_id="acme")] == ["schema_invalid"]
    first = list_letters(connection, limit=2)
    rest = list_letters(connection, after=first[-1].id)
    assert len(first) == len(rest) == 2
    assert [letter.id for letter in (*first, *rest)] == sorted(letter.id for letter in (*first, *rest))


def test_headers_say_why_and_never_what(connection, book):
    book(tenant(), activation(1, surname="Lovelace"))
    (letter,) = list_letters(connection)
    headers = dict(error_headers(letter))
    assert headers["dlt.reason"] == b"schema_invalid"
    assert headers["__connect.errors.topic"] == b"events"
    assert headers["__connect.errors.partition"] == b"0"
    assert headers["__connect.errors.offset"] == b"1"
    assert headers["dlt.tenant"] == b"acme"
    assert not any(b"Lovelace" in value or b"surname" in value for value in headers.values())
    assert "surname" in letter.detail
