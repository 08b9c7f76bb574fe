"""What the demo knows of a service provider before anything happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from zoneinfo import ZoneInfo

from cli.demo.messages import Data

Character = Literal["device", "seats", "managed"]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Services of one product that a customer holds or will come to hold."""

    product_id: str
    count: int
    quantities: tuple[int, int] = (1, 1)
    """Between which the quantity at activation lies."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalog, and how its services tend to live."""

    data: Data
    character: Character
    prefix: str
    """What the service ids begin with."""
    successor: str | None = None
    """The product that customers change to."""

    @property
    def product_id(self) -> str:
        """The id under which the catalog publishes it."""
        return str(self.data["product_id"])


@dataclass(frozen=True, slots=True)
class Provider:
    """A tenant: settings, catalog, customers and the services that they hold."""

    settings: Data
    products: tuple[Product, ...]
    customers: tuple[Data, ...]
    fleets: Mapping[str, tuple[Fleet, ...]]
    first_service_number: int

    @property
    def tenant_id(self) -> str:
        """The tenant's id on the wire."""
        return str(self.settings["tenant_id"])

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its offices and machines."""
        return ZoneInfo(str(self.settings["timezone"]))

    def product(self, product_id: str) -> Product:
        """Return one product of the catalog."""
        return next(product for product in self.products if product.product_id == product_id)


FULFILMENT: Final = "/fulfilment/orders"
LICENCES: Final = "/licences/portal"
CATALOG: Final = "/erp/catalog"
CUSTOMERS: Final = "/erp/customers"
SETTINGS: Final = "/erp/settings"
FINANCE: Final = "/erp/finance"

SOURCE_OF: Final[Mapping[Character, str]] = {"device": FULFILMENT, "managed": FULFILMENT, "seats": LICENCES}


def recurring(
    price_id: str,
    name: str,
    amount: str,
    interval: str,
    timing: str = "in_advance",
    proration: str | None = None,
) -> dict[str, str]:
    """Return a recurring price as `product.published` carries it."""
    price = {"price_id": price_id, "name": name, "kind": "recurring", "amount": amount}
    price |= {"interval": interval, "timing": timing}
    return price | ({"proration": proration} if proration else {})


def one_time(price_id: str, name: str, amount: str, trigger: str) -> dict[str, str]:
    """Return a one-time price as `product.published` carries it."""
    return {"price_id": price_id, "name": name, "kind": "one_time", "amount": amount, "trigger": trigger}
