"""The arithmetic of a line in words, for those who pay it."""

from typing import Final

from billing.days import Day, to_date
from billing.line import Line
from billing.money import format_minor

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_TO: Final = "\N{EN DASH}"
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def arithmetic(line: Line, currency: str) -> str:
    """Return how an amount came about: 7 of 30 days (24 to 30 Jun 2026) times 30.00 = 7.00.

    A correction says what is entitled now and what was invoiced before; a reversal says what it takes back.
    """
    explanation = line.explanation
    before = format_minor(explanation.invoiced_minor, currency)
    amount = format_minor(line.amount_minor, currency)
    if line.reverses is not None:
        return f"takes back line {line.reverses.line_no} of {line.reverses.document}: {amount}"
    if explanation.entered is not None:
        return f"{explanation.entered.text}: {amount}"
    now = format_minor(line.amount_minor + explanation.invoiced_minor, currency)
    if line.adjusts is None:
        return f"{_share(line, line.period_start, line.period_end)}{_rate(line)} = {amount}"
    assert line.result is not None, "an adjusting line says what stands"
    product = f"{_share(line, line.result.start, line.result.end)}{_rate(line)} = {now}"
    return f"{product}, invoiced before {before}: {amount}"


def days_in_words(start: Day, end: Day) -> str:
    """Return half-open days as people write them, the last one included."""
    first, last = to_date(start), to_date(Day(end - 1))
    if first == last:
        return f"{first.day} {_MONTHS[first.month - 1]} {first.year}"
    ending = f"{last.day} {_MONTHS[last.month - 1]} {last.year}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{_TO}{ending}"
    if first.year == last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} {_TO} {ending}"
    return f"{first.day} {_MONTHS[first.month - 1]} {first.year} {_TO} {ending}"


def _share(line: Line, start: Day, end: Day) -> str:
    """Return which part of the full period is charged, as the rule counts it."""
    explanation = line.explanation
    days = days_in_words(start, end)
    served, full = explanation.share
    if explanation.rule == "one_time":
        return f"once ({days}) {_TIMES} "
    if explanation.rule == "none":
        return f"the whole period, not prorated ({days}) {_TIMES} "
    if explanation.served_days == explanation.full_days:
        return f"the full period ({days}) {_TIMES} "
    if explanation.rule == "actual":
        return f"{served} of {full} days ({days}) {_TIMES} "
    if (served, full) == (1, 1):
        return f"a full period by months of 30 days ({days}) {_TIMES} "
    return f"{served} of {full} days by months of 30 days ({days}) {_TIMES} "


def _rate(line: Line) -> str:
    return (
        f"{line.unit_amount}" if line.quantity.text == "1" else f"{line.quantity} {_TIMES} {line.unit_amount}"
    )
