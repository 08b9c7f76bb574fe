"""Products, prices and their dated versions, folded from catalog facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from billing.days import Day
from billing.facts import Anomaly, EventRef
from billing.money import Exact

Interval = Literal["week", "month", "quarter", "half_year", "year"]
Timing = Literal["in_advance", "in_arrears"]
Proration = Literal["actual", "fixed_30", "thirty_360", "none"]
Applies = Literal["immediately", "next_period", "new_services"]
TriggerName = Literal["activation", "change", "return"]


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """One unit amount of a price and how it reaches running services."""

    amount: Exact
    effective: Day  # ALWAYS for the first one
    applies: Applies
    heard: int
    ref: EventRef


@dataclass(frozen=True, slots=True)
class Price:
    """One way in which a product is charged. `versions` are in the order (effective, heard)."""

    price_id: str
    name: str
    recurring: bool
    interval: Interval | None
    timing: Timing | None
    trigger: TriggerName | None
    proration: Proration | None  # None: the policy's
    versions: tuple[PriceVersion, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """What the catalog sells."""

    product_id: str
    name: str
    service_type: str
    description: str
    currency: str | None  # None: the tenant's
    prices: tuple[Price, ...]  # sorted by price id


@dataclass(frozen=True, slots=True)
class Catalog:
    """All products, by id."""

    products: Mapping[str, Product]


def fold_catalog(events: Iterable[tuple[Mapping[str, Any], int]]) -> tuple[Catalog, tuple[Anomaly, ...]]:
    """Return the catalog that `product.published` and `price.published` facts make, and what makes no sense.

    `events` are (structured CloudEvent, heard) in any order.
    """
    raise NotImplementedError
