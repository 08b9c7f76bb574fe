"""Entitled: what the facts known now say should be charged, ever (BILLING.md §3 to §6)."""

from collections.abc import Iterator, Mapping, Sequence
from math import gcd
from typing import NamedTuple

from billing.catalog import Catalog, Price
from billing.days import ALWAYS, Day
from billing.facts import Anomaly
from billing.line import Explanation, Kind
from billing.money import Exact, Rounding, minor_digits, rounded
from billing.policies import CustomerTerms, PolicyBook
from billing.proration import share
from billing.rates import Tariff
from billing.segments import Segment, Trigger
from billing.spans import Span, Walk, maximal
from billing.states import State, states
from billing.timeline import Timeline


class Entitled(NamedTuple):
    """One span of a full period at one rate, or a one-time amount (`full` days None, one day long)."""

    service_id: str
    customer_id: str
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
    due: Day  # the first issue date on which it is due
    explanation: Explanation


def entitle(
    timeline: Timeline,
    catalog: Catalog,
    book: PolicyBook,
    *,
    until: Day,
    since: Day | None = None,
    horizons: Mapping[tuple[str, str], Day] | None = None,
) -> tuple[Entitled, ...]:
    """Return all spans of the full periods that begin by `until`, and the one-time amounts till then.

    Full periods that ended by `since` are left out. `horizons` moves `until` for a (product, price), so that
    what was invoiced can be compared with what is entitled though not yet due. Unknown customers and products
    are charged nothing (see `not_ratable`).
    """
    found = list(one_time(timeline, catalog, book, until=until, since=since))
    for product_id, price, spans in _recurring(timeline, catalog, book, until, since, horizons or {}):
        currency = catalog.products[product_id].currency or book.currency
        found.extend(_rated(timeline.service_id, product_id, price, spans, currency))
    return tuple(found)


def not_ratable(timeline: Timeline, catalog: Catalog, book: PolicyBook) -> tuple[Anomaly, ...]:
    """Return what keeps parts of a service from being charged: customers and products that are not known."""
    found: dict[str, Anomaly] = {}
    for segment in timeline.segments:
        ref = segment.causes[0]
        if book.terms(segment.customer_id) is None:
            detail = f"customer {segment.customer_id} is not known"
            found[detail] = Anomaly(ref, "unknown_customer", detail)
        if segment.product_id not in catalog.products:
            detail = f"product {segment.product_id} is not known"
            found[detail] = Anomaly(ref, "unknown_product", detail)
    return tuple(found.values())


def one_time(
    timeline: Timeline, catalog: Catalog, book: PolicyBook, *, until: Day, since: Day | None
) -> Iterator[Entitled]:
    """Yield what triggers cost: once per (price, day), the last of several triggers on a day."""
    charged: dict[tuple[str, str, Day], Entitled | None] = {}
    for trigger in timeline.triggers:
        product = catalog.products.get(trigger.product_id)
        terms = book.terms(trigger.customer_id)
        if trigger.day > until or (since is not None and trigger.day < since):
            continue
        if product is None or terms is None:
            continue
        for price in product.prices:
            if price.trigger == trigger.kind and trigger.day >= price.since:
                key = (product.product_id, price.price_id, trigger.day)
                currency = product.currency or book.currency
                charged[key] = _triggered(timeline.service_id, trigger, price, terms, currency)
    for entitled in charged.values():
        if entitled is not None:
            yield entitled


def _triggered(
    service_id: str, trigger: Trigger, price: Price, terms: CustomerTerms, currency: str
) -> Entitled | None:
    customer = terms.prices.get((trigger.product_id, price.price_id), ())
    tariff = Tariff.of(price, trigger.own_prices, customer, trigger.activation)
    unit = tariff.on(trigger.day, begin=trigger.day)
    if unit is None or trigger.quantity.scaled == 0:
        return None
    rounding = terms.policy(trigger.day).rounding
    amount, numerator, denominator = amount_of(unit.amount, trigger.quantity, (1, 1), currency, rounding)
    return Entitled(
        service_id=service_id,
        customer_id=trigger.customer_id,
        product_id=trigger.product_id,
        price_id=price.price_id,
        kind="one_time",
        quantity=trigger.quantity,
        unit_amount=unit.amount,
        full_start=None,
        full_end=None,
        start=trigger.day,
        end=Day(trigger.day + 1),
        amount_minor=amount,
        due=trigger.day,
        explanation=Explanation(
            events=trigger.causes,
            price_source=unit.source,
            price_version=unit.version,
            rule="one_time",
            served_days=1,
            full_days=1,
            share=(1, 1),
            numerator=numerator,
            denominator=denominator,
            rounding=rounding,
            invoiced_minor=0,
        ),
    )


def _recurring(
    timeline: Timeline,
    catalog: Catalog,
    book: PolicyBook,
    until: Day,
    since: Day | None,
    horizons: Mapping[tuple[str, str], Day],
) -> Iterator[tuple[str, Price, list[Span]]]:
    """Yield product, price and spans, product after product as the service had them."""
    limit = max(until, *horizons.values()) if horizons else until
    replaced: list[tuple[Walk, Segment]] = []
    found: dict[tuple[str, str], tuple[Price, list[Span]]] = {}
    held = states(timeline)
    for first, last in _runs(held):
        product_id = held[first].segment.product_id
        product = catalog.products.get(product_id)
        walks: list[tuple[Walk, Segment]] = []
        for price in product.prices if product else ():
            if not price.recurring:
                continue
            key = (product_id, price.price_id)
            until_here = max(until, horizons.get(key, until))
            walk = Walk(book, product_id, price, until=until_here, limit=limit, hold=ALWAYS, since=since)
            walk.hold = _ready(walk, held[first].segment, replaced)
            found.setdefault(key, (price, []))[1].extend(walk.run(held, first, last))
            walks.append((walk, held[last - 1].segment))
        replaced = walks
    for (product_id, _), (price, spans) in found.items():
        yield product_id, price, spans


def _runs(held: Sequence[State]) -> Iterator[tuple[int, int]]:
    """Yield [first, last) of the states that follow each other with one product."""
    first = 0
    for index, state in enumerate(held):
        if state.segment.product_id != held[first].segment.product_id:
            yield first, index
            first = index
    if held:
        yield first, len(held)


def _ready(walk: Walk, entry: Segment, replaced: Sequence[tuple[Walk, Segment]]) -> Day:
    """Return the day from which a price is charged that comes with another product.

    It waits until the running period of the price that it replaces has ended, where that one is not prorated:
    the one of the same interval; without such a partner, the one whose period ends first (BILLING.md §5).
    Of several that end on one day, one that is not prorated counts: its period is paid for until then.
    """
    if not replaced or (entry.activation != replaced[0][1].activation and walk.starts_anew(entry)):
        return ALWAYS
    partners = [before for before, _ in replaced if before.price.interval == walk.price.interval]
    if partners:
        named = [before for before in partners if before.price.price_id == walk.price.price_id]
        return max(before.hold for before in named or partners)
    ends = [(before.period_end(last, entry.start), before.hold) for before, last in replaced]
    first = min(ends)[0]
    return max(hold for end, hold in ends if end == first)


def _rated(
    service_id: str, product_id: str, price: Price, spans: Sequence[Span], currency: str
) -> Iterator[Entitled]:
    """Yield what maximal spans cost. Days at quantity 0 make no line, but count for dueness."""
    first_days: dict[tuple[str, Day, Day], Day] = {}
    for span in spans:
        key = (span.customer_id, span.full_start, span.full_end)
        first_days[key] = min(first_days.get(key, span.start), span.start)
    for span in maximal(spans):
        if span.quantity.scaled == 0:
            continue
        assert price.interval is not None, "only recurring prices have spans"
        if price.timing == "in_advance":
            due = max(span.begin, first_days[span.customer_id, span.full_start, span.full_end])
        else:
            due = min(span.full_end, span.ended_on)
        full, served = (span.full_start, span.full_end), (span.start, span.end)
        part = share(span.rule, price.interval, full=full, served=served)
        amount, numerator, denominator = amount_of(
            span.unit.amount, span.quantity, part, currency, span.rounding
        )
        yield Entitled(
            service_id=service_id,
            customer_id=span.customer_id,
            product_id=product_id,
            price_id=price.price_id,
            kind="recurring",
            quantity=span.quantity,
            unit_amount=span.unit.amount,
            full_start=span.full_start,
            full_end=span.full_end,
            start=span.start,
            end=span.end,
            amount_minor=amount,
            due=due,
            explanation=Explanation(
                events=span.causes,
                price_source=span.unit.source,
                price_version=span.unit.version,
                rule=span.rule,
                served_days=span.end - span.start,
                full_days=span.full_end - span.full_start,
                share=part,
                numerator=numerator,
                denominator=denominator,
                rounding=span.rounding,
                invoiced_minor=0,
                charged_from=span.start if span.start == span.charged_from else None,
            ),
        )


def amount_of(
    unit: Exact, quantity: Exact, part: tuple[int, int], currency: str, rounding: Rounding
) -> tuple[int, int, int]:
    """Return minor units, and the exact fraction of minor units before it was rounded, in lowest terms."""
    numerator = unit.scaled * quantity.scaled * part[0]
    denominator = part[1]
    shift = minor_digits(currency) - unit.scale - quantity.scale
    if shift >= 0:
        numerator *= 10**shift
    else:
        denominator *= 10**-shift
    if denominator == 1:
        return numerator, numerator, 1
    divisor = gcd(numerator, denominator)
    numerator, denominator = numerator // divisor, denominator // divisor
    return rounded(numerator, denominator, rounding), numerator, denominator
