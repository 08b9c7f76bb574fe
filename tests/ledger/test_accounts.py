"""Accounts decide through the library's aggregate; what they decide are facts."""

import json
from datetime import date

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.accounts import LINES_A_FACT, Account, Standing, bind_lines, decide
from ledger.errors import ConcurrencyError, DueDateError
from ledger.facts import Booked, Duplicate
from ledger.merkle import root_of
from ledger.read import facts_of_customer, facts_of_streams
from ledger.recorder import Accounts, FactRecorder, standings
from tests.ledger.samples import MOMENT, book, connect, issue, opening, service

pytestmark = pytest.mark.postgres
NEW = Standing("c-1", 0, None)


@pytest.fixture
def accounts(database):
    with connect(database) as connection:
        book(connection, [opening(), service("e1")])
    return Accounts(lambda: connect_for_library(database), "acme", lambda: MOMENT)


def connect_for_library(url):
    connection = connect(url)
    connection.autocommit = False
    return connection


def issued(connection, standing, *issues):
    return book(connection, decide("acme", standing, issues, moment=MOMENT))


def test_an_account_saved_through_the_library_reads_back_as_it_was(accounts):
    account = accounts.get("c-1")
    account.issue(issue("INV-1"), moment=MOMENT)
    account.issue(issue("INV-2", "2026-08-01"), moment=MOMENT)
    assert accounts.save(account) == (3, 4)
    assert accounts.get("c-1") == account
    assert (accounts.get("c-1").version, accounts.get("c-1").last_due_for) == (2, date(2026, 8, 1))
    assert accounts.get("c-1", version=1).last_due_for == date(2026, 7, 1)


def test_what_is_stored_is_a_canonical_cloud_event(accounts, database):
    account = accounts.get("c-1")
    account.issue(issue("INV-1"), moment=MOMENT)
    accounts.save(account)
    with connect(database) as connection:
        (fact,) = facts_of_streams(connection, "acme", ["account/c-1"])
    stored = json.loads(fact.payload)
    assert (fact.type, fact.schema_version, fact.version) == ("invoice.issued", 1, 1)
    assert (stored["source"], stored["id"]) == ("urn:billing-ledger", "c-1/1")
    assert stored["data"]["document"]["net"] == "11.30"
    assert json.dumps(stored, sort_keys=True, separators=(",", ":")).encode() == fact.payload


def test_the_topic_is_stored_not_the_python_path(accounts, database):
    account = accounts.get("c-1")
    account.issue(issue("INV-1"), moment=MOMENT)
    accounts.save(account)
    recorder = FactRecorder(lambda: connect_for_library(database), "acme", lambda: MOMENT)
    assert [stored.topic for stored in recorder.select_events("account/c-1")] == ["invoice.issued.v1"]
    assert recorder.max_notification_id() == 3
    assert [note.id for note in recorder.select_notifications(1, 10)] == [1, 2, 3]
    assert [note.id for note in recorder.select_notifications(1, 10, inclusive_of_start=False)] == [2, 3]
    assert [note.id for note in recorder.select_notifications(None, 1)] == [1]
    assert [note.id for note in recorder.select_notifications(1, 9, topics=["invoice.issued.v1"])] == [3]


def test_of_two_who_decide_on_the_same_version_one_fails(accounts):
    first, second = accounts.get("c-1"), accounts.get("c-1")
    first.issue(issue("INV-1"), moment=MOMENT)
    second.issue(issue("INV-2"), moment=MOMENT)
    accounts.save(first)
    with pytest.raises(IntegrityError, match="account/c-1"):
        accounts.save(second)


def test_a_decision_saved_twice_is_found_not_failed(accounts):
    first, again = accounts.get("c-1"), accounts.get("c-1")
    first.issue(issue("INV-1"), moment=MOMENT)
    again.issue(issue("INV-1"), moment=MOMENT)
    assert accounts.save(first) == accounts.save(again) == (3,)


def test_an_account_is_never_billed_for_an_earlier_day():
    account = Account.at("c-1", version=4, last_due_for=date(2026, 8, 1), moment=MOMENT)
    with pytest.raises(DueDateError, match="2026-08-01; 2026-07-01 is before"):
        account.issue(issue("INV-1", "2026-07-01"), moment=MOMENT)
    account.issue(issue("INV-1", "2026-08-01"), moment=MOMENT)
    assert account.version == 5


def test_deciding_from_a_standing_gives_the_facts_that_the_library_gives(accounts, database):
    account = accounts.get("c-1")
    account.issue(issue("INV-1"), moment=MOMENT)
    accounts.save(account)
    with connect(database) as connection:
        (theirs,) = facts_of_streams(connection, "acme", ["account/c-1"])
        ours = decide("acme", NEW, [issue("INV-1")], moment=MOMENT)[0]
        assert (ours.payload, ours.event_id, ours.version) == (
            theirs.payload,
            theirs.event_id,
            theirs.version,
        )
        assert [fact.seq for fact in facts_of_customer(connection, "acme", "c-1")] == [2, 3]
        assert standings(connection, "acme", ["c-1", "c-2"]) == {
            "c-1": Standing("c-1", 1, date(2026, 7, 1)),
            "c-2": Standing("c-2", 0, None),
        }
        assert standings(connection, "acme", ["c-1"], up_to_seq=2) == {"c-1": NEW}


def test_lines_travel_in_parts_that_the_document_binds(database):
    lines = bind_lines([{"line": number, "text": "Miete Büro"} for number in range(1, 2 * LINES_A_FACT + 2)])
    with connect(database) as connection:
        book(connection, [opening()])
        assert issued(connection, NEW, issue("INV-1", lines=lines)) == tuple(
            Booked(seq) for seq in (2, 3, 4, 5)
        )
        parts = [
            json.loads(fact.payload)["data"]
            for fact in facts_of_streams(connection, "acme", ["invoice/INV-1"])
        ]
    assert [(part["number"], part["part"], len(part["lines"])) for part in parts] == [
        ("INV-1", 1, 500), ("INV-1", 2, 500), ("INV-1", 3, 1),
    ]  # fmt: skip
    read_back = [line for part in parts for line in part["lines"]]
    assert bind_lines(read_back).root == lines.root
    assert root_of(lines.lines).hex() == lines.root


def test_a_batch_of_decisions_names_every_account_that_went_on(database):
    with connect(database) as connection:
        book(connection, [opening()])
        both = [*decide("acme", NEW, [issue("INV-1")], moment=MOMENT)]
        both += decide("acme", Standing("c-2", 0, None), [issue("INV-2")], moment=MOMENT)
        book(connection, both)
        late = [*decide("acme", NEW, [issue("INV-3")], moment=MOMENT)]
        late += decide("acme", Standing("c-2", 0, None), [issue("INV-4")], moment=MOMENT)
        late += decide("acme", Standing("c-3", 0, None), [issue("INV-5")], moment=MOMENT)
        with pytest.raises(ConcurrencyError) as caught:
            book(connection, late)
        assert caught.value.streams == (("acme", "account/c-1"), ("acme", "account/c-2"))
        assert book(connection, late[4:]) == (Booked(6), Booked(7))
        assert book(connection, both) == tuple(Duplicate(seq) for seq in (2, 3, 4, 5))


@pytest.mark.parametrize("version", [1, 3], ids=["a version behind", "a version ahead"])
def test_the_expected_version_must_be_the_next(database, version):
    with connect(database) as connection:
        book(connection, [opening()])
        issued(connection, NEW, issue("INV-1"))
        with pytest.raises(ConcurrencyError):
            issued(connection, Standing("c-1", version - 1, None), issue("INV-9"))
