"""Days as integers, so that spans are subtractions."""

import re
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

_FIRST_YEAR: Final = 1000  # nothing is billed before; keeps every full period within what a date can hold
_LAST_YEAR: Final = 9998  # an instant of the last year may have a local day after every date
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}){2}")
_INSTANT = re.compile(
    r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def day(value: date | str) -> Day:
    """Return the day of a date or of an ISO 8601 date text; `InvalidFactError` if the text is none."""
    if isinstance(value, str):
        return _day_of_text(value)
    return Day(value.toordinal())


@lru_cache(maxsize=4096)
def _day_of_text(text: str) -> Day:
    try:
        value = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        value = None
    if value is None or value.year < _FIRST_YEAR:
        raise InvalidFactError(f"{text!r} is no date; write it like 2026-06-24")
    return Day(value.toordinal())


def instant(text: str) -> datetime:
    """Return the instant that an RFC 3339 text with an offset names; `InvalidFactError` if it is none."""
    letters = text.upper()  # RFC 3339 takes a small t and z too, Python doesn't
    try:
        value = datetime.fromisoformat(letters) if _INSTANT.fullmatch(letters) else None
    except ValueError:
        value = None
    if value is None or not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise InvalidFactError(f"{text!r} is no instant with an offset; write it like 2026-06-24T08:00:00Z")
    return value


def to_date(value: Day) -> date:
    """Return the date of a day; `ALWAYS` and `FOREVER` have none."""
    return date.fromordinal(value)


@lru_cache(maxsize=65536)
def iso(value: Day) -> str:
    """Return a day as `YYYY-MM-DD`."""
    return date.fromordinal(value).isoformat()
