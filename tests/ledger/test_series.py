"""Numbers of documents: 1 … n without gaps, never for an earlier day, also side by side."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ledger.append import lock_heads
from ledger.errors import IssueDateError
from ledger.series import draw_numbers
from tests.ledger.samples import book, connect, opening

pytestmark = pytest.mark.postgres
JULY, AUGUST = date(2026, 7, 1), date(2026, 8, 1)


@pytest.fixture
def ledger_url(database):
    with connect(database) as connection:
        book(connection, [opening()])
    return database


def draw(connection, count=1, *, series="INV-", issued_on=JULY, is_lost=False):
    with connection.transaction(force_rollback=is_lost):
        lock_heads(connection, ["acme"])
        return list(draw_numbers(connection, "acme", series, count, issued_on=issued_on))


def test_numbers_ascend_from_1_in_each_series(ledger_url):
    with connect(ledger_url) as connection:
        assert draw(connection, 3) == [1, 2, 3]
        assert draw(connection, series="CN-") == [1]
        assert draw(connection, 2) == [4, 5]


def test_a_rolled_back_draw_burns_no_number(ledger_url):
    with connect(ledger_url) as connection:
        assert draw(connection, 2, is_lost=True) == [1, 2]
        assert draw(connection) == [1]
        assert draw(connection, is_lost=True) == [2]
        assert draw(connection) == [2]


def test_issue_dates_never_descend(ledger_url):
    with connect(ledger_url) as connection:
        draw(connection, issued_on=AUGUST)
        with pytest.raises(IssueDateError, match="after 2026-07-01"):
            draw(connection, issued_on=JULY)
        assert draw(connection, issued_on=AUGUST) == [2]


def test_two_who_draw_at_once_share_no_number_and_leave_no_gap(ledger_url):
    def many(_):
        with connect(ledger_url) as connection:
            return [number for _ in range(50) for number in draw(connection, 2)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(many, range(2))
    assert sorted(first + second) == list(range(1, 201))
    assert first == sorted(first)
