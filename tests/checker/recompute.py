"""Recomputes every amount of issued documents from what their lines say, and from nothing else.

No code is shared with the engine: who reads the exported lines could write this from BILLING.md §5 and §7.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
SAME = ("service_id", "product_id", "price_id", "kind", "full_start", "full_end")
Place = tuple[str, int]
Days = tuple[date, date]
Standing = tuple[Mapping[str, Any], Days, Fraction]  # an issued line, and which days and amount stand of it


@dataclass(frozen=True)
class Document:
    """What was issued: the lines as they travel, and the total that is printed."""

    number: str
    currency: str
    net: str
    lines: tuple[Mapping[str, Any], ...]


def findings(documents: Iterable[Document]) -> Iterator[str]:
    """Yield what is wrong, one sentence each, from all documents of a customer in their order."""
    standing: dict[Place, Standing] = {}
    for document in documents:
        for number, line in enumerate(document.lines, 1):
            wrong = [*in_itself(line, document.currency), *against_earlier(line, standing)]
            yield from (f"document {document.number}, line {number}: {problem}" for problem in wrong)
            book(line, (document.number, number), standing)
        if sum(Fraction(line["amount"]) for line in document.lines) != Fraction(document.net):
            yield f"document {document.number}: the lines don't add up to {document.net}"


def book(line: Mapping[str, Any], here: Place, standing: dict[Place, Standing]) -> None:
    """Keep what stands after a line."""
    if line["reverses"]:
        standing.pop(place(line["reverses"]), None)
    elif line["adjusts"] is None:
        standing[here] = (line, days(line), Fraction(line["amount"]))
    elif place(line["adjusts"]) in standing:
        first, _, _ = standing[place(line["adjusts"])]
        standing[place(line["adjusts"])] = (first, days(line["result"]), Fraction(line["result"]["amount"]))


def in_itself(line: Mapping[str, Any], currency: str) -> Iterator[str]:
    """Yield where a line disagrees with its own explanation."""
    said = line["explanation"]
    amount, before = Fraction(line["amount"]), Fraction(said["invoiced"])
    entered = said.get("entered", {})
    if not said["events"] or (line["kind"] == "adjustment") != bool(entered.get("reason")):
        yield "no event is named, or not why an adjustment was entered"
    if line["reverses"]:
        if amount != -before or said["rule"] != "reversal" or Fraction(said["exact_minor"]) != 0:
            yield f"takes back {amount} of {before}"
        return
    if (said["price_version"] is None) != (said["price_source"] == "own price"):
        yield f"a {said['price_source']} with version {said['price_version']}"
    if not line["adjusts"] and before:
        yield f"a first charge after {before}"
    span = days(line["result"] or line)
    full = days(line, "full") if line["full_start"] else span
    if (said["served_days"], said["full_days"]) != (length(span), length(full)):
        yield f"{said['served_days']} of {said['full_days']} days, not {length(span)} of {length(full)}"
    if not full[0] <= span[0] < span[1] <= full[1]:
        yield "the span lies outside of its full period"
    share = share_of(said["rule"], span, full)
    if Fraction(said["share"]) != share:
        yield f"a share of {said['share']}, not {share}"
    minor = 1 if currency in NO_DECIMALS else 1000 if currency in THREE_DECIMALS else 100
    exact = Fraction(line["unit_amount"]) * Fraction(line["quantity"]) * share * minor
    if Fraction(said["exact_minor"]) != exact:
        yield f"exactly {said['exact_minor']} minor units, not {exact}"
    entitled = Fraction(rounded(exact, said["rounding"]), minor)
    if amount != entitled - before:
        yield f"the amount is {amount}, not {entitled - before}"
    if line["result"] and Fraction(line["result"]["amount"]) != entitled:
        yield f"{line['result']['amount']} stands, not {entitled}"


def against_earlier(line: Mapping[str, Any], standing: Mapping[Place, Standing]) -> Iterator[str]:
    """Yield where a correcting line disagrees with what stood of the line that it corrects."""
    ref = line["reverses"] or line["adjusts"]
    if ref is None:
        return
    if place(ref) not in standing:
        yield f"line {ref['line']} of document {ref['document']} doesn't stand"
        return
    first, stood, amount = standing[place(ref)]
    if Fraction(line["explanation"]["invoiced"]) != amount:
        yield f"invoiced was {amount}, not {line['explanation']['invoiced']}"
    rates = [(Fraction(each["unit_amount"]), Fraction(each["quantity"])) for each in (line, first)]
    if rates[0] != rates[1] or any(line[name] != first[name] for name in SAME):
        yield "corrects a line of another rate, price or period"
    if days(line) != (moved(stood, days(line["result"])) if line["adjusts"] else stood):
        yield "names other days than those that are corrected"


def moved(before: Days, now: Days) -> Days | None:
    """Return the days by which one end moved, or all if none did; None if both did."""
    if before[0] == now[0]:
        return now if before[1] == now[1] else (min(before[1], now[1]), max(before[1], now[1]))
    return (min(before[0], now[0]), max(before[0], now[0])) if before[1] == now[1] else None


def share_of(rule: str, span: Days, full: Days) -> Fraction:
    """Return the share of a full period by BILLING.md §5."""
    if rule in ("none", "one_time") or span == full:
        return Fraction(1)
    if rule == "actual":
        return Fraction(length(span), length(full))
    months = (full[1].year - full[0].year) * 12 + full[1].month - full[0].month
    counted = length(span) if rule == "fixed_30" else days_30e(span)
    return min(Fraction(1), Fraction(counted, 30 * max(months, 1)))


def days_30e(span: Days) -> int:
    (y1, m1, d1), (y2, m2, d2) = ((day.year, day.month, min(day.day, 30)) for day in span)
    return 360 * (y2 - y1) + 30 * (m2 - m1) + d2 - d1


def rounded(exact: Fraction, rounding: str) -> int:
    """Return a whole number of minor units; a half goes away from zero, to the even one, or down."""
    below, rest = divmod(abs(exact), 1)
    half = Fraction(1, 2)
    up = rounding != "down" and (rest > half or (rest == half and (rounding == "half_up" or below % 2 == 1)))
    return (below + up) * (-1 if exact < 0 else 1)


def days(piece: Mapping[str, Any], which: str = "period") -> Days:
    return date.fromisoformat(piece[f"{which}_start"]), date.fromisoformat(piece[f"{which}_end"])


def length(span: Days) -> int:
    return (span[1] - span[0]).days


def place(ref: Mapping[str, Any]) -> Place:
    return ref["document"], ref["line"]
