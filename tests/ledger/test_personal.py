"""Personal data never enters a fact, reads back while its key is kept, and is gone with it."""

import json

import pytest

from ledger.append import begin_appending
from ledger.personal import (
    PREFIX,
    conceal,
    forget,
    is_commitment,
    marked_attributes,
    reveal,
    store,
    subject_keys,
    subject_of,
)
from ledger.verify import verify
from tests.ledger.samples import MOMENT, book, connect, event, heard, opening

KEY = bytes(range(32))
ADDRESS = {"lines": ["Bahnhofstrasse 1"], "city": "Zürich", "country": "CH"}
REGISTERED = event(
    "r1", "customer.registered",
    {"customer_id": "c-1", "name": "Erika Muster", "address": ADDRESS, "email": "e@example.org",
     "timezone": "UTC"},
)  # fmt: skip
ACTIVATED = event(
    "a1", "service.activated",
    {"service_id": "svc-1", "effective": "2026-07-01", "attributes": {"user": "Erika", "serial": "5CG1"}},
)  # fmt: skip


def test_a_concealed_event_holds_commitments_and_nothing_else_changes():
    concealed, values = conceal(REGISTERED, ("acme", "customer/c-1"), key=KEY)
    data = concealed["data"]
    assert [value.field for value in values] == ["name", "address", "email"]
    assert [data[value.field] for value in values] == [value.commitment for value in values]
    assert all(is_commitment(value.commitment) for value in values)
    assert (data["customer_id"], data["timezone"]) == ("c-1", "UTC")
    assert REGISTERED["data"]["name"] == "Erika Muster"
    shown = json.dumps(concealed) + repr(values)
    assert not any(word in shown for word in ("Erika", "Bahnhof", "example.org"))


def test_equal_content_gives_equal_commitments_and_other_content_others():
    subject = ("acme", "customer/c-1")

    def committed(key=KEY, subject=subject, **data):
        changed = {**REGISTERED, "data": {**REGISTERED["data"], **data}}
        return conceal(changed, subject, key=key)[0]["data"]["name"]

    assert committed() == committed()
    assert len({committed(), committed(key=bytes(32)), committed(name="Erika  Muster")}) == 3
    both = conceal(
        {**REGISTERED, "data": {**REGISTERED["data"], "name": "x", "email": "x"}}, subject, key=KEY
    )
    assert both[0]["data"]["name"] != both[0]["data"]["email"]


def test_a_commitment_that_somebody_sends_is_concealed_like_any_text():
    data = {"customer_id": "c-1", "name": PREFIX + "00"}
    concealed, values = conceal(event("r", "customer.registered", data), ("acme", "customer/c-1"), key=KEY)
    assert concealed["data"]["name"] == values[0].commitment != PREFIX + "00"


@pytest.mark.parametrize(
    ("given", "marked", "expected"),
    [
        pytest.param(REGISTERED, (), ("acme", "customer/c-1"), id="a customer's fields"),
        pytest.param(
            event("x", "customer.changed", {"customer_id": "c-1", "billing_day": 3}),
            (),
            None,
            id="no personal field",
        ),
        pytest.param(ACTIVATED, ("user",), ("acme", "service/svc-1"), id="an attribute that is marked"),
        pytest.param(ACTIVATED, (), None, id="no attribute is marked"),
        pytest.param(ACTIVATED, ("phone",), None, id="another attribute is marked"),
        pytest.param(event("x", "service.voided", {"service_id": "s"}), ("user",), None, id="no attributes"),
        pytest.param(
            event("x", "tenant.configured", {"tenant_id": "acme", "name": "A"}), (), None, id="a tenant"
        ),
    ],
)
def test_the_subject_is_whose_data_the_event_brings(given, marked, expected):
    assert subject_of(given, marked) == expected


def test_only_marked_attributes_are_concealed():
    concealed, values = conceal(ACTIVATED, ("acme", "service/svc-1"), key=KEY, marked={"user", "absent"})
    assert concealed["data"]["attributes"] == {"user": values[0].commitment, "serial": "5CG1"}
    assert ACTIVATED["data"]["attributes"]["user"] == "Erika"


@pytest.fixture
def ledger_url(database):
    """A ledger with one registered customer, as a consumer books it."""
    subject = subject_of(REGISTERED)
    with connect(database) as connection:
        with connection.transaction():
            begin_appending(connection)
            key = subject_keys(connection, [subject], clock=lambda: MOMENT)[subject]
            concealed, values = conceal(REGISTERED, subject, key=key)
            store(connection, values)
        book(connection, [opening(), heard(concealed)])
    return database


def commitments(connection):
    (payload,) = connection.execute("SELECT payload FROM ledger.fact WHERE seq = 2").fetchone()
    data = json.loads(payload)["data"]
    return data["name"], data["address"]


@pytest.mark.postgres
def test_values_read_back_while_the_key_is_kept(ledger_url):
    with connect(ledger_url) as connection:
        name, address = commitments(connection)
        assert reveal(connection, "acme", [name, address, PREFIX + "00"]) == {
            name: "Erika Muster",
            address: ADDRESS,
        }
        assert reveal(connection, "other", [name]) == {}
        assert reveal(connection, "acme", []) == {}


@pytest.mark.postgres
def test_no_table_holds_the_values_in_clear(ledger_url):
    with connect(ledger_url) as connection:
        for table in ("fact", "personal_data", "personal_key"):
            rows = connection.execute(f"SELECT * FROM ledger.{table}").fetchall()
            assert rows
            assert b"Erika" not in b"".join(cell for row in rows for cell in row if isinstance(cell, bytes))


@pytest.mark.postgres
def test_keys_are_made_once_even_by_two_at_a_time(database):
    subjects = [("acme", f"customer/c-{number}") for number in (2, 1, 2)]
    with connect(database) as one, connect(database) as two:
        for connection in (one, two):
            with connection.transaction():
                begin_appending(connection)
                keys = subject_keys(connection, subjects, clock=lambda: MOMENT)
                again = subject_keys(connection, subjects, clock=lambda: MOMENT, random=lambda _: b"?" * 32)
                assert keys == again
        assert len(set(keys.values())) == 2
        assert one.execute("SELECT count(*) FROM ledger.personal_key").fetchone() == (2,)


@pytest.mark.postgres
def test_forgetting_deletes_key_and_values_and_leaves_the_ledger_valid(ledger_url):
    with connect(ledger_url) as connection:
        before = verify(lambda: connect(ledger_url), "acme")
        name, _ = commitments(connection)
        assert not forget(connection, "other", "customer/c-1")
        assert forget(connection, "acme", "customer/c-1")
        assert not forget(connection, "acme", "customer/c-1")
        assert reveal(connection, "acme", [name]) == {}
        counts = (
            "SELECT (SELECT count(*) FROM ledger.personal_key), (SELECT count(*) FROM ledger.personal_data)"
        )
        assert connection.execute(counts).fetchone() == (0, 0)
    assert before.findings == ()
    assert verify(lambda: connect(ledger_url), "acme") == before


@pytest.mark.postgres
def test_the_last_marking_of_attributes_counts(database):
    with connect(database) as connection:
        book(connection, [opening(personal_attributes=["user"])])
        assert marked_attributes(connection, ["acme", "b"]) == {"acme": frozenset({"user"}), "b": frozenset()}
        book(connection, [opening(event_id="later", personal_attributes=["user", "phone"])])
        book(connection, [opening(event_id="without a word on it")])
        assert marked_attributes(connection, ["acme"]) == {"acme": frozenset({"user", "phone"})}
