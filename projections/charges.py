"""Charges: what was and will be charged for each service, as run-rates and single amounts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Cursor

from billing.catalog import Price
from billing.days import ALWAYS, FOREVER, Day, to_date
from billing.entitlement import Entitled, entitle
from billing.money import checked
from billing.timeline import Timeline
from projections import arrays
from projections.books import Books
from projections.session import copy_rows
from projections.tables import ReadModel, Table

LONGEST_DAYS: Final = {"week": 7, "month": 31, "quarter": 92, "half_year": 184, "year": 366}

MODEL: Final = ReadModel(
    "charges",
    (
        Table(
            "run_rates_v1",
            """
            CREATE TABLE run_rates_v1 (
                tenant_id     text COLLATE "C" NOT NULL,
                service_id    text COLLATE "C" NOT NULL,
                ordinal       integer NOT NULL,
                customer_id   text COLLATE "C" NOT NULL,
                product_id    text COLLATE "C" NOT NULL,
                price_id      text COLLATE "C" NOT NULL,
                quantity      text NOT NULL,
                unit_amount   text NOT NULL,
                currency      text NOT NULL,
                amount_minor  bigint NOT NULL,
                "interval"    text NOT NULL,
                timing        text NOT NULL,
                alignment     text NOT NULL,
                anchor_day    integer NOT NULL,
                starts        date NOT NULL,
                ends          date,
                PRIMARY KEY (tenant_id, service_id, ordinal)
            )""",
        ),
        Table(
            "amounts_v1",
            """
            CREATE TABLE amounts_v1 (
                tenant_id     text COLLATE "C" NOT NULL,
                service_id    text COLLATE "C" NOT NULL,
                ordinal       integer NOT NULL,
                customer_id   text COLLATE "C" NOT NULL,
                product_id    text COLLATE "C" NOT NULL,
                price_id      text COLLATE "C" NOT NULL,
                kind          text NOT NULL,
                quantity      text NOT NULL,
                unit_amount   text NOT NULL,
                currency      text NOT NULL,
                amount_minor  bigint NOT NULL,
                period_start  date NOT NULL,
                period_end    date NOT NULL,
                full_start    date,
                full_end      date,
                due           date NOT NULL,
                PRIMARY KEY (tenant_id, service_id, ordinal)
            )""",
        ),
    ),
)

FORGET: Final[LiteralString] = """
    WITH gone AS (
        DELETE FROM run_rates_v1
        WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[]))
    DELETE FROM amounts_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s::text[])"""
COPY_RATES: Final[LiteralString] = """
    COPY run_rates_v1 (tenant_id, service_id, ordinal, customer_id, product_id, price_id, quantity,
        unit_amount, currency, amount_minor, "interval", timing, alignment, anchor_day, starts, ends)
    FROM STDIN (FORMAT BINARY)"""
COPY_AMOUNTS: Final[LiteralString] = """
    COPY amounts_v1 (tenant_id, service_id, ordinal, customer_id, product_id, price_id, kind, quantity,
        unit_amount, currency, amount_minor, period_start, period_end, full_start, full_end, due)
    FROM STDIN (FORMAT BINARY)"""
RATE_TYPES: Final = (
    *("text", "text", "int4", "text", "text", "text", "text", "text"),
    *("text", "int8", "text", "text", "text", "int4", "date", "date"),
)
AMOUNT_TYPES: Final = (
    *("text", "text", "int4", "text", "text", "text", "text", "text", "text"),
    *("text", "int8", "date", "date", "date", "date", "date"),
)
RATES_OF: Final[LiteralString] = """
    SELECT service_id, customer_id, product_id, price_id, quantity, unit_amount, currency, amount_minor,
           "interval", timing, alignment, anchor_day, starts, ends
    FROM run_rates_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s)
    ORDER BY service_id, ordinal"""
AMOUNTS_OF: Final[LiteralString] = """
    SELECT service_id, customer_id, product_id, price_id, kind, quantity, unit_amount, currency, amount_minor,
           period_start, period_end, full_start, full_end, due
    FROM amounts_v1 WHERE tenant_id = %(tenant_id)s AND service_id = ANY(%(services)s)
    ORDER BY service_id, ordinal"""


class RunRate(NamedTuple):
    """The same amount for every full period from `starts` to `ends` (None: open)."""

    service_id: str
    customer_id: str
    product_id: str
    price_id: str
    quantity: str
    unit_amount: str
    currency: str
    amount_minor: int
    interval: str
    timing: str
    alignment: str
    anchor_day: int
    starts: date
    ends: date | None


class Amount(NamedTuple):
    """A part of a full period, or a one-time amount, with the first issue date on which it is due."""

    service_id: str
    customer_id: str
    product_id: str
    price_id: str
    kind: str
    quantity: str
    unit_amount: str
    currency: str
    amount_minor: int
    period_start: date
    period_end: date
    full_start: date | None
    full_end: date | None
    due: date


def schedule(
    timeline: Timeline, product_ids: Collection[str], customer_ids: Collection[str], books: Books
) -> tuple[list[RunRate], list[Amount]]:
    """Return all that is ever charged for a service by the facts in `books`, however far in the future."""
    horizon = _horizon(timeline, product_ids, customer_ids, books)
    prices = {
        (product_id, price.price_id): price
        for product_id in product_ids
        if product_id in books.catalog.products
        for price in books.catalog.products[product_id].prices
    }
    times, longer = (1, 0) if _settled(product_ids, customer_ids, books) else (2, LONGEST_DAYS["year"])
    horizons = {
        key: Day(horizon + times * LONGEST_DAYS[price.interval] + longer)
        for key, price in prices.items()
        if price.interval
    }
    entitled = entitle(timeline, books.catalog, books.book, until=Day(horizon + 1), horizons=horizons)
    rates: list[RunRate] = []
    amounts: list[Amount] = []
    groups: dict[tuple[object, ...], list[Entitled]] = {}
    for item in sorted(entitled, key=_order):
        checked(item.amount_minor, f"price {item.price_id!r}")
        if item.kind == "recurring" and _repeats(item, prices[item.product_id, item.price_id]):
            rate = (item.price_id, item.product_id, item.customer_id, item.unit_amount, item.quantity)
            anchor = _anchor(item, timeline, books)
            groups.setdefault((*rate, item.amount_minor, anchor), []).append(item)
        else:
            amounts.append(_amount(item, books))
    for group in groups.values():
        for run in _runs(group):
            price = prices[run[0].product_id, run[0].price_id]
            rates.append(_run_rate(run, price, timeline, books, is_open=run[-1].start > horizon))
    return rates, amounts


def replace(
    cursor: Cursor[Any],
    tenant_id: str,
    schedules: Mapping[str, tuple[Sequence[RunRate], Sequence[Amount]]],
    *,
    written: Collection[str],
) -> None:
    """Write the rows of services, in the place of those of the ones that were `written` before."""
    if written:
        cursor.execute(FORGET, {"tenant_id": tenant_id, "services": arrays.texts(written)})
    rates: list[tuple[object, ...]] = []
    amounts: list[tuple[object, ...]] = []
    for name, (run_rates, single) in schedules.items():
        rates.extend([(tenant_id, name, n, *rate[1:]) for n, rate in enumerate(run_rates, start=1)])
        amounts.extend([(tenant_id, name, n, *amount[1:]) for n, amount in enumerate(single, start=1)])
    copy_rows(cursor, COPY_RATES, RATE_TYPES, rates)
    copy_rows(cursor, COPY_AMOUNTS, AMOUNT_TYPES, amounts)


def of_services(
    cursor: Cursor[Any], tenant_id: str, service_ids: Collection[str]
) -> tuple[list[RunRate], list[Amount]]:
    """Return the stored schedule of some services."""
    query = {"tenant_id": tenant_id, "services": list(service_ids)}
    rates = [RunRate(*row) for row in cursor.execute(RATES_OF, query).fetchall()]
    return rates, [Amount(*row) for row in cursor.execute(AMOUNTS_OF, query).fetchall()]


def _horizon(
    timeline: Timeline, product_ids: Collection[str], customer_ids: Collection[str], books: Books
) -> Day:
    """Return a day after which nothing about the service changes."""
    days = [Day(1)]
    days.extend(day for s in timeline.segments for day in (s.start, s.end, s.charged_from))
    days.extend(stop.day for stop in timeline.stops)
    days.extend(trigger.day for trigger in timeline.triggers)
    for product_id in product_ids:
        product = books.catalog.products.get(product_id)
        if product is not None:
            days.extend(version.effective for price in product.prices for version in price.versions)
    days.extend(books.last_policy_day(customer_id) for customer_id in customer_ids)
    return max(day for day in days if day < FOREVER)


def _settled(product_ids: Collection[str], customer_ids: Collection[str], books: Books) -> bool:
    """Tell whether a full period is found within one interval of the horizon.

    A change of alignment is followed by the rest of the old period and a part of a new one; a price that
    comes with another product or customer may wait for the end of a year that is not prorated (BILLING.md §1,
    §5).
    """
    terms = [books.book.terms(customer_id) for customer_id in customer_ids]
    dated = any(item is not None and len(item.policies) > 1 for item in terms)
    return len(product_ids) <= 1 and len(customer_ids) <= 1 and not dated


def _order(item: Entitled) -> tuple[object, ...]:
    return (item.price_id, item.product_id, item.customer_id, item.start, item.full_start or ALWAYS)


def _runs(group: list[Entitled]) -> Iterator[list[Entitled]]:
    """Cut full periods at one rate, in order, into runs without a gap."""
    run = [group[0]]
    for item in group[1:]:
        if item.start == run[-1].end:
            run.append(item)
        else:
            yield run
            run = [item]
    yield run


def _currency(product_id: str, books: Books) -> str:
    return books.catalog.products[product_id].currency or books.book.currency


def _repeats(item: Entitled, price: Price) -> bool:
    """Tell whether a span is a full period that is due on a boundary, as every period of a run-rate is."""
    due = item.full_start if price.timing == "in_advance" else item.full_end
    return (item.start, item.end, item.due) == (item.full_start, item.full_end, due)


def _anchor(item: Entitled, timeline: Timeline, books: Books) -> tuple[str, int]:
    """Return the alignment of a full period, and the day of the month on which its boundaries lie."""
    terms = books.book.terms(item.customer_id)
    assert terms is not None, item
    policy = terms.policy(item.start)
    match policy.alignment:
        case "billing_day":
            return policy.alignment, policy.billing_day
        case "anniversary":
            return policy.alignment, to_date(timeline.activation_on(item.start)).day
        case "calendar":
            return policy.alignment, 1


def _run_rate(
    run: list[Entitled], price: Price, timeline: Timeline, books: Books, *, is_open: bool
) -> RunRate:
    first, last = run[0], run[-1]
    assert price.interval is not None, price
    assert price.timing is not None, price
    alignment, anchor_day = _anchor(first, timeline, books)
    return RunRate(
        first.service_id,
        first.customer_id,
        first.product_id,
        first.price_id,
        first.quantity.text,
        first.unit_amount.text,
        _currency(first.product_id, books),
        first.amount_minor,
        price.interval,
        price.timing,
        alignment,
        anchor_day,
        to_date(first.start),
        None if is_open else to_date(last.end),
    )


def _amount(item: Entitled, books: Books) -> Amount:
    return Amount(
        item.service_id,
        item.customer_id,
        item.product_id,
        item.price_id,
        item.kind,
        item.quantity.text,
        item.unit_amount.text,
        _currency(item.product_id, books),
        item.amount_minor,
        to_date(item.start),
        to_date(item.end),
        None if item.full_start is None else to_date(item.full_start),
        None if item.full_end is None else to_date(item.full_end),
        to_date(item.due),
    )
