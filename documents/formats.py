"""Amounts, quantities and dates as a reader of one language writes them. Nothing is ever rounded here."""

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import NumberPattern, parse_pattern

from billing.money import minor_digits
from documents.labels import BY_LANGUAGE, Labels

MINUS: Final = "\N{MINUS SIGN}"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
LETTER_BEFORE_FIGURE: Final = re.compile(
    r"(?<=[^\W\d_])(?=[-\d])"
)  # CHF 12, but €12 (CLDR, currency spacing)
ONE_DAY: Final = timedelta(days=1)
# Plain "en" means the United States to CLDR. A document that names no country writes 2 July 2026 and US$.
WORLD_ENGLISH: Final = "en_001"
FALLBACK: Final = "en"


class Formats:
    """How one language writes values of one currency; get it from `formats_for`, which keeps it."""

    def __init__(self, *, language: str, currency: str) -> None:
        self.locale: Final = locale_of(language)
        self.labels: Final[Labels] = BY_LANGUAGE[self.locale.language]
        name = str(self.locale)
        self.tag: Final = FALLBACK if name == WORLD_ENGLISH else name.replace("_", "-")
        self.currency: Final = currency
        self.point: Final[str] = self.locale.number_symbols["latn"]["decimal"]
        self.digits: Final = minor_digits(currency)
        self._figures: Final[str] = self.locale.decimal_formats[None].pattern
        self._money = _pattern(self.locale.currency_formats["standard"].pattern, (self.digits, self.digits))

    def amount(self, amount_minor: int) -> str:
        """Return an amount without its currency, always with the currency's decimals: `1,234.50`."""
        return self._exact(self._major(amount_minor), self.digits)

    def money(self, amount_minor: int) -> str:
        """Return an amount with its currency: `€1,234.50`."""
        text: str = self._money.apply(
            self._major(amount_minor),
            self.locale,
            currency=self.currency,
            currency_digits=False,
            decimal_quantization=False,
        )
        return LETTER_BEFORE_FIGURE.sub(NO_BREAK, text).replace("-", MINUS)

    def unit_amount(self, text: str) -> str:
        """Return a unit amount with all decimals as given, and at least the currency's: `0.0025`, `30.00`."""
        return self._exact(Decimal(text), max(self.digits, _decimals(text)))

    def decimal(self, text: str) -> str:
        """Return an exact decimal with its decimals as given: `1`, `2.5`, `1,000`."""
        return self._exact(Decimal(text), _decimals(text))

    def day(self, day: date) -> str:
        """Return one date: `2 Jul 2026`."""
        return _day(day, self.locale)

    def long_day(self, day: date) -> str:
        """Return one date with the month's name in full: `2 July 2026`."""
        return format_date(day, "long", locale=self.locale)

    def span(self, start: date, end: date) -> str:
        """Return the days of the half-open `[start, end)`, the last day named: 24 to 30 Jun 2026."""
        assert start < end, (start, end)
        return _span(start, end, self.locale)

    def country(self, code: str) -> str:
        """Return a country by its name: `CH` is Switzerland; the code where it has none."""
        name: str = self.locale.territories.get(code, code)
        return name

    def _major(self, amount_minor: int) -> Decimal:
        return Decimal(amount_minor).scaleb(-self.digits)

    def _exact(self, value: Decimal, decimals: int) -> str:
        pattern = _pattern(self._figures, (decimals, decimals))
        text: str = pattern.apply(value, self.locale, decimal_quantization=False)
        return text.replace("-", MINUS)


@lru_cache(maxsize=256)
def formats_for(language: str, currency: str) -> Formats:
    """Return the formats of a BCP 47 language tag and an ISO 4217 currency."""
    return Formats(language=language, currency=currency)


def locale_of(language: str) -> Locale:
    """Return the locale of a language tag; English where we have no labels: no page mixes two languages."""
    tag = language.replace("_", "-")
    try:
        locale = Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        locale = Locale.parse(WORLD_ENGLISH)
    if locale.language not in BY_LANGUAGE or str(locale) == FALLBACK:
        return Locale.parse(WORLD_ENGLISH)
    return locale


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


@lru_cache(maxsize=256)
def _pattern(text: str, decimals: tuple[int, int]) -> NumberPattern:
    """Return a pattern with this many decimals at least; babel never rounds one that is not quantized."""
    pattern = parse_pattern(text)
    pattern.frac_prec = decimals
    return pattern


@lru_cache(maxsize=4096)
def _day(day: date, locale: Locale) -> str:
    return format_skeleton("yMMMd", day, locale=locale)


@lru_cache(maxsize=4096)
def _span(start: date, end: date, locale: Locale) -> str:
    last = end - ONE_DAY
    if start == last:
        return _day(start, locale)
    return format_interval(start, last, "yMMMd", locale=locale)
