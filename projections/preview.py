"""The next invoices, as they would be issued if nothing more were heard; what is planned is told apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from psycopg import Cursor

from billing.account_credit import Settlement
from billing.days import ALWAYS, Day, to_date
from billing.entitlement import Entitled, entitle
from billing.invoice import Draft
from billing.line import Line
from billing.plans import activated_in_turn
from billing.timeline import Timeline
from ledger.facts import Clock
from projections import bookmarks, books, drafting, due, services
from projections.books import Books
from projections.drafting import Snapshot
from projections.session import Connect, reading

CHUNK_CUSTOMERS: Final = 200


@dataclass(frozen=True, slots=True)
class PlannedCharge:
    """What a scheduled service would be charged on an invoice, were it activated as planned."""

    customer_id: str
    service_id: str
    product_id: str
    price_id: str
    currency: str
    period_start: date
    period_end: date
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PreviewedInvoice:
    """A draft: no number, not issued. Amounts in minor units; `planned` is not part of `net_minor`.

    `settlement` says what the account's credit does to it; None where everything is planned.
    """

    customer_id: str
    due_for: date
    currency: str
    net_minor: int
    lines: tuple[Line, ...]
    planned: tuple[PlannedCharge, ...]
    settlement: Settlement | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The next invoices of customers as known at a seq, and the customers for whom none can be told."""

    tenant_id: str
    computed_at_seq: int
    invoices: tuple[PreviewedInvoice, ...]
    set_aside: dict[str, str]


def preview(connect: Connect, tenant_id: str, *, clock: Clock, customer_id: str | None = None) -> Preview:
    """Return the drafts of every missed billing day and of the next one, for one customer or for all.

    Days missed till today come first, as the next run would bill them. Equal to what the runs of those days
    issue if nothing is heard in between, but for what is `planned` (BILLING.md §7 d); so whom they would set
    aside has none.
    """
    with connect() as connection, reading(connection, tenant_id) as cursor:
        return seen(cursor, tenant_id, clock=clock, customer_id=customer_id)


def seen(cursor: Cursor[Any], tenant_id: str, *, clock: Clock, customer_id: str | None = None) -> Preview:
    """Return the same within a transaction that sees the tenant (`reading`)."""
    invoices: list[PreviewedInvoice] = []
    set_aside: dict[str, str] = {}
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    done = {
        item.customer_id: day
        for item, day in due.done_through(cursor, common, bookmark.seq, customer_id).items()
    }
    names = list(done)
    for start in range(0, len(names), CHUNK_CUSTOMERS):
        chunk = names[start : start + CHUNK_CUSTOMERS]
        read = drafting.snapshot(cursor, tenant_id, chunk, common)
        today = Day(clock().astimezone(read.books.book.zone).date().toordinal())
        for name in chunk:
            if name in read.held_up:
                set_aside[name] = read.held_up[name]
                continue
            try:
                invoices.extend(previewed(read, name, done[name], today))
            except Exception as error:  # noqa: BLE001 - one bad customer is reported, the others are shown
                set_aside[name] = f"{type(error).__name__}: {error}"
    return Preview(tenant_id, bookmark.seq, tuple(invoices), set_aside)


def previewed(read: Snapshot, customer_id: str, done: Day, today: Day) -> Iterator[PreviewedInvoice]:
    """Yield the drafts of a customer for each billing day after `done` till today, and for the next one."""
    terms = read.books.book.terms(customer_id)
    if terms is None:
        return
    days = [due.next_billing_day(terms, done)]
    while days[-1] <= today:
        days.append(due.next_billing_day(terms, days[-1]))
    timelines = [services.timeline_of(item) for item in read.held.get(customer_id, ())]
    before = ALWAYS
    credit = dict(read.accounts.get(customer_id, drafting.NOT_BILLED).credit)
    for day, drafts in zip(days, drafting.drafts_of(read, customer_id, days), strict=True):
        planned = [
            charge
            for timeline in timelines
            for charge in planned_charges(timeline, customer_id, read.books, before, day)
        ]
        before = day
        yield from _invoices(read.books, customer_id, day, drafts, planned, credit)


def _invoices(
    known: Books,
    customer_id: str,
    day: Day,
    drafts: Sequence[Draft],
    planned: Sequence[PlannedCharge],
    credit: dict[str, int],
) -> Iterator[PreviewedInvoice]:
    """Yield the invoices of a day; `credit` is what is on the account, by currency, and goes on with each."""
    by_currency = {item.currency: item for item in drafts}
    for currency in sorted({*by_currency, *(charge.currency for charge in planned)}):
        found = by_currency.get(currency)
        settlement = None
        if found is not None:
            net_minor = found.net_minor
            before = credit.get(currency, 0)
            settlement = drafting.settlement_of(customer_id, day, net_minor, before, known)
            credit[currency] = settlement.carried_forward
        yield PreviewedInvoice(
            customer_id,
            to_date(day),
            currency,
            0 if found is None else found.net_minor,
            () if found is None else found.lines,
            tuple(charge for charge in planned if charge.currency == currency),
            settlement,
        )


def planned_charges(
    timeline: Timeline, customer_id: str, books: Books, after: Day, until: Day
) -> Iterator[PlannedCharge]:
    """Yield what a customer's plans would be charged on issue dates after one day and up to another."""
    for made in activated_in_turn(timeline):
        for item in entitle(made, books.catalog, books.book, until=until):
            if item.customer_id == customer_id and after < item.due <= until:
                yield _charge(item, books)


def _charge(item: Entitled, books: Books) -> PlannedCharge:
    currency = books.catalog.products[item.product_id].currency or books.book.currency
    return PlannedCharge(
        item.customer_id,
        item.service_id,
        item.product_id,
        item.price_id,
        currency,
        to_date(item.start),
        to_date(item.end),
        item.amount_minor,
    )
