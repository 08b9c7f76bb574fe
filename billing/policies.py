"""Dated policies of the tenant and of its customers (BILLING.md §1, §4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from billing.catalog import Proration
from billing.days import Day
from billing.facts import Anomaly
from billing.money import Rounding

Alignment = Literal["calendar", "billing_day", "anniversary"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The values in force on one day."""

    alignment: Alignment = "calendar"
    billing_day: int = 1
    proration: Proration = "actual"
    stop_day: Literal["free", "billed"] = "free"
    rounding: Rounding = "half_up"
    credit_on_stop: Literal["credit", "none"] = "credit"


class CustomerTerms:
    """What holds for one customer: zone, dated policy, own prices, grids of full periods."""

    zone: ZoneInfo

    def policy(self, on: Day) -> Policy:
        """Return the values in force on a day."""
        raise NotImplementedError

    def billing_day_on(self, on: Day) -> int:
        """Return the billing day in force on a day, 1 to 31, not clamped."""
        raise NotImplementedError

    def is_billing_day(self, on: Day) -> bool:
        """Tell whether the customer's invoices are issued on this day (clamped to the month's last day)."""
        raise NotImplementedError


class PolicyBook:
    """All terms of one tenant."""

    currency: str
    zone: ZoneInfo

    def terms(self, customer_id: str) -> CustomerTerms | None:
        """Return a customer's terms; None if the customer is not known (yet)."""
        raise NotImplementedError

    def zone_of(self, customer_ids: Iterable[str]) -> ZoneInfo:
        """Return the zone that the customers share, else the tenant's."""
        raise NotImplementedError


def fold_policies(events: Iterable[tuple[Mapping[str, Any], int]]) -> tuple[PolicyBook, tuple[Anomaly, ...]]:
    """Return what `tenant.configured`, `customer.registered` and `customer.changed` facts make, and what makes no sense.

    `events` are (structured CloudEvent, heard) in any order; one `tenant.configured` must be among them.
    """
    raise NotImplementedError
