"""The leaf: one definition in Python and in SQL, and a golden value that must never change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from ledger.facts import Fact
from ledger.leaf import LEAF_SQL, leaf_of, microseconds
from tests.ledger.samples import MOMENT, book, connect, opening, service

FACT = Fact(
    tenant_id="acme", seq=7, recorded_at=MOMENT, source="/fulfilment/eu-1", event_id="e1",
    stream="service/svc-1", version=7, type="service.activated", schema_version=1, payload=b'{"a":1}',
    origin="kafka:billing.events/0/7", leaf=b"",
)  # fmt: skip
GOLDEN = "61a96059d251e42c04fed6a3c84ccdd55398b5b7b3f142c72f7c0f9b7ecf5fa0"


def test_the_leaf_of_a_released_version_never_changes():
    assert leaf_of(FACT).hex() == GOLDEN


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "acm"}, {"seq": 8}, {"recorded_at": MOMENT + timedelta(microseconds=1)},
        {"source": "/x"}, {"event_id": "e2"}, {"stream": "service/svc-2"}, {"type": "service.changed"},
        {"schema_version": 2}, {"payload": b'{"a":2}'}, {"origin": ""},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_field_of_the_header_counts(change):
    assert leaf_of(replace(FACT, **change)) != leaf_of(FACT)


@given(st.text(max_size=5), st.text(max_size=5))
def test_what_moves_from_one_text_to_the_next_is_another_leaf(left, right):
    moved = replace(FACT, source=left + right, event_id="")
    apart = replace(FACT, source=left, event_id=right)
    assert (leaf_of(moved) == leaf_of(apart)) == (right == "")


def test_microseconds_count_from_2000_and_are_exact():
    assert microseconds(datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert microseconds(datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC)) == -1
    assert microseconds(datetime(9998, 12, 31, 23, 59, 59, 999_999, UTC)) == 252_424_079_999_999_999


@pytest.mark.postgres
def test_sql_gives_the_leaf_that_python_gives(database):
    with connect(database) as connection:
        book(connection, [opening(), service("ü\u2028", "svc-😀"), service("x" * 200)])
        query = sql.SQL("SELECT leaf = {} FROM ledger.fact").format(sql.SQL(LEAF_SQL))
        assert connection.execute(query).fetchall() == [(True,)] * 3
