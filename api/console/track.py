"""The track of a service: where its states, its events and today stand on a line, in percent of its width."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

MOST_TICKS: Final = 14
STEPS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 12_000)
"""Months between two ticks; the first with which there are not too many."""

ROOM_MONTHS: Final = 2
"""So many months stand behind the last day that matters, this one included."""

DOT_WIDTH: Final = 6.0
"""Dots that are nearer than this stand below each other, so that they can be told apart on a phone."""

MOST_LANES: Final = 6
YEAR: Final = 12
LAST_MONTH: Final = 9_999 * YEAR + 11
LABELLED_TO: Final = 93.0


@dataclass(frozen=True, slots=True)
class Span:
    """Days `[start, end)` in one state; `end` None: until further notice. `label` stands on it."""

    start: date
    end: date | None
    state: str
    words: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """An event on its day. `is_void`: another one withdrew it."""

    number: int
    day: date
    words: str
    is_void: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A span, or the part of one up to today or from then on (`is_to_come`)."""

    x: float
    width: float
    span: Span
    is_to_come: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """The first day of a month. `is_minor`: its label goes first where there is little room."""

    x: float
    day: date
    has_label: bool
    has_year: bool
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark; `lane` counts from 0 downwards."""

    x: float
    lane: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Track:
    """Everything that is drawn; each `x` and `width` in percent."""

    start: date
    end: date
    today_x: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    step_months: int

    @property
    def lanes(self) -> int:
        """How many rows of dots there are."""
        return max((dot.lane for dot in self.dots), default=-1) + 1


def track(spans: Sequence[Span], marks: Sequence[Mark], today: date) -> Track:
    """Return the track of a service from its spans and events, in whole months around them and today."""
    days = [today, *(span.start for span in spans), *(mark.day for mark in marks)]
    days.extend(span.end for span in spans if span.end is not None)
    first, beyond = _month(min(days)), min(_month(max(days)) + ROOM_MONTHS, LAST_MONTH)
    start, end = _first_day(first), _first_day(beyond)
    line = _Line(start, end)
    step = next(step for step in STEPS if (beyond - first) // step <= MOST_TICKS or step == STEPS[-1])
    return Track(
        start,
        end,
        line.x(today),
        tuple(_bars(spans, today, line)),
        tuple(_ticks(first, beyond, step, line)),
        tuple(_dots(marks, line)),
        step,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    start: date
    end: date

    def x(self, day: date) -> float:
        """Return where a day begins."""
        return round(100 * (day - self.start).days / (self.end - self.start).days, 2)


def _bars(spans: Sequence[Span], today: date, line: _Line) -> Iterator[Bar]:
    for span in spans:
        end = min(span.end or line.end, line.end)
        edges = [span.start, *([today] if span.start < today < end else []), end]
        for left, right in pairwise(edges):
            if left < right:
                x = line.x(left)
                yield Bar(x, round(line.x(right) - x, 2), span, left >= today)


def _ticks(first: int, beyond: int, step: int, line: _Line) -> Iterator[Tick]:
    months = [
        month for month in range(first, beyond) if (month - first if step < YEAR else month) % step == 0
    ]
    for place, month in enumerate(months):
        x = line.x(_first_day(month))
        has_year = place == 0 or month % YEAR < step or step >= YEAR
        yield Tick(x, _first_day(month), x <= LABELLED_TO, has_year, place % 2 == 1)


def _dots(marks: Iterable[Mark], line: _Line) -> Iterator[Dot]:
    """Yield the dots from left to right, each in the first lane that has room for it."""
    last: list[float] = []
    for mark in sorted(marks, key=lambda mark: (mark.day, mark.number)):
        x = line.x(mark.day)
        lane = next((lane for lane, taken in enumerate(last) if x - taken >= DOT_WIDTH), len(last))
        if lane == MOST_LANES:
            lane = last.index(min(last))
        last[lane : lane + 1] = [x]
        yield Dot(x, lane, mark)


def _month(day: date) -> int:
    return day.year * YEAR + day.month - 1


def _first_day(month: int) -> date:
    return date(month // YEAR, month % YEAR + 1, 1)
