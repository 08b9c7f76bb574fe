"""For which customers, and for which days, invoices are to be issued (BILLING.md §6, ARCHITECTURE.md §8)."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Cursor

from billing.days import Day
from billing.policies import CustomerTerms
from projections import accounts, books, parking
from projections.accounts import Candidate
from projections.books import Shared

Days = dict[str, tuple[Day, ...]]
"""The issue dates of customers, in order."""


def due_days(
    cursor: Cursor[Any], common: Shared, up_to: int, through: date, begin: Mapping[Candidate, Day]
) -> Days:
    """Return each billing day up to and including `through` that a customer was not billed for yet.

    `begin` is what `done_through` found: the days begin on the one on which a customer was first heard of, or
    after its last `due_for` and after the last finished run that looked at it. Who is parked can not be asked
    for billing days and gets `through`, to be set aside.
    """
    broken = _broken(cursor, common.tenant_id)
    calendars = _calendars(
        cursor,
        common,
        up_to,
        {item: done for item, done in begin.items() if item.customer_id not in broken},
        Day(through.toordinal()),
    )
    found: Days = {}
    for candidate, done in begin.items():
        if candidate.customer_id in broken:
            found[candidate.customer_id] = (Day(through.toordinal()),)
            continue
        calendar = calendars[candidate.billing_days]
        missed = calendar[bisect_right(calendar, done) :]
        if missed:
            found[candidate.customer_id] = tuple(missed)
    return found


def done_through(
    cursor: Cursor[Any], common: Shared, up_to: int, customer_id: str | None = None
) -> dict[Candidate, Day]:
    """Return the registered customers of a tenant, each with the last day that needs no invoice any more."""
    zone = books.books(cursor, common, (), up_to).book.zone
    progress = accounts.progress(cursor, common.tenant_id)
    return {
        candidate: done_of(candidate, progress, zone)
        for candidate in accounts.candidates(cursor, common.tenant_id, customer_id)
        if candidate.registered
    }


def next_billing_day(terms: CustomerTerms, after: Day) -> Day:
    """Return the first billing day after a day."""
    day = Day(after + 1)
    while not terms.is_billing_day(day):
        day = Day(day + 1)
    return day


def _broken(cursor: Cursor[Any], tenant_id: str) -> frozenset[str]:
    """Return the customers whose own facts are parked."""
    subjects = [item.subject for item in parking.parked(cursor, tenant_id)]
    return frozenset(name.partition("/")[2] for name in subjects if name.startswith("customer/"))


def done_of(candidate: Candidate, progress: accounts.Progress, zone: ZoneInfo) -> Day:
    """Return the last day that needs no invoice to a customer any more."""
    days = [candidate.first_heard.astimezone(zone).date() - timedelta(days=1)]
    days.extend(
        day for day in (candidate.done_through, progress.of(candidate.customer_id)) if day is not None
    )
    return Day(max(days).toordinal())


def _calendars(
    cursor: Cursor[Any], common: Shared, up_to: int, begin: Mapping[Candidate, Day], through: Day
) -> dict[str, list[Day]]:
    """Return the billing days of each set of own values, asked of one customer that has them."""
    earliest: dict[str, tuple[Day, str]] = {}
    for candidate, done in begin.items():
        known = earliest.get(candidate.billing_days)
        if known is None or done < known[0]:
            earliest[candidate.billing_days] = (done, candidate.customer_id)
    book = books.books(cursor, common, {name for _, name in earliest.values()}, up_to).book
    calendars: dict[str, list[Day]] = {}
    for values, (done, customer_id) in earliest.items():
        terms = book.terms(customer_id)
        days = range(done + 1, through + 1)
        calendars[values] = [] if terms is None else [Day(n) for n in days if terms.is_billing_day(Day(n))]
    return calendars
