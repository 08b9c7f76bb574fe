"""The forecast: what is still to be invoiced, by month, product and class, if nothing more is heard."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, Final, Literal

from psycopg import Cursor

from billing.days import Day
from billing.errors import LedgerError
from billing.policies import CustomerTerms, PolicyBook
from ledger.facts import Clock
from projections import accounts, bookmarks, books, customers, outstanding, parking, queue
from projections.billrun import CustomerUnknownError
from projections.books import Shared
from projections.flows import RECURRING
from projections.forecast_sums import TOLD_APART, Asked, Sum, add, of_customers, of_tenant
from projections.issue_months import LATE, By, Key, Placed, Spread, first_of, issue_days
from projections.session import Connect, reading

Class = Literal["running", "scheduled", "ending", "one_time", "corrections", "planned"]
CLASSES: Final[tuple[Class, ...]] = (
    *("running", "scheduled", "ending", "one_time", "corrections"),
    "planned",
)
CLASS_OF: Final[Mapping[str, Class]] = {"recurring": "running", **{name: name for name in CLASSES}}
"""The classes by what the sums call them."""
MONTHS: Final = 12
MOST_MONTHS: Final = 120


class MonthsOutOfRangeError(LedgerError):
    """A forecast is asked for fewer than no months ahead, or for more than ten years."""

    code = "months_out_of_range"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a forecast is asked for: `months` after the present one; empty filters let everything through."""

    months: int = MONTHS
    by: By = "issue"
    customer_id: str | None = None
    product_id: str | None = None
    service_type: str | None = None


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """One amount in minor units: of a month (its first day), a currency, a product and a class."""

    month: date
    currency: str
    product_id: str
    service_type: str
    kind: Class
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ForecastTotal:
    """Amounts of one month, currency and group (None: all) by class, every class named."""

    month: date
    currency: str
    group: str | None
    amounts: Mapping[Class, int]

    @property
    def net_minor(self) -> int:
        """What the invoices come to; what is only planned is no part of it."""
        return sum(amount for kind, amount in self.amounts.items() if kind != "planned")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is still to be invoiced, as known at a seq; amounts in minor units, currencies never mixed.

    `rows` are sorted, none of them zero, and may begin before `first_month` where billing days were missed or
    where, by service month, something of the past is still open. `pending` services wait on the work queue
    and are in it as they were before. What the `parked_customers` hold is left out: they are not billed
    meanwhile.
    """

    tenant_id: str
    computed_at_seq: int
    today: date
    by: By
    first_month: date
    last_month: date
    rows: tuple[ForecastRow, ...]
    pending: int
    parked_customers: int

    def totals(self) -> tuple[ForecastTotal, ...]:
        """Return one total a month and currency, months in which nothing falls included."""
        return tuple(self._totals(lambda _: None, self._months()))

    def by_product(self) -> tuple[ForecastTotal, ...]:
        """Return one total a month, currency and product in which something falls."""
        return tuple(self._totals(lambda row: row.product_id, ()))

    def by_service_type(self) -> tuple[ForecastTotal, ...]:
        """Return one total a month, currency and service type in which something falls."""
        return tuple(self._totals(lambda row: row.service_type, ()))

    def _months(self) -> Iterator[date]:
        month, last = (on.year * 12 + on.month - 1 for on in (self.first_month, self.last_month))
        yield from (first_of(number) for number in range(month, last + 1))

    def _totals(
        self, group_of: "GroupOf", months: Collection[date] | Iterator[date]
    ) -> Iterator[ForecastTotal]:
        found: dict[tuple[str, str | None, date], dict[Class, int]] = {}
        currencies = sorted({row.currency for row in self.rows})
        for month in months:
            for currency in currencies:
                found[currency, None, month] = dict.fromkeys(CLASSES, 0)
        for row in self.rows:
            key = (row.currency, group_of(row), row.month)
            amounts = found.setdefault(key, dict.fromkeys(CLASSES, 0))
            amounts[row.kind] += row.amount_minor
        for currency, group, month in sorted(found, key=lambda key: (key[0], key[1] or "", key[2])):
            yield ForecastTotal(month, currency, group, found[currency, group, month])


GroupOf = Callable[[ForecastRow], str | None]


def forecast(connect: Connect, tenant_id: str, asking: Asking, *, clock: Clock) -> Forecast:
    """Return the forecast of a tenant, or of one of its customers, from the present month on.

    Every amount stands in the month of the invoice that will carry it, were every run made on its day; by
    service month, in the month in which its full period begins, a one-time amount in that of its day. What
    was due by the last run stands as correction: late facts, and days that were invoiced differently. Raises
    CustomerUnknownError, MonthsOutOfRangeError.
    """
    with connect() as connection, reading(connection, tenant_id) as cursor:
        return read(cursor, tenant_id, asking, clock=clock)


def read(
    cursor: Cursor[Any], tenant_id: str, asking: Asking, *, clock: Clock, known: Shared | None = None
) -> Forecast:
    """Return the forecast in a transaction that reads the tenant; `known` spares reading the catalog."""
    if not 0 <= asking.months <= MOST_MONTHS:
        raise MonthsOutOfRangeError(f"{asking.months} months: ask for 0 to {MOST_MONTHS} months ahead")
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark, known)
    if asking.customer_id is not None and not customers.of_customers(cursor, tenant_id, [asking.customer_id]):
        raise CustomerUnknownError(f"tenant {tenant_id!r} has no customer {asking.customer_id!r}")
    today = clock().astimezone(books.zone_of_tenant(common.tenant_events)).date()
    present = today.year * 12 + today.month - 1
    held_up = parking.held_up(parking.parked(cursor, tenant_id))
    amounts: Mapping[Key, int] = {}
    if common.tenant_events and asking.customer_id not in held_up:
        amounts = _amounts(cursor, common, asking, held_up, today, present + asking.months)
    products = common.known.catalog.products
    rows = (
        ForecastRow(
            first_of(month),
            currency,
            product_id,
            products[product_id].service_type if product_id in products else "",
            CLASS_OF[kind],
            amount,
        )
        for (month, currency, product_id, kind), amount in amounts.items()
        if amount
    )
    return Forecast(
        tenant_id,
        bookmark.seq,
        today,
        asking.by,
        first_of(present),
        first_of(present + asking.months),
        tuple(sorted(rows, key=_order)),
        _pending(cursor, tenant_id, asking.customer_id),
        len(held_up) if asking.customer_id is None else int(asking.customer_id in held_up),
    )


def _order(row: ForecastRow) -> tuple[object, ...]:
    return row.month, row.currency, row.product_id, CLASSES.index(row.kind)


def _amounts(
    cursor: Cursor[Any],
    common: Shared,
    asking: Asking,
    held_up: Collection[str],
    today: date,
    last_month: int,
) -> dict[Key, int]:
    tenant_id = common.tenant_id
    book = books.folded(common, {}).book
    usual, apart = accounts.done_apart(cursor, tenant_id, book.zone, asking.customer_id)
    if usual is None:
        return {}
    done = {name: Day(day.toordinal()) for name, day in apart.items() if name not in held_up}
    usual_done = Day(usual.toordinal())
    if asking.customer_id is not None:
        done.setdefault(asking.customer_id, usual_done)
    settled = min([usual_done, *done.values()])
    asked = Asked(tenant_id, today, last_month, asking.by, _products(common, asking))
    calendars = _Calendars(book, last_month, asking.by)
    theirs = of_customers(cursor, asked, settled, done) if done else []
    if asking.customer_id is not None:
        return _summed(calendars.laid(theirs, settled))
    issued_on = {
        calendar: issue_days(calendars.terms(calendar), usual_done, last_month)
        for calendar in outstanding.all_calendars(cursor, tenant_id)
    }
    left_out = of_customers(cursor, asked, usual_done, dict.fromkeys(held_up, usual_done)) if held_up else []
    sums = of_tenant(cursor, asked, usual_done, issued_on)
    told_apart = calendars.laid(sums.told_apart, usual_done, usual_done)
    return _summed(
        _moved_apart(sums.once),
        calendars.laid(sums.repeated, usual_done, usual_done),
        _moved_apart((key, amount) for key, amount in told_apart if key[3] != LATE),
        # In the totals is also who is held up, and as if done through the usual day who is through another.
        ((key, -amount) for key, amount in calendars.laid(left_out, usual_done)),
        calendars.laid(theirs, settled),
        ((key, -amount) for key, amount in calendars.laid(theirs, settled, usual_done)),
    )


@dataclass(frozen=True, slots=True)
class _Calendars:
    """Lays sums on months, by the billing days of their calendars and as far as a month."""

    book: PolicyBook
    last_month: int
    by: By

    def terms(self, calendar: str) -> CustomerTerms:
        """Return the terms of customers who have a calendar."""
        return self.book.terms_with(outstanding.billing_days(calendar))

    def laid(self, sums: Iterable[Sum], settled: Day, done: Day | None = None) -> Iterator[Placed]:
        """Yield amounts by month, as if everybody were done through a day (None: each through their own)."""
        grouped: dict[tuple[str, int], list[Sum]] = defaultdict(list)
        for item in sums:
            day = item.done if done is None else done
            assert day is not None, item
            grouped[item.calendar, day].append(item)
        for (calendar, day), items in grouped.items():
            spread = Spread(self.terms(calendar), Day(day), last_month=self.last_month, by=self.by)
            add(spread, items, settled)
            yield from spread.amounts.items()


def _moved_apart(amounts: Iterable[Placed]) -> Iterator[Placed]:
    """Take what is scheduled or ending, and is in what is recurring, out of that."""
    for key, amount in amounts:
        yield key, amount
        month, currency, product_id, kind = key
        if kind in TOLD_APART:
            yield (month, currency, product_id, RECURRING), -amount


def _summed(*parts: Iterable[Placed]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for key, amount in chain.from_iterable(parts):
        found[key] = found.get(key, 0) + amount
    return found


def _products(common: Shared, asking: Asking) -> list[str] | None:
    """Return the products that the filters let through; None for all."""
    if asking.product_id is None and asking.service_type is None:
        return None
    return [
        name
        for name, product in common.known.catalog.products.items()
        if asking.product_id in (None, name) and asking.service_type in (None, product.service_type)
    ]


def _pending(cursor: Cursor[Any], tenant_id: str, customer_id: str | None) -> int:
    if customer_id is None:
        return queue.pending_of(cursor, tenant_id)
    return queue.pending_of_customer(cursor, tenant_id, customer_id)
