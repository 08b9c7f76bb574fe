"""The plain case, quickly: one open state, one unit amount, and all that was invoiced is still entitled.

Most services on most issue dates are like this. The result is what entitlement and reconciliation give, a test
holds the two against each other; whatever is not plain is left to them.
"""

from collections.abc import Sequence

from billing.catalog import Catalog, Price, Proration
from billing.days import FOREVER, Day
from billing.entitlement import amount_of, one_time
from billing.invoiced import InvoicedSpan
from billing.line import Explanation, Line
from billing.policies import CustomerTerms, PolicyBook
from billing.proration import share
from billing.rates import Tariff, UnitAmount
from billing.reconciliation import Key, charge, key_of
from billing.segments import Segment
from billing.timeline import Timeline


def plain_lines(
    timeline: Timeline,
    invoiced: Sequence[InvoicedSpan],
    *,
    customer_id: str,
    issue_day: Day,
    catalog: Catalog,
    book: PolicyBook,
    since: Day | None = None,
) -> list[Line] | None:
    """Return the lines of a service that are due to a customer; None if the case is not plain.

    `since` leaves out full periods that ended by it (see `entitle`); `invoiced` has none of them then.
    """
    segments = timeline.segments
    if len(segments) != 1 or timeline.stops:
        return None
    segment = segments[0]
    product = catalog.products.get(segment.product_id)
    terms = book.terms(customer_id)
    if (
        product is None
        or terms is None
        or len(terms.policies) != 1
        or segment.customer_id != customer_id
        or segment.end != FOREVER
        or segment.suspended
        or segment.quantity.scaled == 0
    ):
        return None
    standing = {key_of(span): span for span in invoiced}
    if len(standing) != len(invoiced):
        return None
    lines: list[Line] = []
    for entitled in one_time(timeline, catalog, book, until=issue_day, since=since):
        if entitled.customer_id != customer_id:
            return None
        before = standing.pop(key_of(entitled), None)
        if before is None:
            lines.append(charge(entitled))
        elif (
            before.amount_minor != entitled.amount_minor
            or before.quantity != entitled.quantity
            or before.unit_amount != entitled.unit_amount
        ):
            return None
    currency = product.currency or book.currency
    walk = _Plain(timeline.service_id, segment, terms, currency, issue_day, since, standing, lines)
    for price in product.prices:
        if price.recurring and not walk.charge(price):
            return None
    return None if standing else lines


class _Plain:
    """One state, charged at one price after the other."""

    __slots__ = ("currency", "issue_day", "lines", "segment", "service_id", "since", "standing", "terms")

    def __init__(
        self,
        service_id: str,
        segment: Segment,
        terms: CustomerTerms,
        currency: str,
        issue_day: Day,
        since: Day | None,
        standing: dict[Key, InvoicedSpan],
        lines: list[Line],
    ) -> None:
        self.service_id = service_id
        self.segment = segment
        self.terms = terms
        self.currency = currency
        self.issue_day = issue_day
        self.since = since
        self.standing = standing
        self.lines = lines

    def charge(self, price: Price) -> bool:
        """Add the lines of one price and take from `standing` what stands as it should; False if not plain."""
        segment, terms, issue_day = self.segment, self.terms, self.issue_day
        policy = terms.policies[0][1]
        rule = price.proration or policy.proration
        tariff = Tariff.of(
            price,
            segment.own_prices,
            terms.prices.get((segment.product_id, price.price_id), ()),
            segment.activation,
        )
        if rule == "none" or price.interval is None:
            return False
        grid = terms.grid(price.interval, segment.activation)
        first = max(segment.start, segment.charged_from, price.since)
        index = grid.within(first if self.since is None else max(first, self.since), issue_day)
        unit = None
        while index >= 0:
            full_start, full_end = grid.starts[index], grid.ends[index]
            start = max(first, full_start)
            if unit is None or not tariff.constant:
                unit = tariff.on(start, begin=full_start)
                if unit is None or tariff.changes(start, full_end):
                    return False
            due = start if price.timing == "in_advance" else full_end
            part = share(rule, price.interval, full=(full_start, full_end), served=(start, full_end))
            if not self._add(price, rule, unit, part, (full_start, full_end), start, due <= issue_day):
                return False
            index = grid.within(full_end, issue_day)
        return True

    def _add(
        self,
        price: Price,
        rule: Proration,
        unit: UnitAmount,
        part: tuple[int, int],
        full: tuple[Day, Day],
        start: Day,
        due: bool,
    ) -> bool:
        """Add the line of one full period, unless it stands already; False if something else stands."""
        segment = self.segment
        full_start, full_end = full
        rounding = self.terms.policies[0][1].rounding
        amount, numerator, denominator = amount_of(
            unit.amount, segment.quantity, part, self.currency, rounding
        )
        before = None
        if self.standing:
            before = self.standing.pop((segment.product_id, price.price_id, full_start, full_end), None)
        if before is not None:
            return (
                before.amount_minor == amount
                and before.start == start
                and before.end == full_end
                and before.unit_amount == unit.amount
                and before.quantity == segment.quantity
            )
        if due:
            self.lines.append(
                Line(
                    service_id=self.service_id,
                    product_id=segment.product_id,
                    price_id=price.price_id,
                    kind="recurring",
                    quantity=segment.quantity,
                    unit_amount=unit.amount,
                    period_start=start,
                    period_end=full_end,
                    full_start=full_start,
                    full_end=full_end,
                    amount_minor=amount,
                    reverses=None,
                    adjusts=None,
                    result=None,
                    explanation=Explanation(
                        events=segment.causes,
                        price_source=unit.source,
                        price_version=unit.version,
                        rule=rule,
                        served_days=full_end - start,
                        full_days=full_end - full_start,
                        share=part,
                        numerator=numerator,
                        denominator=denominator,
                        rounding=rounding,
                        invoiced_minor=0,
                    ),
                )
            )
        return True
