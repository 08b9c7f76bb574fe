"""The track of a service: everything is inside, in order, and to be told apart."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.console.track import DOT_WIDTH, MOST_LANES, MOST_TICKS, Mark, Span, track

TODAY = date(2026, 8, 31)


def span(start: date, end: date | None, state: str = "active") -> Span:
    return Span(start, end, state, state)


def mark(number: int, day: date) -> Mark:
    return Mark(number, day, "", is_void=False)


def test_a_service_that_was_active_once() -> None:
    """1 June to 1 October are 122 days: 24 June is 23 of them in, today 91."""
    found = track([span(date(2026, 6, 24), date(2026, 7, 11))], [mark(1, date(2026, 6, 24))], TODAY)
    assert (found.start, found.end) == (date(2026, 6, 1), date(2026, 10, 1))
    assert found.today_x == 74.59
    assert [(bar.x, bar.width, bar.is_to_come) for bar in found.bars] == [(18.85, 13.94, False)]
    assert [(dot.x, dot.lane) for dot in found.dots] == [(18.85, 0)]
    assert [(tick.x, tick.day.month, tick.has_year) for tick in found.ticks] == [
        (0, 6, True), (24.59, 7, False), (50, 8, False), (75.41, 9, False),
    ]  # fmt: skip


def test_what_goes_on_is_split_at_today_and_reaches_the_end() -> None:
    found = track([span(date(2026, 8, 1), None)], [], TODAY)
    assert [bar.is_to_come for bar in found.bars] == [False, True]
    past, future = found.bars
    assert (past.x, round(past.x + past.width, 2)) == (0, found.today_x)
    assert (future.x, round(future.x + future.width, 2)) == (found.today_x, 100)


def test_what_begins_later_is_to_come_as_a_whole() -> None:
    found = track([span(date(2026, 9, 15), None, "planned")], [], TODAY)
    assert [bar.is_to_come for bar in found.bars] == [True]


def test_nothing_is_a_track_too() -> None:
    found = track([], [], TODAY)
    assert (found.start, found.end, found.bars, found.lanes) == (date(2026, 8, 1), date(2026, 10, 1), (), 0)


def test_a_day_of_its_own_stands_below() -> None:
    """Events of one day, and of days near each other, can be told apart; the next free one goes up again."""
    days = [date(2026, 6, 24), date(2026, 6, 24), date(2026, 6, 26), date(2026, 8, 1)]
    found = track([], [mark(number, day) for number, day in enumerate(days, start=1)], TODAY)
    assert [dot.lane for dot in found.dots] == [0, 1, 2, 0]
    assert found.lanes == 3


def test_long_histories_have_years() -> None:
    found = track([span(date(2008, 5, 4), None)], [], TODAY)
    assert found.step_months == 24
    assert [tick.day for tick in found.ticks][:2] == [date(2010, 1, 1), date(2012, 1, 1)]


DAYS = st.dates(date(1000, 1, 1), date(9998, 12, 31)) | st.dates(date(2025, 1, 1), date(2027, 12, 31))
LENGTHS = st.none() | st.integers(1, 4_000)


@given(st.lists(st.tuples(DAYS, LENGTHS), max_size=5), st.lists(DAYS, max_size=20), DAYS)
def test_everything_is_inside(pieces: list[tuple[date, int | None]], days: list[date], today: date) -> None:
    spans = [
        span(start, None if length is None else min(start, date.max - timedelta(length)) + timedelta(length))
        for start, length in pieces
    ]
    spans = [one for one in spans if one.end is None or one.start < one.end]
    found = track(spans, [mark(number, day) for number, day in enumerate(days, start=1)], today)
    assert found.start <= today < found.end
    assert 1 <= len(found.ticks) <= MOST_TICKS + 1
    for bar in found.bars:
        assert bar.x >= 0
        assert bar.width >= 0
        assert bar.x + bar.width <= 100.01
    assert {bar.span for bar in found.bars} == set(spans)
    assert sorted(dot.mark.number for dot in found.dots) == list(range(1, len(days) + 1))
    for dot in found.dots:
        assert 0 <= dot.x < 100.01
        assert 0 <= dot.lane < MOST_LANES
    if len(days) <= MOST_LANES:
        for lane in range(found.lanes):
            places = [dot.x for dot in found.dots if dot.lane == lane]
            assert all(right - left >= DOT_WIDTH - 0.01 for left, right in pairwise(places))
