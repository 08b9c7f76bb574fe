"""Catalog events: products and later versions of their prices (BILLING.md §3)."""

from typing import Annotated, Any, Literal, Required

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas.envelope import Envelope, Supersedes
from schemas.fields import STRICT, Currency, Day, Effective, Identifier, Money, Proration, Text

Interval = Literal["week", "month", "quarter", "half_year", "year"]
Timing = Literal["in_advance", "in_arrears"]
Trigger = Literal["activation", "change", "return"]
Reach = Literal["immediately", "next_period", "new_services"]


class RecurringPrice(TypedDict, total=False):
    """A price that is charged for every period."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    price_id: Required[Identifier]
    name: Text
    kind: Required[Literal["recurring"]]
    amount: Required[Money]
    interval: Required[Interval]
    timing: Required[Timing]
    proration: Proration
    since: Annotated[Day, Field(description="From when it counts; default: always")]


class OneTimePrice(TypedDict, total=False):
    """A price that is charged once for each trigger."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    price_id: Required[Identifier]
    name: Text
    kind: Required[Literal["one_time"]]
    amount: Required[Money]
    trigger: Required[Trigger]
    since: Annotated[Day, Field(description="From when it counts; default: always")]


Price = Annotated[RecurringPrice | OneTimePrice, Field(discriminator="kind")]


class Product(TypedDict, total=False):
    """What the catalog sells."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    product_id: Required[Identifier]
    name: Required[Text]
    service_type: Identifier
    currency: Annotated[Currency, Field(description="Default: the tenant's")]
    description: Text
    prices: Required[Annotated[list[Price], Field(min_length=1, max_length=500)]]


class PriceVersion(TypedDict, total=False):
    """A new amount of one price, and how it reaches services that already run."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    product_id: Required[Identifier]
    price_id: Required[Identifier]
    amount: Required[Money]
    effective: Required[Effective]
    applies: Required[Reach]
    supersedes: Supersedes


def _own_price_ids(data: dict[str, Any]) -> dict[str, Any]:
    seen: set[str] = set()
    for price in data["prices"]:
        if price["price_id"] in seen:
            raise PydanticCustomError(
                "remedy",
                "give each price of the product its own price_id: {price_id} stands twice",
                {"price_id": price["price_id"]},
            )
        seen.add(price["price_id"])
    return data


class ProductPublished(Envelope, total=False):
    """A product is published, or published again with more prices or another name."""

    type: Required[Literal["product.published"]]
    dataschema: Literal["urn:billing-ledger:product.published:1"]
    data: Required[Annotated[Product, AfterValidator(_own_price_ids)]]


class PricePublished(Envelope, total=False):
    """A new version of a price of a known product."""

    type: Required[Literal["price.published"]]
    dataschema: Literal["urn:billing-ledger:price.published:1"]
    data: Required[PriceVersion]
