"""Invoiced: what issued invoices and credit notes have charged, net, folded from their lines alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from billing.days import Day
from billing.line import NO_SERVICE, Kind, Line, LineRef
from billing.money import Exact


class InvoicedSpan(NamedTuple):
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
    """What stands of all lines of one customer, by service; spans in the order of documents and lines.

    Manual adjustments belong to no timeline: they stand together under NO_SERVICE.
    """

    by_service: Mapping[str, tuple[InvoicedSpan, ...]] = field(default_factory=dict)


def apply_lines(state: Invoiced, number: str, lines: Iterable[Line], first_line_no: int = 1) -> Invoiced:
    """Return the state after a document of the customer.

    Documents come in the order in which they were issued; `first_line_no` is for a part of a long one.
    """
    touched: dict[str, dict[LineRef, InvoicedSpan]] = {}
    for line_no, line in enumerate(lines, first_line_no):
        holder = holder_of(line)
        spans = touched.get(holder)
        if spans is None:
            before = state.by_service.get(holder, ())
            spans = touched[holder] = {LineRef(span.document, span.line_no): span for span in before}
        if line.reverses is not None:
            del spans[line.reverses]
        elif line.adjusts is not None:
            assert line.result is not None, "an adjusting line says what stands"
            spans[line.adjusts] = spans[line.adjusts]._replace(
                start=line.result.start,
                end=line.result.end,
                amount_minor=line.result.amount_minor,
            )
        else:
            spans[LineRef(number, line_no)] = _charged(line, number, line_no)
    services = {service_id: tuple(spans.values()) for service_id, spans in touched.items()}
    return Invoiced({**state.by_service, **services})


def holder_of(line: Line | InvoicedSpan) -> str:
    """Return the name under which a line stands: its service, or NO_SERVICE for a manual adjustment."""
    return NO_SERVICE if line.kind == "adjustment" else line.service_id


def _charged(line: Line, number: str, line_no: int) -> InvoicedSpan:
    return InvoicedSpan(
        service_id=line.service_id,
        product_id=line.product_id,
        price_id=line.price_id,
        kind=line.kind,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        full_start=line.full_start,
        full_end=line.full_end,
        start=line.period_start,
        end=line.period_end,
        amount_minor=line.amount_minor,
        document=number,
        line_no=line_no,
    )
