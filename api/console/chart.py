"""The bars of the overview: what was issued and what will be, month by month, as places on a drawing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

KINDS: Final = ("issued", "running", "scheduled", "ending", "one_time", "corrections", "planned")
"""From the bottom of a bar to its top."""
STEPS: Final = (Decimal(1), Decimal(2), Decimal(5))
MOST_LINES: Final = 4
TOP: Final = 10.0
FOOT: Final = 24.0
EDGE: Final = 8.0
FIGURE_WIDTH: Final = 7.2
LABEL_WIDTH: Final = 40.0
FILLED: Final = 0.68
Height = Callable[[Decimal], float]


@dataclass(frozen=True, slots=True)
class Column:
    """A month in one currency: exact amounts by kind, as texts; those that are not named are 0."""

    month: str
    amounts: Mapping[str, Decimal]

    @property
    def net(self) -> Decimal:
        """What is issued and will be; what is only planned is no part of it."""
        return sum((amount for kind, amount in self.amounts.items() if kind != "planned"), Decimal(0))


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The pieces of a month; `label` is empty where there is no room for it."""

    column: Column
    x: float
    middle: float
    width: float
    label: bool
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line across, at an amount."""

    y: float
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of `width` by `height` pixels; `left` and `bottom` are where its axes are."""

    width: int
    height: int
    left: float
    bottom: float
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]
    now: float | None


def chart(columns: Sequence[Column], *, now: str, size: tuple[int, int]) -> Chart:
    """Return where everything stands; what is due stacks up from 0, what is given back hangs down.

    `now` is the present month, before which a line stands; `size` is width and height in pixels.
    """
    width, height = size
    high = max((sum(_signed(one, up=True).values(), Decimal(0)) for one in columns), default=Decimal(0))
    low = min((sum(_signed(one, up=False).values(), Decimal(0)) for one in columns), default=Decimal(0))
    marks = ticks(low, high)
    floor = min(low, marks[0])
    bottom, span = height - FOOT, marks[-1] - floor
    left = EDGE + FIGURE_WIDTH * max(len(f"{mark:,.0f}") for mark in marks)

    def y(amount: Decimal) -> float:
        return round(bottom - float((amount - floor) / span) * (bottom - TOP), 1)

    room = (width - left - EDGE) / max(len(columns), 1)
    every = max(1, round(LABEL_WIDTH / room + 0.49))
    start = next((place for place, one in enumerate(columns) if one.month >= now), None)
    bars = []
    for place, one in enumerate(columns):
        x = left + room * place
        pieces = _pieces(one, x + room * (1 - FILLED) / 2, room * FILLED, y)
        is_labelled = (place - (start or 0)) % every == 0
        bars.append(Bar(one, round(x, 1), round(x + room / 2, 1), round(room, 1), is_labelled, tuple(pieces)))
    return Chart(
        width,
        height,
        round(left, 1),
        bottom,
        tuple(Line(y(mark), mark) for mark in marks),
        tuple(bars),
        None if start is None else round(left + room * start, 1),
    )


def ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """Return round amounts, 0 among them, from which both are less than a step away: two to six.

    The last is not below `high`; the first may lie above `low`, so that little below 0 takes little room.
    """
    most = max(high, -low, Decimal(1))
    power = Decimal(10) ** max(most.adjusted() - 1, 0)
    step = next(
        factor * power * scale
        for scale in (Decimal(1), Decimal(10), Decimal(100))
        for factor in STEPS
        if (high - low) / (factor * power * scale) <= MOST_LINES
    )
    first, last = int(-(-low // step)), int(high // step)
    last += high > last * step
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _signed(column: Column, *, up: bool) -> dict[str, Decimal]:
    return {
        kind: amount
        for kind in KINDS
        if (amount := column.amounts.get(kind, Decimal(0))) and (amount > 0) == up
    }


def _pieces(column: Column, x: float, width: float, y: Height) -> list[Piece]:
    pieces = []
    for up in (True, False):
        base = Decimal(0)
        for kind, amount in _signed(column, up=up).items():
            upper, lower = (base + amount, base) if up else (base, base + amount)
            tall = round(y(lower) - y(upper), 1)
            pieces.append(Piece(kind, round(x, 1), y(upper), round(width, 1), max(tall, 0.5)))
            base += amount
    return pieces
