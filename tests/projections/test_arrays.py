"""The texts of arrays are what the database reads back, whatever the members hold."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.embedded.postgres import Postgres
from projections.arrays import numbers, texts

pytestmark = pytest.mark.postgres
STORABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@pytest.fixture(scope="module")
def connection(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A connection that keeps nothing."""
    with psycopg.connect(postgres.url(), autocommit=True) as opened:
        yield opened


@given(st.lists(STORABLE))
@example([])
@example([""])
@example(["NULL", "null", "", " ", "{}", ","])
@example(['"'])
@example(['","', "\\", '\\"', "a\\b", 'say "yes"', "it's", "%s", "\n"])
def test_texts_are_read_back(connection: psycopg.Connection, values: list[str]) -> None:
    row = connection.execute("SELECT %s::text[]", [texts(values)]).fetchone()
    assert row == (values,)


@given(st.lists(st.integers()))
@example([])
def test_numbers_are_read_back(connection: psycopg.Connection, values: list[int]) -> None:
    row = connection.execute("SELECT %s::numeric[]", [numbers(values)]).fetchone()
    assert row == (values,)
