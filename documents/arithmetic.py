"""The arithmetic of a line, written so that a reader can do it again and get the same amount."""

from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction
from typing import Final

from documents.formats import Formats
from documents.view import LineReference, LineView, Part

TIMES: Final = "\N{MULTIPLICATION SIGN}"
DIVIDED_BY: Final = "\N{DIVISION SIGN}"
ABOUT: Final = "\N{ALMOST EQUAL TO}"
ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
EXTRA_DECIMALS: Final = 2  # shown of an amount that has more decimals than the currency
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
PRECISION: Final = 60


def arithmetic(line: LineView, formats: Formats) -> tuple[str, ...]:
    """Return how the amount came about, a text a step; none where quantity times unit price says it all.

    A share and a rounding are written out; a line that takes back or adjusts an earlier one names it.
    """
    labels = formats.labels
    if line.reverses:
        return (labels.reverses.format(reference=reference(line.reverses, formats)),)
    product = _product(line, line.part, formats) if line.part and not _plain(line.part, formats) else None
    steps = [product] if product else []
    if line.adjusts and line.part and line.before_minor is not None:
        words = labels.adjusts.format(
            now=formats.amount(line.part.amount_minor),
            span=formats.span(line.part.start, line.part.end),
            before=formats.amount(line.before_minor),
            reference=reference(line.adjusts, formats),
        )
        steps.insert(0, words)
    return tuple(steps)


def reference(target: LineReference, formats: Formats) -> str:
    """Return `INV-000012 line 3`."""
    return formats.labels.line_of.format(line=target.line, number=target.number)


def _plain(part: Part, formats: Formats) -> bool:
    return part.share_numerator == part.share_denominator and _exact(part.exact, formats)[1]


def _product(line: LineView, part: Part, formats: Formats) -> str:
    factors = [formats.unit_amount(line.unit_amount)]
    if Decimal(line.quantity) != 1:
        factors.insert(0, formats.decimal(line.quantity))
    words = f" {TIMES} ".join(factors)
    head = ""
    if part.share_numerator != part.share_denominator:
        head = formats.labels.days.format(served=part.share_numerator, full=part.share_denominator) + ": "
        words += f" {TIMES} {part.share_numerator}{NO_BREAK}{DIVIDED_BY}{NO_BREAK}{part.share_denominator}"
    exact, is_whole = _exact(part.exact, formats)
    if is_whole:
        return f"{head}{words} = {formats.amount(part.amount_minor)}"
    return f"{head}{words} = {exact} {ABOUT}{NO_BREAK}{formats.amount(part.amount_minor)}"


def _exact(exact: Fraction, formats: Formats) -> tuple[str, bool]:
    """Return the value before rounding, cut after some decimals, and whether it needs no rounding."""
    minor = exact * 10**formats.digits
    if minor.denominator == 1:
        return formats.amount(minor.numerator), True
    with localcontext() as context:
        context.prec = PRECISION
        decimals = Decimal(1).scaleb(-(formats.digits + EXTRA_DECIMALS))
        value = Decimal(exact.numerator) / Decimal(exact.denominator)
        value = value.quantize(decimals, rounding=ROUND_DOWN)
    cut = "" if Fraction(value) == exact else ELLIPSIS
    return formats.unit_amount(format(value, "f")) + cut, False
