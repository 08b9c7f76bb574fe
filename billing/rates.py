"""Which unit amount applies on a day (BILLING.md §3)."""

from typing import NamedTuple

from billing.catalog import Price, PriceVersion
from billing.days import Day
from billing.facts import EventRef
from billing.line import PriceSource
from billing.money import Exact
from billing.policies import CustomerPrice
from billing.segments import OwnPrices


class UnitAmount(NamedTuple):
    """A unit amount and where it comes from: the service's own, the customer's, or a catalog version."""

    amount: Exact
    source: PriceSource
    version: EventRef | None  # the fact that set it; None for an own price, whose fact is among the causes


class Tariff(NamedTuple):
    """What one price costs one service: own price, the customer's prices, the catalog's versions."""

    price: Price
    own: Exact | None
    customer: tuple[CustomerPrice, ...]
    activation: Day

    @staticmethod
    def of(
        price: Price, own_prices: OwnPrices, customer: tuple[CustomerPrice, ...], activation: Day
    ) -> "Tariff":
        """Return what a price costs a service in one state."""
        return Tariff(price, dict(own_prices).get(price.price_id), customer, activation)

    @property
    def constant(self) -> bool:
        """Whether every day has the same unit amount, from when the price exists."""
        return self.own is not None or (not self.customer and len(self.price.versions) == 1)

    def on(self, day: Day, *, begin: Day, whole: bool = False) -> UnitAmount | None:
        """Return the unit amount on a day of a full period that began on `begin`; None if there is none.

        `whole`: the period is not prorated, so that `immediately` acts as `next_period`.
        """
        if self.own is not None:
            return UnitAmount(self.own, "own price", None)
        for entry in reversed(self.customer):
            if entry.effective <= day:
                if entry.amount is not None:
                    return UnitAmount(entry.amount, "customer price", entry.ref)
                break
        for version in reversed(self.price.versions):
            if self._reached(version, day, begin, whole=whole):
                return UnitAmount(version.amount, "catalog", version.ref)
        return None

    def changes(self, start: Day, end: Day) -> list[Day]:
        """Return the days after `start` and before `end` on which the unit amount may become another."""
        days = {entry.effective for entry in self.customer}
        days.update(version.effective for version in self.price.versions)
        return sorted(day for day in days if start < day < end)

    def _reached(self, version: PriceVersion, day: Day, begin: Day, *, whole: bool) -> bool:
        """Tell whether a version has reached the service: the latest effective one that has applies."""
        if version.effective > day:
            return False
        if self.activation >= version.effective:
            return True
        if version.applies == "new_services":
            return False
        if version.applies == "next_period" or (whole and self.price.recurring):
            return begin >= version.effective or not self.price.recurring
        return True
