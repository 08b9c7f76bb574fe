"""Days as integers, so that spans are subtractions."""

from datetime import date, datetime
from functools import lru_cache
from typing import Final, NewType

from billing.errors import InvalidFactError

Day = NewType("Day", int)
"""A local calendar day, `date.toordinal()`."""

ALWAYS: Final = Day(0)
"""Before every date: from when a value counts that has counted always."""
FOREVER: Final = Day(3652060)
"""After every date: the end of what has no end."""


def day(value: date | str) -> Day:
    """Return the day of a date or of an ISO 8601 date text; `InvalidFactError` if the text is none."""
    if isinstance(value, str):
        return _day_of_text(value)
    return Day(value.toordinal())


@lru_cache(maxsize=4096)
def _day_of_text(text: str) -> Day:
    if len(text) != len("2026-06-24"):
        raise InvalidFactError(f"{text!r} is no date; write it like 2026-06-24")
    try:
        return Day(date.fromisoformat(text).toordinal())
    except ValueError as error:
        raise InvalidFactError(f"{text!r} is no date; write it like 2026-06-24") from error


def instant(text: str) -> datetime:
    """Return the instant that an RFC 3339 text with an offset names; `InvalidFactError` if it is none."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidFactError(f"{text!r} is no instant; write it like 2026-06-24T08:00:00Z") from error
    if value.tzinfo is None:
        raise InvalidFactError(f"{text!r} has no offset; write it like 2026-06-24T08:00:00Z")
    return value


def to_date(value: Day) -> date:
    """Return the date of a day; `ALWAYS` and `FOREVER` have none."""
    return date.fromordinal(value)


@lru_cache(maxsize=65536)
def iso(value: Day) -> str:
    """Return a day as `YYYY-MM-DD`."""
    return date.fromordinal(value).isoformat()
