"""Invoiced: what issued invoices and credit notes have charged, net, folded from their lines alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from billing.days import Day
from billing.line import Kind, Line
from billing.money import Exact


@dataclass(frozen=True, slots=True)
class InvoicedSpan:
    """What stands of one issued line."""

    service_id: str
    product_id: str
    price_id: str
    kind: Kind
    quantity: Exact
    unit_amount: Exact
    full_start: Day | None
    full_end: Day | None
    start: Day
    end: Day
    amount_minor: int
    document: str
    line_no: int


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What stands of all lines of one customer, by service; spans in the order of documents and lines."""

    by_service: Mapping[str, tuple[InvoicedSpan, ...]] = field(default_factory=dict)


def apply_lines(state: Invoiced, number: str, lines: Iterable[Line], first_line_no: int = 1) -> Invoiced:
    """Return the state after a document of the customer; documents come in the order in which they were issued."""
    raise NotImplementedError
