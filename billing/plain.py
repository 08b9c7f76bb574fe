"""The plain case, quickly: one open state, one unit amount, and all that was invoiced is still entitled.

Most services on most issue dates are like this. The result is what entitlement and reconciliation give, a
test holds the two against each other; whatever is not plain is left to them.
"""

from collections.abc import Sequence

from billing.catalog import Catalog, Price, Proration
from billing.days import FOREVER, Day
from billing.entitlement import Entitled, amount_of, one_time
from billing.invoiced import InvoicedSpan
from billing.line import Explanation, Line
from billing.policies import CustomerTerms, PolicyBook
from billing.proration import WHOLE, share
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
    segment = _open_state(timeline, customer_id)
    if segment is None:
        return None
    product, terms = catalog.products.get(segment.product_id), book.terms(customer_id)
    standing = {key_of(span): span for span in invoiced}
    if product is None or terms is None or len(terms.policies) != 1 or len(standing) != len(invoiced):
        return None
    lines: list[Line] = []
    for entitled in one_time(timeline, catalog, book, until=issue_day, since=since):
        before = standing.pop(key_of(entitled), None)
        if entitled.customer_id != customer_id or (before is not None and not _stands(before, entitled)):
            return None
        if before is None:
            lines.append(charge(entitled))
    currency = product.currency or book.currency
    walk = _Plain(timeline.service_id, segment, terms, currency, issue_day, since, standing, lines)
    plain = all(walk.charge(price) for price in product.prices if price.recurring)
    return lines if plain and not standing else None


def _open_state(timeline: Timeline, customer_id: str) -> Segment | None:
    """Return the only state that the service ever had, if it is active for that customer and has no end."""
    if len(timeline.segments) != 1 or timeline.stops:
        return None
    segment = timeline.segments[0]
    if segment.end != FOREVER or segment.suspended or segment.customer_id != customer_id:
        return None
    return segment if segment.quantity.scaled else None


def _stands(before: InvoicedSpan, entitled: Entitled) -> bool:
    """Tell whether a one-time amount was invoiced as it is entitled."""
    return (
        before.amount_minor == entitled.amount_minor
        and before.unit_amount == entitled.unit_amount
        and before.quantity == entitled.quantity
    )


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
        """Add the lines of a price, take what stands as it should out of `standing`; False if not plain."""
        segment, terms, issue_day = self.segment, self.terms, self.issue_day
        rule = price.proration or terms.policies[0][1].proration
        if price.interval == "week":
            rule = "actual"
        if rule == "none" or price.interval is None:
            return False
        customer_prices = terms.prices.get((segment.product_id, price.price_id), ()) if terms.prices else ()
        tariff = Tariff.of(price, segment.own_prices, customer_prices, segment.activation)
        first = max(segment.start, segment.charged_from, price.since)
        unit = tariff.on(first, begin=first) if tariff.constant else None
        grid = terms.grid(price.interval, segment.activation)
        index = grid.within(first if self.since is None else max(first, self.since), issue_day)
        while index >= 0:
            start, full_end = grid.starts[index], grid.ends[index]
            full = (start, full_end)
            start = max(start, first)
            if not tariff.constant:
                unit = tariff.on(start, begin=full[0])
                if tariff.changes(start, full_end):
                    return False
            if unit is None or not self._compare(price, rule, unit, full, start):
                return False
            index = grid.following(index, issue_day)
        return True

    def _compare(
        self, price: Price, rule: Proration, unit: UnitAmount, full: tuple[Day, Day], start: Day
    ) -> bool:
        """Add the line of one full period if it is due and nothing stands; False if something else stands."""
        segment = self.segment
        assert price.interval is not None, "a recurring price has an interval"
        full_start, full_end = full
        part = (
            WHOLE if start == full_start else share(rule, price.interval, full=full, served=(start, full_end))
        )
        rounding = self.terms.policies[0][1].rounding
        amount, numerator, denominator = amount_of(
            unit.amount, segment.quantity, part, self.currency, rounding
        )
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
        if (start if price.timing == "in_advance" else full_end) > self.issue_day:
            return True
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
                    charged_from=start if start == segment.charged_from else None,
                ),
            )
        )
        return True
