"""The one calculation: preview, bill run, what-if and audit replay call it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from billing.adjustments import NO_ADJUSTMENTS, Adjustments, adjustment_lines
from billing.catalog import Catalog
from billing.days import Day
from billing.entitlement import entitle
from billing.facts import EventRef
from billing.invoiced import InvoicedSpan
from billing.line import NO_SERVICE, Line
from billing.plain import plain_lines
from billing.policies import PolicyBook
from billing.reconciliation import due_lines
from billing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that has no number yet. Lines are numbered from 1 by their place."""

    customer_id: str
    currency: str
    due_for: Day
    lines: tuple[Line, ...]
    net_minor: int


def calculate(
    customer_id: str,
    issue_day: Day,
    timelines: Iterable[Timeline],
    invoiced_by_service: Mapping[str, Sequence[InvoicedSpan]],
    catalog: Catalog,
    book: PolicyBook,
    *,
    settled_by_service: Mapping[str, Day] | None = None,
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> tuple[Draft, ...]:
    """Return the documents that are due to a customer on `issue_day`, from the facts that the arguments hold.

    `timelines` are of every service that the customer holds or ever held; `invoiced_by_service` is what was
    invoiced to this customer. `settled_by_service` leaves out the full periods that ended by a day, where the
    caller knows that a run left nothing there to correct and that nothing heard since reaches so far back.
    `adjustments` are the customer's, and `invoiced_by_service` holds all that stands of them.
    """
    lines: list[Line] = []
    for timeline in timelines:
        service_id = timeline.service_id
        invoiced = invoiced_by_service.get(service_id, ())
        since = settled_by_service.get(service_id) if settled_by_service else None
        if since is not None:
            invoiced = [span for span in invoiced if (span.full_end or span.end) > since]
        lines.extend(_service_lines(timeline, invoiced, customer_id, issue_day, catalog, book, since))
    terms = book.terms(customer_id)
    if adjustments.known and terms is not None:
        standing = invoiced_by_service.get(NO_SERVICE, ())
        lines.extend(
            adjustment_lines(adjustments, standing, customer_id=customer_id, issue_day=issue_day, terms=terms)
        )
    return assemble(customer_id, issue_day, lines, catalog, book, adjustments)


def _service_lines(
    timeline: Timeline,
    invoiced: Sequence[InvoicedSpan],
    customer_id: str,
    issue_day: Day,
    catalog: Catalog,
    book: PolicyBook,
    since: Day | None,
) -> Sequence[Line]:
    plain = plain_lines(
        timeline,
        invoiced,
        customer_id=customer_id,
        issue_day=issue_day,
        catalog=catalog,
        book=book,
        since=since,
    )
    if plain is not None:
        return plain
    horizons = _horizons(invoiced, issue_day)
    return due_lines(
        entitle(timeline, catalog, book, until=issue_day, since=since, horizons=horizons),
        invoiced,
        customer_id=customer_id,
        issue_day=issue_day,
        causes_of=partial(withdrawn_by, timeline),
    )


def assemble(
    customer_id: str,
    issue_day: Day,
    lines: Iterable[Line],
    catalog: Catalog,
    book: PolicyBook,
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> tuple[Draft, ...]:
    """Return one document per currency, by currency; none whose lines are all 0.00 (BILLING.md §7, §10)."""
    by_currency: dict[str, list[Line]] = {}
    for line in lines:
        if line.kind == "adjustment":
            currency = adjustments.currency_of(line.price_id)
        else:
            currency = catalog.products[line.product_id].currency or book.currency
        by_currency.setdefault(currency, []).append(line)
    return tuple(
        Draft(
            customer_id=customer_id,
            currency=currency,
            due_for=issue_day,
            lines=tuple(sorted(by_currency[currency], key=line_order)),
            net_minor=sum([line.amount_minor for line in by_currency[currency]]),
        )
        for currency in sorted(by_currency)
        if any(line.amount_minor for line in by_currency[currency])
    )


def withdrawn_by(timeline: Timeline, span: InvoicedSpan) -> tuple[EventRef, ...]:
    """Return what said what a service was on the days of a span, and what took events back."""
    causes: list[EventRef] = []
    for segment in timeline.segments:
        if segment.start < span.end and (segment.end > span.start or segment is timeline.segments[-1]):
            causes.extend(segment.causes)
        if segment.ended_by is not None and segment.end < span.end:
            causes.append(segment.ended_by)
    for stop in timeline.stops if not causes else ():  # an activity of no day has no segment
        causes.extend((*stop.causes, stop.ref))
    causes.extend(by for _, by in timeline.withdrawals)
    return tuple(dict.fromkeys(causes))


def line_order(line: Line) -> tuple[str, bool, str, Day, bool, str, Day, str, str]:
    """Order by service, one-time first, price, period start, reversal first; the rest makes it total."""
    return (
        line.service_id,
        line.kind == "recurring",
        line.price_id,
        line.period_start,
        line.reverses is None,
        line.product_id,
        line.period_end,
        line.unit_amount.text,
        line.quantity.text,
    )


def _horizons(invoiced: Sequence[InvoicedSpan], issue_day: Day) -> dict[tuple[str, str], Day]:
    """Return how far each price must be known so that all that was invoiced can be compared."""
    horizons: dict[tuple[str, str], Day] = {}
    for span in invoiced:
        if span.full_end is not None and span.full_end > issue_day + 1:
            key = (span.product_id, span.price_id)
            horizons[key] = max(horizons.get(key, span.full_end), span.full_end)
    return horizons
