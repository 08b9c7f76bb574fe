"""The overview's bars: every amount is as high as it should be, and round figures stand beside."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.chart import KINDS, Chart, Column, chart, ticks

SIZE = (1000, 300)
AMOUNTS = st.decimals(-1_000_000_000, 1_000_000_000, places=2)


def drawn(*months: dict[str, str]) -> Chart:
    columns = [
        Column(f"2026-{number:02}", {kind: Decimal(amount) for kind, amount in month.items()})
        for number, month in enumerate(months, 1)
    ]
    return chart(columns, now="2026-02", size=SIZE)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param("0", "0", "0 1", id="nothing"),
        pytest.param("0", "3", "0 1 2 3", id="few"),
        pytest.param("0", "5801.34", "0 2000 4000 6000", id="thousands"),
        pytest.param("-21.20", "5801.34", "0 2000 4000 6000", id="little below 0 takes no line"),
        pytest.param("-3000", "5000", "-2000 0 2000 4000 6000", id="much below 0 does"),
        pytest.param("-70", "0", "-60 -40 -20 0", id="only credits"),
    ],
)
def test_lines_stand_at_round_amounts(low: str, high: str, expected: str) -> None:
    assert [f"{mark:.0f}" for mark in ticks(Decimal(low), Decimal(high))] == expected.split()


@given(st.lists(st.dictionaries(st.sampled_from(KINDS), AMOUNTS), min_size=1, max_size=25))
def test_pieces_are_as_high_as_their_amounts_and_stay_inside(months: list[dict[str, Decimal]]) -> None:
    columns = [Column(f"{2020 + n // 12}-{n % 12 + 1:02}", month) for n, month in enumerate(months)]
    found = chart(columns, now="2020-06", size=SIZE)
    lowest, highest = found.lines[0], found.lines[-1]
    scale = (lowest.y - highest.y) / float(highest.amount - lowest.amount)
    for bar in found.bars:
        assert found.left - 0.1 <= bar.x
        assert bar.x + bar.width <= SIZE[0]
        for piece in bar.pieces:
            amount = float(abs(bar.column.amounts[piece.kind]))
            assert piece.height == pytest.approx(amount * scale, abs=0.8)
            assert piece.y >= 0
            assert piece.y + piece.height <= SIZE[1]
            assert bar.x <= piece.x
            assert piece.x + piece.width <= bar.x + bar.width + 0.1
        ups = [piece for piece in bar.pieces if bar.column.amounts[piece.kind] > 0]
        for lower, upper in pairwise(ups):
            assert upper.y + upper.height == pytest.approx(lower.y, abs=0.8), "stacked"


def test_what_is_given_back_hangs_below_the_line() -> None:
    found = drawn({"issued": "100"}, {"running": "80", "corrections": "-40"})
    zero = next(line.y for line in found.lines if not line.amount)
    running, corrections = found.bars[1].pieces
    assert running.y + running.height == pytest.approx(zero, abs=0.2)
    assert corrections.y == pytest.approx(zero, abs=0.2)
    assert found.now == found.bars[1].x, "the line stands before the present month"
