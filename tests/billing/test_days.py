"""Which texts are days and instants, and that a day is one integer (RFC 3339, ISO 8601)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from billing.days import ALWAYS, FOREVER, day, instant, iso, to_date
from billing.errors import InvalidFactError


@pytest.mark.parametrize("text", ["1000-01-01", "2024-02-29", "2026-06-24", "9999-12-31"])
def test_a_day_is_read_and_written(text):
    assert day(text) == day(date.fromisoformat(text))
    assert iso(day(text)) == text
    assert to_date(day(text)) == date.fromisoformat(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0999-12-31", id="before the first year"),
        pytest.param("2026-06-31", id="no such day"),
        pytest.param("20260624", id="the basic format"),
        pytest.param("2026-W26-3", id="a week date"),
        pytest.param("2026-6-24", id="one digit"),
        pytest.param(" 2026-06-24", id="a blank"),
        pytest.param("2026-06-24T00:00:00Z", id="an instant"),
        pytest.param("2026-06-2\N{ARABIC-INDIC DIGIT FOUR}", id="a digit of another script"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_date(text):
    with pytest.raises(InvalidFactError, match="is no date"):
        day(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-24T08:12:31Z", datetime(2026, 6, 24, 8, 12, 31, tzinfo=UTC)),
        ("2026-06-24t08:12:31z", datetime(2026, 6, 24, 8, 12, 31, tzinfo=UTC)),
        ("2026-06-24T08:12:31.5+00:00", datetime(2026, 6, 24, 8, 12, 31, 500000, tzinfo=UTC)),
        (
            "2026-06-24T08:12:31-05:30",
            datetime(2026, 6, 24, 8, 12, 31, tzinfo=timezone(-timedelta(hours=5.5))),
        ),
        ("1000-01-01T00:00:00Z", datetime(1000, 1, 1, tzinfo=UTC)),
        ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read(text, expected):
    assert instant(text) == expected
    assert instant(text).utcoffset() == expected.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-06-24T08:12:31", id="no offset"),
        pytest.param("2026-06-31T08:12:31Z", id="no such day"),
        pytest.param("2026-06-24T24:12:31Z", id="no such hour"),
        pytest.param("2026-06-24 08:12:31Z", id="a blank between"),
        pytest.param("2026-06-24T08:12Z", id="no seconds"),
        pytest.param("2026-06-24T08:12:31+0200", id="an offset without its colon"),
        pytest.param("0999-12-31T00:00:00Z", id="before the first year"),
        pytest.param("9999-01-01T00:00:00Z", id="its local day may lie after every date"),
        pytest.param("2026-06-24T08:12:3\N{ARABIC-INDIC DIGIT ONE}Z", id="a digit of another script"),
    ],
)
def test_what_is_no_instant(text):
    with pytest.raises(InvalidFactError, match="is no instant"):
        instant(text)


def test_before_and_after_every_date():
    """Neighbours of the calendar's ends, so that every date lies between them and none is either."""
    assert date.min.toordinal() - 1 == ALWAYS
    assert date.max.toordinal() + 1 == FOREVER
