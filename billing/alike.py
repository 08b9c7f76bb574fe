"""Lines of services that differ only by their names: computed once for all that are alike, then written.

Most services of a bill run have the product, quantity and dates of many others. What one of them is charged
is computed by `plain_lines`; the others get the same bytes with their own service and events in them. The
result is that of the long way, line by line; whatever is not plain is left to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from billing.catalog import Catalog
from billing.days import Day
from billing.facts import EventRef
from billing.invoice import line_order
from billing.invoiced import InvoicedSpan
from billing.line import Line
from billing.line_json import canonical_line, event_text, id_text
from billing.plain import plain_lines
from billing.policies import CustomerTerms, PolicyBook
from billing.timeline import Timeline

EVENTS: Final = b'"events":['
SERVICE: Final = b',"service_id":'
NO_SERVICE_YET: Final = b"null"
MOST_KEPT: Final = 100_000


class Pattern(NamedTuple):
    """The lines of a service without its names; a service has one product, so they have one currency.

    A line is the pieces before its events, between them and the service's id, and after that; its events are
    one of `causes`, the places of events in the timeline's table of names.
    """

    currency: str
    amounts_minor: tuple[int, ...]
    causes: tuple[tuple[int, ...], ...]
    pieces: tuple[tuple[bytes, int, bytes, bytes], ...]


class Alike:
    """The patterns of one catalog on one issue date. None stands for what is not plain."""

    def __init__(self, catalog: Catalog, issue_day: Day) -> None:
        self.catalog = catalog
        self.issue_day = issue_day
        self._patterns: dict[tuple[Any, ...], Pattern | None] = {}
        self._terms: dict[Any, int] = {}
        self._last: tuple[CustomerTerms | None, int | str] = (None, 0)

    def pattern(
        self,
        data: Sequence[Any],
        customer_id: str,
        book: PolicyBook,
        invoiced: Sequence[InvoicedSpan],
        since: Day | None,
    ) -> Pattern | None:
        """Return the lines of a service, in order; `data` is its timeline as `Timeline.as_data` gives it."""
        terms = book.terms(customer_id)
        shape = _shape(data, customer_id)
        if terms is None or shape is None:
            return None
        standing = tuple([_standing(span) for span in invoiced])
        key = (shape, self._kind_of(terms, customer_id), since, standing)
        if key in self._patterns:
            return self._patterns[key]
        timeline = Timeline.from_data(data)
        lines = plain_lines(
            timeline,
            invoiced,
            customer_id=customer_id,
            issue_day=self.issue_day,
            catalog=self.catalog,
            book=book,
            since=since,
        )
        found = None if lines is None else _pattern_of(lines, data, self.catalog, book)
        if len(self._patterns) < MOST_KEPT:
            self._patterns[key] = found
        return found

    def _kind_of(self, terms: CustomerTerms, customer_id: str) -> int | str:
        """Return what is equal for customers with equal terms; own prices make one a kind of its own."""
        last, kind = self._last
        if last is not terms:
            kind = customer_id if terms.prices else self._terms.setdefault(terms.policies, len(self._terms))
            self._last = (terms, kind)
        return kind


def written(pattern: Pattern, data: Sequence[Any]) -> list[bytes]:
    """Return the canonical JSON of a service's lines."""
    service = id_text(data[0]).encode()
    names = [event_text(EventRef(source, event_id)) for source, event_id in data[1]]
    events = [",".join([names[place] for place in places]).encode() for places in pattern.causes]
    return [
        b"".join((before, events[which], between, service, after))
        for before, which, between, after in pattern.pieces
    ]


def _shape(data: Sequence[Any], customer_id: str) -> tuple[Any, ...] | None:
    """Return a timeline but for its names; None unless it is one open state with at most one trigger.

    The trigger may be of an earlier activity of no day, and so of another customer, product or own price.
    """
    _, _, segments, stops, triggers, *_ = data
    if len(segments) != 1 or len(triggers) > 1 or stops:
        return None
    # The rows of billing/segments.py: segment_data and trigger_data.
    start, end, suspended, holder, product, quantity, own, activation, charged_from, _, causes, _ = segments[
        0
    ]
    if holder != customer_id or own:
        return None
    state = (start, end, suspended, product, quantity, activation, charged_from, *causes)
    if not triggers:
        return state
    day, kind, holder, product, quantity, own, activation, causes = triggers[0]
    if holder != customer_id or own:
        return None
    return (state, day, kind, product, quantity, activation, *causes)


def _standing(span: InvoicedSpan) -> tuple[Any, ...]:
    """Return what of an invoiced span tells it from others; the line that charged it doesn't matter here."""
    return (
        span.product_id,
        span.price_id,
        span.kind,
        span.quantity.text,
        span.unit_amount.text,
        span.full_start,
        span.full_end,
        span.start,
        span.end,
        span.amount_minor,
    )


def _pattern_of(
    lines: Sequence[Line], data: Sequence[Any], catalog: Catalog, book: PolicyBook
) -> Pattern | None:
    places: Mapping[EventRef, int] = {EventRef(*ref): place for place, ref in enumerate(data[1])}
    currencies = {catalog.products[line.product_id].currency or book.currency for line in lines}
    if len(currencies) > 1:
        return None
    currency = currencies.pop() if currencies else book.currency
    causes: dict[tuple[int, ...], int] = {}
    pieces = []
    ordered = sorted(lines, key=line_order)
    for line in ordered:
        why = line.explanation
        which = causes.setdefault(tuple([places[ref] for ref in why.events]), len(causes))
        nameless = line._replace(service_id="", explanation=why._replace(events=()))
        before, _, rest = canonical_line(nameless, currency).partition(EVENTS)
        between, _, after = rest.rpartition(SERVICE + NO_SERVICE_YET)
        pieces.append((before + EVENTS, which, between + SERVICE, after))
    return Pattern(currency, tuple([line.amount_minor for line in ordered]), tuple(causes), tuple(pieces))
