"""The days that the demo lives through, and the hours at which things happen on them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

OPENING_DAY: Final = date(2026, 2, 25)
"""The providers open their ledgers."""
SETUP_DAY: Final = date(2026, 2, 26)
"""Catalog and customers are entered."""
TAKEOVER_DAY: Final = date(2026, 2, 27)
"""The running services are taken over from the systems that billed them until now."""
FIRST_DAY: Final = date(2026, 3, 1)
LAST_DAY: Final = date(2026, 8, 31)

# 16:00 UTC is afternoon in Zurich and noon in New York, 18:00 UTC still the same day in both.
HEARD_AT: Final = time(16, tzinfo=UTC)
BILLED_AT: Final = time(18, tzinfo=UTC)


def heard_at(day: date) -> datetime:
    """Return the instant at which the ledger hears the messages of `day`."""
    return datetime.combine(day, HEARD_AT)


def billed_at(day: date) -> datetime:
    """Return the instant at which the bill run of `day` starts."""
    return datetime.combine(day, BILLED_AT)


def morning(day: date, number: int, zone: ZoneInfo) -> str:
    """Return an RFC 3339 instant between 07:00 and 10:59 local time; `number` picks minute and second."""
    minutes = number * 37 % 240
    instant = datetime.combine(day, time(7, tzinfo=zone)) + timedelta(
        minutes=minutes, seconds=number * 13 % 60
    )
    return instant.isoformat()


def days(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` up to and including `last`."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def issue_days(billing_days: Iterable[int]) -> tuple[date, ...]:
    """Return the days on which one of the `billing_days` (1 to 31, clamped) falls while the demo lives."""
    wanted = frozenset(billing_days)
    return tuple(day for day in days(FIRST_DAY, LAST_DAY) if _is_due(day, wanted))


def _is_due(day: date, billing_days: frozenset[int]) -> bool:
    is_last = (day + timedelta(days=1)).month != day.month
    return day.day in billing_days or (is_last and any(wanted > day.day for wanted in billing_days))
