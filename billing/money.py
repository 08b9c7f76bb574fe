"""Exact amounts: integers in minor units, decimals as scaled integers, rounded once."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from billing.errors import AmountTooLargeError, InvalidAmountError

Rounding = Literal["half_up", "half_even", "down"]

# ISO 4217 list one, minor units that are not 2.
_NO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_FOUR_DECIMALS = frozenset(["CLF", "UYW"])
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,12})?", re.ASCII)
_WRITTEN = re.compile(r"-?\d{1,40}(?:\.\d{1,12})?", re.ASCII)
LARGEST_MINOR: Final = 10**18 - 1
"""In minor units. Amounts beyond are of no real invoice; they fit no column, and no document carries them."""


@dataclass(frozen=True, slots=True)
class Exact:
    """An exact decimal: `scaled / 10**scale` in lowest terms; equal by value, printed as it was given."""

    text: str = field(compare=False)
    scaled: int
    scale: int

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=65536)
def exact(text: str) -> Exact:
    """Return the exact decimal that `text` writes; `InvalidAmountError` if it writes none.

    At most 15 digits before the point and 12 after it; no exponent, no leading plus.
    """
    if not _NUMBER.fullmatch(text):
        raise InvalidAmountError(f"{text!r} is no amount; write a decimal number like 30.00")
    whole, _, decimals = text.partition(".")
    scale = len(decimals)
    scaled = int(whole + decimals)
    while scale and scaled % 10 == 0:
        scaled //= 10
        scale -= 1
    return Exact(text, scaled, scale)


ONE: Final = exact("1")


@lru_cache(maxsize=1024)
def minor_digits(currency: str) -> int:
    """Return how many decimals the currency's minor unit has (ISO 4217); 2 where the list is silent."""
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    return 4 if currency in _FOUR_DECIMALS else 2


def format_minor(amount_minor: int, currency: str) -> str:
    """Return an amount in minor units with the currency's decimals: `-20.32`, for JPY `-20`."""
    digits = minor_digits(currency)
    if digits == 0:
        return str(amount_minor)
    text = f"{abs(amount_minor):0{digits + 1}d}"
    return f"{'-' if amount_minor < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def parse_minor(text: str, currency: str) -> int:
    """Return the minor units of an amount text; `InvalidAmountError` if it is finer than the minor unit.

    Every amount that `format_minor` writes is read, also one of more digits than a unit amount may have.
    """
    if not _WRITTEN.fullmatch(text):
        raise InvalidAmountError(f"{text!r} is no amount; write a decimal number like 30.00")
    whole, _, decimals = text.partition(".")
    digits = minor_digits(currency)
    if len(decimals.rstrip("0")) > digits:
        raise InvalidAmountError(f"{text!r} has more than the {digits} decimals of {currency}")
    return int(whole + decimals[:digits].ljust(digits, "0"))


def checked(amount_minor: int, what: str) -> int:
    """Return an amount in minor units; AmountTooLargeError, with `what` it is of, beyond `LARGEST_MINOR`."""
    if abs(amount_minor) > LARGEST_MINOR:
        raise AmountTooLargeError(f"{what}: {amount_minor} minor units are more than 18 digits")
    return amount_minor


def rounded(numerator: int, denominator: int, rounding: Rounding) -> int:
    """Return `numerator / denominator` as an integer; `half_up` is away from zero, `down` towards it."""
    if numerator < 0:
        return -rounded(-numerator, denominator, rounding)
    quotient, rest = divmod(numerator, denominator)
    if rest == 0 or rounding == "down":
        return quotient
    twice = 2 * rest
    if twice > denominator or (twice == denominator and (rounding == "half_up" or quotient % 2 == 1)):
        return quotient + 1
    return quotient
