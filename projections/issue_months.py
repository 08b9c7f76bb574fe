"""In which month each flow is invoiced: billing days laid over the days on which amounts fall due."""

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from billing.days import Day
from billing.periods import day_in_month, month_of
from billing.policies import CustomerTerms
from projections.flows import boundary

By = Literal["issue", "service"]
LATE: Final = "corrections"
PLANNED: Final = "planned"
Key = tuple[int, str, str, str]
"""Month (year * 12 + month - 1), currency, product, class."""
Placed = tuple[Key, int]
"""An amount in minor units, and where it stands."""


def issue_days(terms: CustomerTerms, done: Day, last_month: int) -> list[Day]:
    """Return the billing days after `done` up to the end of a month, in order."""
    values = {policy.billing_day for _, policy in terms.policies}
    days = {
        day
        for month in range(month_of(Day(done + 1)), last_month + 1)
        for value in values
        if (day := day_in_month(month, value)) > done and terms.is_billing_day(day)
    }
    return sorted(days)


class Spread:
    """Lays flows of customers who have the same billing days, and are done through the same day, on months.

    What was due by `done` comes with the next document, as correction; everything else on the first billing
    day on or after it is due (BILLING.md §6). By service month, it stands in the month in which the full
    period begins instead. What falls after `last_month` is left out.
    """

    def __init__(self, terms: CustomerTerms, done: Day, *, last_month: int, by: By) -> None:
        self.done = done
        self._by = by
        self._last = last_month
        self._days = issue_days(terms, done, last_month)
        self._places: dict[tuple[int, int, int, int], tuple[int | None, bool]] = {}
        self.amounts: dict[Key, int] = {}

    def once(
        self, currency: str, product_id: str, kind: str, position: int, service_month: int, amount: int
    ) -> None:
        """Add an amount that falls due once."""
        month = self._month_of_issue(position) if self._by == "issue" else service_month
        if month is not None and month <= self._last:
            self._add(month, currency, product_id, class_of(kind, late=position <= self.done), amount)

    def repeated(
        self,
        currency: str,
        product_id: str,
        kind: str,
        cadence: tuple[int, int, int],
        changes: Mapping[int, int],
    ) -> None:
        """Add what falls due at every boundary: `changes` says by how much the amount moves, and where.

        `cadence` is step, lag and anchor; the positions are whole steps apart.
        """
        step = cadence[0]
        position, left = min(changes), len(changes)
        amount = 0
        while True:
            if position in changes:
                amount += changes[position]
                left -= 1
            if not amount and not left:
                return
            month, late = self._place(cadence, position)
            if month is None:
                return
            if amount:
                self._add(month, currency, product_id, class_of(kind, late=late), amount)
            position += step

    def _place(self, cadence: tuple[int, int, int], position: int) -> tuple[int | None, bool]:
        key = (*cadence, position)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = self._find(*cadence, position)
        return found

    def _find(self, step: int, lag: int, anchor: int, position: int) -> tuple[int | None, bool]:
        due = boundary(step, anchor, position)
        if self._by == "issue":
            return self._month_of_issue(due), due <= self.done
        month = month_of(boundary(step, anchor, position - lag * step))
        return (month if month <= self._last else None), due <= self.done

    def _month_of_issue(self, due: int) -> int | None:
        index = bisect_left(self._days, due)
        return month_of(self._days[index]) if index < len(self._days) else None

    def _add(self, month: int, currency: str, product_id: str, kind: str, amount: int) -> None:
        key = (month, currency, product_id, kind)
        self.amounts[key] = self.amounts.get(key, 0) + amount


def class_of(kind: str, *, late: bool) -> str:
    """Return where an amount stands; a plan that has passed without an activation is a plan still."""
    return LATE if late and kind != PLANNED else kind


def first_of(month: int) -> date:
    """Return the first day of a month."""
    return date(month // 12, month % 12 + 1, 1)
