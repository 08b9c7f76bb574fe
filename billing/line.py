"""A line of an invoice or credit note, and why it is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from billing.days import Day
from billing.facts import EventRef
from billing.money import Exact, Rounding

Kind = Literal["recurring", "one_time"]
PriceSource = Literal["catalog", "customer price", "own price"]


@dataclass(frozen=True, slots=True)
class LineRef:
    """An issued line: its document's number and its place there, from 1."""

    document: str
    line_no: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands of an invoiced line after a correction."""

    start: Day
    end: Day
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What produced an amount: `rounding(numerator / denominator) - invoiced_minor` minor units.

    For a reversal the fraction is zero: nothing is entitled any more, and `invoiced_minor` goes back.
    """

    events: tuple[EventRef, ...]
    price_source: PriceSource
    price_version: EventRef | None  # the catalog fact; None unless the source is the catalog
    rule: str  # actual, fixed_30, thirty_360, none, full_period, one_time, reversal
    served_days: int
    full_days: int
    numerator: int
    denominator: int
    rounding: Rounding
    invoiced_minor: int  # what was invoiced before; 0 for a first charge


@dataclass(frozen=True, slots=True)
class Line:
    """One line. Days are half-open; `full` days are None for one-time amounts."""

    service_id: str
    product_id: str
    price_id: str
    kind: Kind
    quantity: Exact
    unit_amount: Exact
    period_start: Day
    period_end: Day
    full_start: Day | None
    full_end: Day | None
    amount_minor: int
    reverses: LineRef | None  # takes back what remains of that line
    adjusts: LineRef | None  # moves an end, or the amount, of that line
    result: Standing | None  # what stands of the adjusted line afterwards; None unless `adjusts`
    explanation: Explanation

    def as_data(self, currency: str) -> dict[str, Any]:
        """Return the JSON object that travels in `invoice.lines`; amounts in the currency's decimals."""
        raise NotImplementedError

    @staticmethod
    def from_data(data: Mapping[str, Any], currency: str) -> "Line":
        """Return the line that `as_data` wrote."""
        raise NotImplementedError
