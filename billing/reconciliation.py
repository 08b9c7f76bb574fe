"""Entitled minus invoiced (BILLING.md §6, §7)."""

from collections.abc import Callable, Iterator, Sequence

from billing.days import Day
from billing.entitlement import Entitled
from billing.facts import EventRef
from billing.invoiced import InvoicedSpan
from billing.line import Explanation, Line, LineRef, Standing

Key = tuple[str, str, Day | None, Day]
CausesOf = Callable[[InvoicedSpan], tuple[EventRef, ...]]
"""The events because of which an invoiced span is no longer entitled."""


def due_lines(
    entitled: Sequence[Entitled],
    invoiced: Sequence[InvoicedSpan],
    *,
    customer_id: str,
    issue_day: Day,
    causes_of: CausesOf,
) -> tuple[Line, ...]:
    """Return the lines of one service that are due to one customer on `issue_day`, in no particular order.

    `invoiced` is what was invoiced to this customer, in the order of documents and lines.
    """
    mine = [span for span in entitled if span.customer_id == customer_id]
    if not invoiced:
        return tuple([charge(span) for span in mine if span.due <= issue_day])
    by_period: dict[Key, tuple[list[Entitled], list[InvoicedSpan]]] = {}
    for span in mine:
        by_period.setdefault(key_of(span), ([], []))[0].append(span)
    for before in invoiced:
        by_period.setdefault(key_of(before), ([], []))[1].append(before)
    lines: list[Line] = []
    for now, then in by_period.values():
        lines.extend(_of_period(now, then, issue_day, causes_of))
    return tuple(lines)


def pairs(
    entitled: Sequence[Entitled], invoiced: Sequence[InvoicedSpan], *, customer_id: str
) -> Iterator[tuple[Entitled, InvoicedSpan]]:
    """Yield the pairs of a service and a customer: what stands of an invoiced line, and what it is now.

    A pair whose entitled span is not yet due waits (BILLING.md §7).
    """
    by_period: dict[Key, list[Entitled]] = {}
    for span in entitled:
        if span.customer_id == customer_id:
            by_period.setdefault(key_of(span), []).append(span)
    then: dict[Key, list[InvoicedSpan]] = {}
    for before in invoiced:
        then.setdefault(key_of(before), []).append(before)
    for key, spans in then.items():
        now = by_period.get(key, [])
        for index, before in _pairs(now, spans).items():
            yield now[index], before


def key_of(span: Entitled | InvoicedSpan) -> Key:
    """Return (price, full period); one-time amounts are compared by their day."""
    if span.full_end is None:
        return span.product_id, span.price_id, None, span.start
    return span.product_id, span.price_id, span.full_start, span.full_end


def _of_period(
    now: Sequence[Entitled], then: Sequence[InvoicedSpan], issue_day: Day, causes_of: CausesOf
) -> Iterator[Line]:
    partners = _pairs(now, then)
    for index, span in enumerate(now):
        due = span.due <= issue_day
        before = partners.get(index)
        if not due:
            continue
        if before is None:
            yield charge(span)
        elif span.start != before.start and span.end != before.end:
            yield reversal(before, causes_of(before))
            yield charge(span)
        elif (span.start, span.end, span.amount_minor) != (before.start, before.end, before.amount_minor):
            yield _difference(span, before)
    kept = {LineRef(before.document, before.line_no) for before in partners.values()}
    for before in then:
        if LineRef(before.document, before.line_no) not in kept:
            yield reversal(before, causes_of(before))


def _pairs(now: Sequence[Entitled], then: Sequence[InvoicedSpan]) -> dict[int, InvoicedSpan]:
    """Return the partner of each entitled span that has one, by its place.

    Of all pairs of one rate the largest overlap first, then the earliest start, earlier document and line.
    """
    candidates = [
        (-overlap, span.start, place, index)
        for index, span in enumerate(now)
        for place, before in enumerate(then)
        if span.unit_amount == before.unit_amount
        and span.quantity == before.quantity
        and (overlap := min(span.end, before.end) - max(span.start, before.start)) > 0
    ]
    partners: dict[int, InvoicedSpan] = {}
    taken: set[int] = set()
    for _, _, place, index in sorted(candidates):
        if index not in partners and place not in taken:
            partners[index] = then[place]
            taken.add(place)
    return partners


def charge(span: Entitled) -> Line:
    """Return the line that charges an entitled span for the first time."""
    return Line(
        service_id=span.service_id,
        product_id=span.product_id,
        price_id=span.price_id,
        kind=span.kind,
        quantity=span.quantity,
        unit_amount=span.unit_amount,
        period_start=span.start,
        period_end=span.end,
        full_start=span.full_start,
        full_end=span.full_end,
        amount_minor=span.amount_minor,
        reverses=None,
        adjusts=None,
        result=None,
        explanation=span.explanation,
    )


def _difference(span: Entitled, before: InvoicedSpan) -> Line:
    """Charge or credit the days by which an end moved, or, if none did, the span."""
    if span.end != before.end:
        days = (min(span.end, before.end), max(span.end, before.end))
    elif span.start != before.start:
        days = (min(span.start, before.start), max(span.start, before.start))
    else:
        days = (span.start, span.end)
    return charge(span)._replace(
        period_start=days[0],
        period_end=days[1],
        amount_minor=span.amount_minor - before.amount_minor,
        adjusts=LineRef(before.document, before.line_no),
        result=Standing(span.start, span.end, span.amount_minor),
        explanation=span.explanation._replace(invoiced_minor=before.amount_minor),
    )


def reversal(before: InvoicedSpan, causes: tuple[EventRef, ...]) -> Line:
    """Return the line that takes back what stands of an invoiced one, because of `causes`."""
    full_days = 1
    if before.full_start is not None and before.full_end is not None:
        full_days = before.full_end - before.full_start
    return Line(
        service_id=before.service_id,
        product_id=before.product_id,
        price_id=before.price_id,
        kind=before.kind,
        quantity=before.quantity,
        unit_amount=before.unit_amount,
        period_start=before.start,
        period_end=before.end,
        full_start=before.full_start,
        full_end=before.full_end,
        amount_minor=-before.amount_minor,
        reverses=LineRef(before.document, before.line_no),
        adjusts=None,
        result=None,
        explanation=Explanation(
            events=causes,
            price_source="invoiced",
            price_version=None,
            rule="reversal",
            served_days=before.end - before.start,
            full_days=full_days,
            share=(0, 1),
            numerator=0,
            denominator=1,
            rounding="half_up",
            invoiced_minor=before.amount_minor,
        ),
    )
