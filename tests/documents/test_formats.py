"""Figures and dates: exact, in the reader's language."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.formats import formats_for
from documents.labels import BY_LANGUAGE

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "currency", "amount_minor", "expected"),
    [
        pytest.param("en", "EUR", 123450, "€1,234.50", id="euro in English"),
        pytest.param("en", "USD", 5, "US$0.05", id="dollars, no country named"),
        pytest.param("en-US", "USD", 5, "$0.05", id="dollars in the United States"),
        pytest.param("en", "CHF", -123450, f"−CHF{NBSP}1,234.50", id="francs, negative"),  # noqa: RUF001
        pytest.param("de", "EUR", 123450, f"1.234,50{NBSP}€", id="euro in German"),
        pytest.param("de-CH", "CHF", 123450, f"CHF{NBSP}1’234.50", id="francs in Switzerland"),  # noqa: RUF001
        pytest.param("de-CH", "CHF", -5, f"CHF{NBSP}−0.05", id="negative francs in Switzerland"),  # noqa: RUF001
        pytest.param("en", "JPY", 1234, "JP¥1,234", id="yen have no decimals"),
        pytest.param("en-GB", "KWD", 1234, f"KWD{NBSP}1.234", id="dinars have three"),
        pytest.param("en", "ISK", 1005, f"ISK{NBSP}1,005", id="ISO 4217 decides the decimals"),
        pytest.param("fr", "EUR", 123450, "€1,234.50", id="a language without labels is English throughout"),
        pytest.param("no such tag!", "EUR", 0, "€0.00", id="an unreadable tag is English"),
        pytest.param(
            "en", "EUR", 99999999999999999999999, "€999,999,999,999,999,999,999.99", id="very large"
        ),
    ],
)
def test_money(language, currency, amount_minor, expected):
    assert formats_for(language, currency).money(amount_minor) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", "30.00"),
        ("30.00", "30.00"),
        ("0.0245", "0.0245"),
        ("1.005", "1.005"),
        ("1.0150", "1.0150"),
        ("0.000000000001", "0.000000000001"),
        ("999999999999999.999999999999", "999,999,999,999,999.999999999999"),
    ],
)
def test_unit_amounts_keep_every_decimal(text, expected):
    """babel alone would round 1.005 to 1.00 without a word."""
    assert formats_for("en", "EUR").unit_amount(text) == expected


@pytest.mark.parametrize(
    ("language", "start", "end", "expected"),
    [
        ("en", date(2026, 6, 24), date(2026, 7, 1), "24-30 Jun 2026"),
        ("en", date(2026, 6, 24), date(2026, 6, 25), "24 Jun 2026"),
        ("en", date(2026, 12, 24), date(2027, 2, 1), "24 Dec 2026 - 31 Jan 2027"),
        ("en-US", date(2026, 6, 24), date(2026, 7, 1), "Jun 24 - 30, 2026"),
        ("de", date(2026, 6, 24), date(2026, 8, 1), "24. Juni - 31. Juli 2026"),
    ],
)
def test_spans_name_their_last_day(language, start, end, expected):
    text = formats_for(language, "EUR").span(start, end)
    assert re.sub(r"\s", " ", text).replace("\N{EN DASH}", "-") == expected


def test_countries_have_names():
    assert formats_for("de", "EUR").country("CH") == "Schweiz"
    assert formats_for("en", "EUR").country("CH") == "Switzerland"
    assert formats_for("en", "EUR").country("Q0") == "Q0"


@given(
    st.integers(-(10**17), 10**17),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from(["en", "de", "de-CH"]),
)
def test_an_amount_reads_back_to_the_cent(amount_minor, currency, language):
    formats = formats_for(language, currency)
    text = formats.amount(amount_minor).replace("\N{MINUS SIGN}", "-")
    bare = re.sub(r"[^\d-]", "", text.replace(formats.point, "!").replace("!", ""))
    assert int(bare) == amount_minor


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=0, max_value=10**14))
def test_a_unit_amount_reads_back_exactly(value: Decimal):
    given_text = format(value, "f")
    shown = formats_for("en", "EUR").unit_amount(given_text)
    assert Decimal(shown.replace(",", "")) == Decimal(given_text)


def test_every_language_has_every_word():
    for labels in BY_LANGUAGE.values():
        assert all(getattr(labels, name) for name in labels.__slots__)


def test_placeholders_agree_between_languages():
    english = BY_LANGUAGE["en"]
    for labels in BY_LANGUAGE.values():
        for name in labels.__slots__:
            fields = [sorted(re.findall(r"{\w+}", getattr(one, name))) for one in (english, labels)]
            assert fields[0] == fields[1], name
