"""Full periods: where they lie, and how a change of alignment cuts them (BILLING.md §4)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from billing.days import ALWAYS, FOREVER, Day

Alignment = Literal["calendar", "billing_day", "anniversary"]
Interval = Literal["week", "month", "quarter", "half_year", "year"]

INTERVAL_MONTHS: Final[dict[str, int]] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
"""The months of every interval that has months; a week has none."""
_WEEK_DAYS: Final = 7
_DECADE_YEARS: Final = 10
_MONTHS_OF_TIME: Final = 10000 * 12  # a date's year has four digits


@lru_cache(maxsize=65536)
def day_in_month(month: int, day_of_month: int) -> Day:
    """Return a day of a month (counted: year * 12 + month - 1), clamped to the month's last day."""
    if month >= _MONTHS_OF_TIME:
        return FOREVER
    first = _first_of(month)
    return Day(first + min(day_of_month, _first_of(month + 1) - first) - 1)


def _first_of(month: int) -> int:
    return FOREVER if month >= _MONTHS_OF_TIME else date(month // 12, month % 12 + 1, 1).toordinal()


def month_of(day: Day) -> int:
    """Return a day's month, counted: year * 12 + month - 1."""
    on = date.fromordinal(day)
    return on.year * 12 + on.month - 1


def is_day_of_month(day: Day, day_of_month: int) -> bool:
    """Tell whether `day` is that day of its month, clamped."""
    return day == day_in_month(month_of(day), day_of_month)


@dataclass(frozen=True, slots=True)
class Layout:
    """How boundaries are found: an alignment and, where it matters, a billing day."""

    alignment: Alignment
    billing_day: int

    def around(self, day: Day, interval: Interval, activation: Day) -> tuple[Day, Day]:
        """Return the full period that contains `day`, for a service activated on `activation`.

        The k-th boundary is computed from the original anchor, never from the boundary before it.
        """
        if interval == "week":
            anchor = activation if self.alignment == "anniversary" else Day(1)  # day 1 was a Monday
            start = Day(day - (day - anchor) % _WEEK_DAYS)
            return start, Day(start + _WEEK_DAYS)
        months = INTERVAL_MONTHS[interval]
        anchor_month, anchor_day = self._anchor(activation)
        month = month_of(day)
        month -= (month - anchor_month) % months
        start = day_in_month(month, anchor_day)
        if start > day:
            month -= months
            start = day_in_month(month, anchor_day)
        return start, day_in_month(month + months, anchor_day)

    def phase(self, interval: Interval, activation: Day) -> int:
        """Return a number that is equal for activations with the same boundaries; an anniversary has none."""
        return 0 if interval == "week" else self._anchor(activation)[0] % INTERVAL_MONTHS[interval]

    def _anchor(self, activation: Day) -> tuple[int, int]:
        """Return anchor month and anchor day; for a billing day, the first one on or after the activation."""
        if self.alignment == "calendar":
            return 0, 1
        on = date.fromordinal(activation)
        month = on.year * 12 + on.month - 1
        if self.alignment == "anniversary":
            return month, on.day
        if day_in_month(month, self.billing_day) < activation:
            month += 1
        return month, self.billing_day


class Grid:
    """The pieces of time that full periods make, in order; found on demand, kept.

    Piece `i` is `[begins[i], ends[i])`, a part of the full period `[starts[i], ends[i])`: all of it, but
    where a change of alignment cut it. `begins[i]` is when it begins for dueness, policies and versions.
    """

    __slots__ = ("_pieces", "begins", "ends", "starts")

    def __init__(self, pieces: Iterator[tuple[Day, Day, Day]]) -> None:
        self._pieces = pieces
        self.begins: list[Day] = []
        self.starts: list[Day] = []
        self.ends: list[Day] = []
        self._extend()

    def at(self, day: Day) -> int:
        """Return the index of the piece that contains `day`, which must not be before the first one."""
        ends = self.ends
        while ends[-1] <= day:
            self._extend()
        return bisect_right(ends, day)

    def within(self, day: Day, limit: Day) -> int:
        """Return the index of the piece that contains `day`; -1 if that piece begins after `limit`.

        Nothing is looked for beyond the limit, so that a day at the end of time costs nothing.
        """
        ends = self.ends
        while ends[-1] <= day:
            if ends[-1] > limit:
                return -1
            self._extend()
        index = bisect_right(ends, day)
        return index if self.begins[index] <= limit else -1

    def following(self, index: int, limit: Day) -> int:
        """Return the index of the next piece; -1 if it begins after `limit`."""
        if self.ends[index] > limit:
            return -1
        index += 1
        if index == len(self.ends):
            self._extend()
        return index

    def _extend(self) -> None:
        begin, start, end = next(self._pieces)
        self.begins.append(begin)
        self.starts.append(start)
        self.ends.append(end)


class Grids:
    """The grids of one dated layout, shared by all customers that have it."""

    __slots__ = ("_by_activation", "_by_phase", "_layouts")

    def __init__(self, layouts: Sequence[tuple[Day, Layout]]) -> None:
        """`layouts` are (effective, layout), ascending, the first from ALWAYS."""
        assert layouts[0][0] == ALWAYS, "a layout holds from the beginning"
        self._layouts = tuple(layouts)
        self._by_activation: dict[tuple[Interval, Day], Grid] = {}
        self._by_phase: dict[tuple[Interval, int, Day], Grid] = {}

    def grid(self, interval: Interval, activation: Day) -> Grid:
        """Return the pieces from the one that contains `activation` on (or from an earlier one)."""
        grid = self._by_activation.get((interval, activation))
        if grid is None:
            grid = self._by_activation[interval, activation] = self._make(interval, activation)
        return grid

    def _make(self, interval: Interval, activation: Day) -> Grid:
        if len(self._layouts) > 1:
            return Grid(self._changing(interval, activation))
        layout = self._layouts[0][1]
        if layout.alignment == "anniversary":
            return Grid(_unchanging(layout, interval, activation, activation))
        year = date.fromordinal(activation).year
        decade = Day(date(year - year % _DECADE_YEARS, 1, 1).toordinal())
        key = (interval, layout.phase(interval, activation), decade)
        if key not in self._by_phase:
            self._by_phase[key] = Grid(_unchanging(layout, interval, activation, min(decade, activation)))
        return self._by_phase[key]

    def _changing(self, interval: Interval, activation: Day) -> Iterator[tuple[Day, Day, Day]]:
        """Walk from the activation, or from before the first change if that is earlier, period by period."""
        first_change = self._layouts[1][0]
        origin = min(activation, Day(first_change - 1))
        start, end = self._layouts[0][1].around(origin, interval, activation)
        begin = start
        while True:
            yield begin, start, end
            begin = end
            start, end = self._in_force(begin).around(begin, interval, activation)

    def _in_force(self, on: Day) -> Layout:
        return self._layouts[bisect_right(self._layouts, on, key=lambda item: item[0]) - 1][1]


def _unchanging(
    layout: Layout, interval: Interval, activation: Day, origin: Day
) -> Iterator[tuple[Day, Day, Day]]:
    start, end = layout.around(origin, interval, activation)
    while True:
        yield start, start, end
        start, end = layout.around(end, interval, activation)
