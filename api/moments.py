"""Moments as a request names them: a seq, a day of the tenant, an instant."""

from datetime import date, datetime
from typing import Annotated, Final

from fastapi import Query
from pydantic import AfterValidator

from api.access import View
from projections.replay import AsOf, AsOfUnknownError

LARGEST_SEQ: Final = 2**63 - 1
YEARS: Final = range(2, 9_999)
"""A day or an offset before or behind these can still be counted."""
DAY_CHARACTERS: Final = len("2026-07-02")


def moment(text: str) -> AsOf:
    """Return the moment that a text names. Raises ValueError, with the remedy, for one that names none."""
    try:
        if text.isascii() and text.isdecimal() and 1 <= int(text) <= LARGEST_SEQ:
            return int(text)
        return _countable(date.fromisoformat(text) if len(text) == DAY_CHARACTERS else _instant(text))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r}: write a seq, a date, or an instant with an offset (2026-07-02T06:00:00Z)"
        ) from None


def moment_that_came(text: str, view: View) -> AsOf:
    """Return the moment that a text names. Raises AsOfUnknownError for a day or an instant still to come.

    What will have been heard by then is not known, as little as a fact behind the last.
    """
    found = moment(text)
    if isinstance(found, int):  # whoever resolves it knows the last fact
        return found
    has_come = found <= view.clock() if isinstance(found, datetime) else found <= view.today()
    if not has_come:
        raise AsOfUnknownError(
            f"{text}: it has not come yet by the ledger's clock; name today, or a time before"
        )
    return found


def _countable(found: AsOf) -> AsOf:
    if isinstance(found, date) and found.year not in YEARS:  # an instant is a date, too
        raise ValueError(found)
    return found


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace(" ", "+"))  # a plus in a query that nobody escaped
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _checked(text: str) -> str:
    moment(text)
    return text


Moment = Annotated[
    str,
    Query(
        min_length=1,
        max_length=40,
        description="A seq, a whole day of the tenant (2026-07-02), or an instant (2026-07-02T06:00:00Z).",
        examples=["2026-07-02"],
    ),
    AfterValidator(_checked),
]
"""A parameter that `moment` can read."""
