"""Exact decimals, minor units, rounding."""

import pytest

from billing.errors import InvalidAmountError
from billing.money import exact, format_minor, minor_digits, parse_minor, rounded


@pytest.mark.parametrize(
    ("text", "scaled", "scale"),
    [
        ("30.00", 30, 0),
        ("0.0125", 125, 4),
        ("-7.10", -71, 1),
        ("0", 0, 0),
        ("100", 100, 0),
        ("999999999999999.999999999999", 999999999999999999999999999, 12),
    ],
)
def test_exact_is_in_lowest_terms_and_keeps_its_text(text, scaled, scale):
    value = exact(text)
    assert (value.scaled, value.scale, str(value)) == (scaled, scale, text)


def test_exact_is_equal_by_value():
    assert exact("30") == exact("30.00")
    assert hash(exact("30")) == hash(exact("30.00"))
    assert exact("30") != exact("3.0")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1e3",
        "+1",
        "1.",
        ".5",
        " 1",
        "1_000",
        "NaN",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1" * 16,
        "1.0000000000000",
    ],
)
def test_what_is_no_amount(text):
    with pytest.raises(InvalidAmountError, match="no amount"):
        exact(text)


@pytest.mark.parametrize(
    ("numerator", "denominator", "half_up", "half_even", "down"),
    [
        (5, 2, 3, 2, 2),
        (7, 2, 4, 4, 3),
        (-5, 2, -3, -2, -2),
        (-7, 2, -4, -4, -3),
        (2001, 800, 3, 3, 2),
        (1, 3, 0, 0, 0),
        (2, 3, 1, 1, 0),
        (-2, 3, -1, -1, 0),
        (6, 3, 2, 2, 2),
        (0, 7, 0, 0, 0),
    ],
)
def test_rounding(numerator, denominator, half_up, half_even, down):
    assert rounded(numerator, denominator, "half_up") == half_up
    assert rounded(numerator, denominator, "half_even") == half_even
    assert rounded(numerator, denominator, "down") == down


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (-2032, "EUR", "-20.32"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (0, "EUR", "0.00"),
        (1230, "JPY", "1230"),
        (-7, "JPY", "-7"),
        (2333, "KWD", "2.333"),
        (-1, "BHD", "-0.001"),
        (12345, "CLF", "1.2345"),
        (10**18 - 1, "EUR", "9999999999999999.99"),
        (-(10**30), "JPY", "-" + "1" + "0" * 30),
    ],
)
def test_minor_units_as_text_and_back(amount, currency, text):
    assert format_minor(amount, currency) == text
    assert parse_minor(text, currency) == amount


def test_an_amount_finer_than_the_minor_unit_is_refused():
    with pytest.raises(InvalidAmountError, match="2 decimals of EUR"):
        parse_minor("0.005", "EUR")


@pytest.mark.parametrize(
    ("digits", "currencies"),
    [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (2, "CHF EUR GBP HUF SEK USD ZAR XYZ"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ],
)
def test_minor_digits_follow_iso_4217(digits, currencies):
    """List one of ISO 4217: every code whose minor unit is not 2, and some whose is."""
    assert {code: minor_digits(code) for code in currencies.split()} == dict.fromkeys(
        currencies.split(), digits
    )
