"""The share of a full period that a span costs (BILLING.md §5)."""

from datetime import date
from typing import Final

from billing.catalog import Proration
from billing.days import Day
from billing.periods import INTERVAL_MONTHS, Interval

WHOLE: Final = (1, 1)
_MONTH_DAYS: Final = 30


def share(
    proration: Proration, interval: Interval, *, full: tuple[Day, Day], served: tuple[Day, Day]
) -> tuple[int, int]:
    """Return what part of a full period the `served` days cost, as numerator and denominator; at most 1.

    `none` is 1 for whatever span it is asked about; a week is always by the day.
    """
    days, full_days = served[1] - served[0], full[1] - full[0]
    if proration == "none" or days == full_days:
        return WHOLE
    if proration == "actual" or interval == "week":
        return days, full_days
    parts = _MONTH_DAYS * INTERVAL_MONTHS[interval]
    counted = days if proration == "fixed_30" else days_30e_360(*served)
    return (counted, parts) if counted < parts else WHOLE


def days_30e_360(start: Day, end: Day) -> int:
    """Return the days of `[start, end)` by the 30E/360 count: day 31 counts as 30 at both ends."""
    first, last = date.fromordinal(start), date.fromordinal(end)
    months = (last.year - first.year) * 12 + last.month - first.month
    return months * _MONTH_DAYS + min(last.day, _MONTH_DAYS) - min(first.day, _MONTH_DAYS)
