"""The grey lines: a reader who does the sum again gets the amount."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.arithmetic import ABOUT, DIVIDED_BY, ELLIPSIS, TIMES, arithmetic
from documents.formats import formats_for
from documents.view import LineReference
from tests.documents.samples import JULY, JUNE, line, on

ENGLISH = formats_for("en", "EUR")
LAST_WEEK = (date(2026, 6, 24), date(2026, 7, 1))


def plain(texts: tuple[str, ...]) -> list[str]:
    """Texts in ASCII, so that the expectations below can be typed."""
    signs = {
        TIMES: "x", DIVIDED_BY: "/", ELLIPSIS: "...", ABOUT: "~",
        "\N{EN DASH}": "-", "\N{NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ", "\N{MINUS SIGN}": "-",
    }  # fmt: skip
    return ["".join(signs.get(character, character) for character in text) for text in texts]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(line(1, "s", "P", "R", "30.00", JULY), [], id="a full period"),
        pytest.param(
            line(1, "s", "P", "R", "30.00", JULY, quantity="3"), [], id="a full period, three of them"
        ),
        pytest.param(
            line(1, "s", "P", "R", "30.00", LAST_WEEK, full=JUNE),
            ["7 of 30 days: 30.00 x 7 / 30 = 7.00"],
            id="a part",
        ),
        pytest.param(
            line(1, "s", "P", "R", "11.20", LAST_WEEK, full=JUNE, quantity="3"),
            ["7 of 30 days: 3 x 11.20 x 7 / 30 = 7.84"],
            id="a part of three",
        ),
        pytest.param(
            line(1, "s", "P", "R", "47.50", LAST_WEEK, full=JUNE),
            ["7 of 30 days: 47.50 x 7 / 30 = 11.0833... ~ 11.08"],
            id="a part, rounded",
        ),
        pytest.param(
            line(1, "s", "P", "R", "0.005", JULY, quantity="0.5"),
            ["0.5 x 0.005 = 0.0025 ~ 0.00"],
            id="finer than a cent",
        ),
        pytest.param(line(1, "s", "P", "Set-up", "99.00", on(JULY[0]), one_time=True), [], id="one-time"),
    ],
)
def test_charges(one, expected):
    assert plain(arithmetic(one, ENGLISH)) == expected


def test_a_reversal_names_its_line():
    one = replace(
        line(1, "s", "P", "R", "30.00", JULY),
        part=None,
        reverses=LineReference("INV-7", 3),
        before_minor=3000,
    )
    assert plain(arithmetic(one, ENGLISH)) == ["Reverses INV-7 line 3"]


def test_an_adjustment_gives_the_new_amount_and_the_old():
    now = line(1, "s", "P", "R", "30.00", (JULY[0], date(2026, 7, 11)), full=JULY)
    one = replace(
        now, adjusts=LineReference("INV-7", 3), before_minor=3000, amount_minor=now.amount_minor - 3000
    )
    assert plain(arithmetic(one, ENGLISH)) == [
        "9.68 for 1-10 Jul 2026, less 30.00 in INV-7 line 3",
        "10 of 31 days: 30.00 x 10 / 31 = 9.6774... ~ 9.68",
    ]


amounts = st.decimals(min_value=Decimal("0.0001"), max_value=Decimal(100_000), places=4).map(
    lambda value: format(value, "f")
)


@given(
    unit=amounts,
    quantity=amounts,
    days=st.integers(1, 30),
)
def test_doing_it_again_gives_the_amount(unit, quantity, days):
    """Read the text as a formula; the product, rounded half up as the sample is, is the amount."""
    one = line(
        1,
        "s",
        "P",
        "R",
        unit,
        (JUNE[0], date.fromordinal(JUNE[0].toordinal() + days)),
        full=JUNE,
        quantity=quantity,
    )
    texts = plain(arithmetic(one, ENGLISH))
    if not texts:
        assert days == 30
        assert Fraction(unit) * Fraction(quantity) * 100 == one.amount_minor
        return
    product, result = texts[0].split(": ")[-1].replace(",", "").split(" = ")
    value = Fraction(1)
    for factor in product.split(" x "):
        numerator, _, denominator = factor.partition(" / ")
        value *= Fraction(numerator) / Fraction(denominator or 1)
    assert int(value * 100 + Fraction(1, 2)) == one.amount_minor
    shown, _, rounded = result.partition(" ~ ")
    assert Fraction(rounded or shown) * 100 == one.amount_minor
    cut = Fraction(re.sub(r"\.\.\.$", "", shown))
    assert cut <= value < cut + Fraction(1, 10_000)
    assert shown.endswith("...") == (cut != value)
