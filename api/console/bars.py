"""Months of one currency with their amounts, drawn for a wide, a middling and a narrow window."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from api.console.chart import KINDS, Chart, Column, chart
from api.routes.forecast import ForecastMonth
from projections.forecast import CLASSES

WIDE: Final = (1120, 280)
MIDDLE: Final = (720, 250)
NARROW: Final = (320, 220)


@dataclass(frozen=True, slots=True)
class Bars:
    """One currency: its months in order, the kinds of amounts that there are, and the drawings."""

    currency: str
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    wide: Chart
    middle: Chart
    narrow: Chart


def bars(
    currency: str,
    months: Iterable[str],
    *,
    issued: Mapping[str, Decimal],
    ahead: Mapping[str, ForecastMonth],
    now: str,
) -> Bars:
    """Return the bars of some months; `now` is the present one."""
    columns = tuple(Column(one, _amounts(issued.get(one), ahead.get(one))) for one in months)
    return Bars(
        currency,
        columns,
        tuple(kind for kind in KINDS if any(one.amounts.get(kind) for one in columns)),
        chart(columns, now=now, size=WIDE),
        chart(columns, now=now, size=MIDDLE),
        chart(columns, now=now, size=NARROW),
    )


def months_between(first: str, last: str) -> Iterator[str]:
    """Yield months, as `2026-07`, both ends included."""
    while first <= last:
        yield first
        first = next_month(first)


def next_month(month: str) -> str:
    """Return the month that follows."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def _amounts(issued: Decimal | None, ahead: ForecastMonth | None) -> Mapping[str, Decimal]:
    found = {} if issued is None else {"issued": issued}
    if ahead is not None:
        found |= {kind: Decimal(getattr(ahead, kind)) for kind in CLASSES}
    return found
