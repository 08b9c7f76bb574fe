"""From a message's trace to its fact: by extension or header, once, beside everything that is hashed."""

from functools import partial

import psycopg
import pytest

from cli.main import main
from consumers.records import PlainRecord
from ledger.trace import trace_of
from ledger.verify import verify
from tests.consumers.fake_source import FakeSource
from tests.consumers.stream import HEADERS, activation, encoded, query, received, sums, tenant, wait_until
from tests.consumers.test_loop import member

pytestmark = pytest.mark.postgres
HEADER = f"00-{'a' * 32}-{'b' * 16}-01"
FACT = "ledger.fact WHERE tenant_id = 'acme' AND seq = 2"
EXTENSION = f"00-{'c' * 32}-{'d' * 16}-00"


def structured(offset, event, *headers):
    return PlainRecord(offset, b"key", encoded(event), [*HEADERS, *headers])


def header(text):
    return ("traceparent", text if text is None else text.encode("latin-1"))


def binary(offset, event, *headers):
    attributes = [(f"ce_{name}", value.encode()) for name, value in event.items() if name != "data"]
    return PlainRecord(offset, b"key", encoded(event["data"]), [*attributes, *headers])


def consume(database, *records):
    """Consume records that a partition holds, behind the event that opens the ledger."""
    first = structured(0, tenant())
    with member(FakeSource({0: [first, *records]}), database):
        wait_until(lambda: received(database) == 1 + len(records))


def traceparent(database, seq):
    with psycopg.connect(database) as connection:
        found = trace_of(connection, "acme", seq)
    return None if found is None else found.traceparent


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(structured(1, activation(1), header(HEADER)), HEADER, id="header"),
        pytest.param(structured(1, activation(1) | {"traceparent": EXTENSION}), EXTENSION, id="extension"),
        pytest.param(
            structured(1, activation(1) | {"traceparent": EXTENSION}, header(HEADER)), EXTENSION, id="both"
        ),
        pytest.param(binary(1, activation(1), header(HEADER)), HEADER, id="binary, header"),
        pytest.param(binary(1, activation(1) | {"traceparent": EXTENSION}), EXTENSION, id="ce_ header"),
        pytest.param(structured(1, activation(1)), None, id="none"),
        pytest.param(structured(1, activation(1), header("rubbish \xff")), None, id="rubbish"),
        pytest.param(structured(1, activation(1), header(None)), None, id="header without value"),
    ],
)
def test_the_trace_of_a_message_is_kept_with_its_fact(database, record, expected):
    consume(database, record)
    assert sums(database) == (2, 2, 0, 0)
    assert traceparent(database, 2) == expected


def test_another_trace_makes_no_other_fact(database):
    """A redelivery under a new trace is a duplicate; leaf and root don't depend on what is kept of traces."""
    event = activation(1)
    again = [
        structured(1, event, header(HEADER)),
        structured(2, event, header(EXTENSION)),
        structured(3, event | {"traceparent": EXTENSION}),
        structured(4, event),
    ]
    consume(database, *again)
    assert sums(database) == (5, 2, 3, 0)
    assert traceparent(database, 2) == HEADER
    ((payload, leaf),) = query(database, f"SELECT payload, leaf FROM {FACT}")
    assert b"trace" not in payload
    assert verify(partial(psycopg.connect, database), "acme").findings == ()
    query(database, "DELETE FROM ledger.trace RETURNING 1")
    assert query(database, f"SELECT leaf FROM {FACT}") == [(leaf,)]
    assert verify(partial(psycopg.connect, database), "acme").findings == ()


def test_a_redriven_message_brings_its_trace(database, monkeypatch, capsys):
    early = structured(0, activation(1), header(HEADER))
    with member(FakeSource({0: [early, structured(1, tenant())]}), database):
        wait_until(lambda: received(database) == 2)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("BILLING_TENANT_SOURCES", "/operator")
    assert main(["dead-letters", "show", "1"]) == 0
    assert f"header: traceparent: {HEADER}\n" in capsys.readouterr().out
    assert main(["dead-letters", "redrive", "--all"]) == 0
    assert traceparent(database, 2) == HEADER
