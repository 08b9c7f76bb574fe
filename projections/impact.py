"""What a price or a policy would move, before it is heard: the next invoices with it and without it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from heapq import nlargest
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.days import Day, to_date
from billing.errors import LedgerError
from billing.facts import effective_of
from ledger.facts import Clock
from projections import bookmarks, books, catalog, customers, drafting, due, services
from projections.billrun import CustomerUnknownError
from projections.books import Books, Shared
from projections.drafting import Snapshot
from projections.facts import CloudEvent
from projections.preview import PreviewedInvoice, previewed

CHUNK_CUSTOMERS: Final = 200
MOST_SHOWN: Final = 20
FARTHEST: Final = timedelta(days=400)
"""So far ahead are invoices computed where a fact counts only later."""
LONGEST_DAYS: Final = {"week": 7, "month": 31, "quarter": 92, "half_year": 184, "year": 366}
"""The most days that a full period has."""

HOLD: Final[LiteralString] = """
    SELECT DISTINCT customer_id FROM services_v1
    WHERE tenant_id = %(tenant_id)s AND %(product_id)s = ANY(product_ids)"""
ProgressBar = Callable[[int, int], None]


class PriceUnknownError(LedgerError):
    """A new amount of a price that no fact publishes."""

    code = "price_unknown"


@dataclass(frozen=True, slots=True)
class Moved:
    """A customer's next invoices in one currency, in minor units; `days` are theirs with the fact."""

    customer_id: str
    currency: str
    days: tuple[date, ...]
    before_minor: int
    after_minor: int
    services: int

    @property
    def difference_minor(self) -> int:
        """What the fact adds to them."""
        return self.after_minor - self.before_minor


@dataclass(slots=True)
class Total:
    """All moved invoices of one currency, in minor units."""

    customers: int = 0
    before_minor: int = 0
    after_minor: int = 0


@dataclass(slots=True)
class Impact:
    """What a fact would move on the invoices till the first one that it can reach.

    `asked`: customers that were computed. `largest` are those moved most; `set_aside` could not be computed.
    `reaches_running`: there are customers whose running services it reaches, be it on invoices after `until`.
    """

    seq: int
    effective: date
    is_past: bool
    until: date
    asked: int = 0
    customers: int = 0
    services: int = 0
    totals: dict[str, Total] = field(default_factory=dict)
    largest: list[Moved] = field(default_factory=list)
    reaches_running: bool = False
    set_aside: dict[str, str] = field(default_factory=dict)

    @property
    def must_be_confirmed(self) -> bool:
        """Whether it counts from a day that has passed, or moves running services, now or later."""
        return self.is_past or self.customers > 0 or self.reaches_running or bool(self.set_aside)


def impact(
    cursor: Cursor[Any],
    tenant_id: str,
    event: CloudEvent,
    *,
    clock: Clock,
    progress: ProgressBar | None = None,
) -> Impact:
    """Return what `price.published`, `customer.changed` or `tenant.configured` would move if heard now.

    Computed for the read models as they stand in the transaction of `cursor`: bring them to the head before.
    Every amount is that of the one calculation. Raises PriceUnknownError, CustomerUnknownError.
    """
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    amended = _Amended(common, event, bookmark.seq + 1)
    zone = books.books(cursor, common, (), bookmark.seq).book.zone
    today = clock().astimezone(zone).date()
    effective = _day_of(event, zone)
    until = max(today, min(effective - timedelta(days=1), today + FARTHEST))
    found = Impact(bookmark.seq, effective, effective < today, until)
    done = due.done_through(cursor, common, bookmark.seq)
    names = _reached(cursor, tenant_id, event)
    begin = {
        item.customer_id: day for item, day in done.items() if names is None or item.customer_id in names
    }
    wanted = sorted(begin)
    for start in range(0, len(wanted), CHUNK_CUSTOMERS):
        chunk = wanted[start : start + CHUNK_CUSTOMERS]
        _look(cursor, tenant_id, amended, {name: begin[name] for name in chunk}, found)
        if progress is not None:
            progress(min(start + CHUNK_CUSTOMERS, len(wanted)), len(wanted))
    found.reaches_running = found.asked > 0 and amended.reaches_running
    return found


class _Amended:
    """Makes books as they would be with one more fact."""

    def __init__(self, common: Shared, event: CloudEvent, seq: int) -> None:
        self.common = common
        self._customer = event["data"]["customer_id"] if event["type"].startswith("customer.") else None
        self._heard = (event, seq)
        data = event["data"]
        self._price = (data["product_id"], data["price_id"]) if event["type"] == "price.published" else None
        self.reaches_running: bool = data.get("applies") != "new_services"
        self._before: Books | None = None
        self._shared = self._with_fact(common, event, seq)

    @property
    def before(self) -> Books:
        """The last books that were amended, as they are without the fact."""
        assert self._before is not None, "asked before a snapshot was read"
        return self._before

    def is_about(self, product_id: str, price_id: str) -> bool:
        """Tell whether the fact can change what a price costs; a policy can do so with any."""
        return self._price in (None, (product_id, price_id))

    def books(self, known: Books) -> Books:
        """Return the books with the fact, and keep `known`."""
        self._before = known
        events = known.customer_events
        if self._customer is not None and self._customer in events:
            events = {**events, self._customer: [*events[self._customer], self._heard]}
        return books.folded(self._shared, events)

    def _with_fact(self, common: Shared, event: CloudEvent, seq: int) -> Shared:
        if event["type"] == "tenant.configured":
            return replace(common, tenant_seq=seq, tenant_events=(*common.tenant_events, (event, seq)))
        if event["type"] != "price.published":
            return common
        product_id, price_id = event["data"]["product_id"], event["data"]["price_id"]
        product = common.known.catalog.products.get(product_id)
        if product is None or all(price.price_id != price_id for price in product.prices):
            raise PriceUnknownError(
                f"tenant {common.tenant_id!r} has no price {price_id!r} of a product {product_id!r}; "
                "publish it with product.published"
            )
        events = {**common.known.events, product_id: [*common.known.events[product_id], (event, seq)]}
        zone = books.zone_of_tenant(common.tenant_events)
        return replace(common, catalog_seq=seq, known=catalog.known(events, zone))


def _reached(cursor: Cursor[Any], tenant_id: str, event: CloudEvent) -> Collection[str] | None:
    """Return the customers whose invoices the fact can move; None: any."""
    data = event["data"]
    if event["type"] == "price.published":
        query = {"tenant_id": tenant_id, "product_id": data["product_id"]}
        return {name for (name,) in cursor.execute(HOLD, query).fetchall()}
    if event["type"] == "tenant.configured":
        return None
    items = services.held_by(cursor, tenant_id, [data["customer_id"]], parsed=True)
    return {data["customer_id"], *services.holders(items)}


def _look(
    cursor: Cursor[Any], tenant_id: str, amended: _Amended, begin: Mapping[str, Day], found: Impact
) -> None:
    """Compute the next invoices of some customers twice, and add the difference."""
    after = drafting.snapshot(cursor, tenant_id, list(begin), amended.common, amend=amended.books)
    before = replace(after, books=amended.before)
    until = Day(found.until.toordinal())
    for name, done in begin.items():
        found.asked += 1
        try:
            moved: list[Moved] = []
            for last in (until, *(Day(until + more) for more in _farther(after, name, found, amended))):
                now, then = _next(before, after, name, done, last)
                moved = list(_compared(name, *(_until_moved(now, then) if last > until else (now, then))))
                if moved:
                    break
        except Exception as error:  # noqa: BLE001 - one bad customer is reported, the others are shown
            found.set_aside[name] = f"{type(error).__name__}: {error}"
            continue
        for item in moved:
            total = found.totals.setdefault(item.currency, Total())
            total.customers += 1
            total.before_minor += item.before_minor
            total.after_minor += item.after_minor
        found.customers += bool(moved)
        found.services += max((item.services for item in moved), default=0)
        found.largest = nlargest(
            MOST_SHOWN,
            [*found.largest, *moved],
            key=lambda item: (abs(item.difference_minor), item.customer_id),
        )


def _farther(read: Snapshot, customer_id: str, found: Impact, amended: _Amended) -> list[int]:
    """Return how many days more to look, step by step, where no invoice is moved yet.

    A period that has begun may keep what it had: the fact then reaches the next one, which may be the one
    after the longest interval; in arrears it is due when it ends.
    """
    if not amended.reaches_running or found.until < found.effective - timedelta(days=1):
        return []
    running = {
        segment.product_id
        for item in read.held.get(customer_id, ())
        for segment in services.timeline_of(item).segments
        if segment.end > found.until.toordinal()
    }
    days = {
        LONGEST_DAYS[price.interval] * (2 if price.timing == "in_arrears" else 1)
        for product_id in running & read.books.catalog.products.keys()
        for price in read.books.catalog.products[product_id].prices
        if price.interval is not None and amended.is_about(product_id, price.price_id)
    }
    return sorted(days)


def _next(
    before: Snapshot, after: Snapshot, customer_id: str, done: Day, until: Day
) -> tuple[list[PreviewedInvoice], list[PreviewedInvoice]]:
    """Return the invoices without the fact and with it, till `until` and the next one.

    Where the fact moves the day of the next one and nothing is due on it, the one after it, too: else a
    month would be missing on one side that only comes on another day.
    """
    sides = [list(previewed(read, customer_id, done, until)) for read in (before, after)]
    days = []
    for read in (before, after):
        terms = read.books.book.terms(customer_id)
        days.append(until if terms is None else due.next_billing_day(terms, until))
    if days[0] != days[1]:
        for place, read in enumerate((before, after)):
            if not any(item.lines and item.due_for.toordinal() > until for item in sides[place]):
                sides[place] = list(previewed(read, customer_id, done, days[place]))
    return sides[0], sides[1]


def _until_moved(
    now: Collection[PreviewedInvoice], then: Collection[PreviewedInvoice]
) -> tuple[list[PreviewedInvoice], list[PreviewedInvoice]]:
    """Return the invoices of both sides up to the first day on which they differ."""
    sums = [_by_service(now), _by_service(then)]
    days = {day for one in sums for name, day in one if sums[0].get((name, day)) != sums[1].get((name, day))}
    first = min(days, default=date.max)
    kept = [[item for item in some if item.due_for <= first] for some in (now, then)]
    return kept[0], kept[1]


def _compared(
    customer_id: str, now: Collection[PreviewedInvoice], then: Collection[PreviewedInvoice]
) -> Iterator[Moved]:
    """Yield what differs, by currency: the sum of the invoices, or only what some service is charged."""
    for currency in sorted({item.currency for item in (*now, *then)}):
        before, after = ([item for item in some if item.currency == currency] for some in (now, then))
        sums = [_by_service(before), _by_service(after)]
        differing = {name for one in sums for name in one if sums[0].get(name) != sums[1].get(name)}
        if differing:
            days = tuple(item.due_for for item in after if item.lines)
            yield Moved(
                customer_id,
                currency,
                days,
                sum(item.net_minor for item in before),
                sum(item.net_minor for item in after),
                len({service_id for service_id, _ in differing}),
            )


def _by_service(invoices: Collection[PreviewedInvoice]) -> dict[tuple[str, date], int]:
    """Return what each service is charged, by issue date; 0 is left out."""
    sums: dict[tuple[str, date], int] = {}
    for item in invoices:
        for line in item.lines:
            key = (line.service_id, item.due_for)
            sums[key] = sums.get(key, 0) + line.amount_minor
    return {key: amount for key, amount in sums.items() if amount}


def _day_of(event: CloudEvent, zone: Any) -> date:
    effective = effective_of(event["data"]["effective"])
    return effective.astimezone(zone).date() if isinstance(effective, datetime) else to_date(effective)


def tenant_constants(cursor: Cursor[Any], tenant_id: str) -> dict[str, Any]:
    """Return what every `tenant.configured` of a tenant repeats: its name, currency and time zone."""
    common = books.shared(cursor, tenant_id, bookmarks.read(cursor, tenant_id))
    opening = common.tenant_events[0][0]["data"]
    name = customers.party(common.tenant_events, date.max, ("name",))["name"]
    constants = {key: opening[key] for key in ("currency", "timezone")}
    return {"tenant_id": tenant_id, "name": name, **constants}


def check_customer(cursor: Cursor[Any], tenant_id: str, customer_id: str) -> None:
    """Raise CustomerUnknownError where no fact registers the customer."""
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    if books.books(cursor, common, [customer_id], bookmark.seq).book.terms(customer_id) is None:
        raise CustomerUnknownError(f"tenant {tenant_id!r} has no customer {customer_id!r}")
