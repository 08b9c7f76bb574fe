"""Catalog: what is sold and at which price today; a product with every version of its prices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from fastapi import APIRouter, Request, Response

from api.access import View, Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.rendering import page
from api.fields import PathId, QueryId
from api.lists import QueryCursor, page_of
from api.routes.catalog import PRODUCTS, Price, PriceVersion, Product, get_product
from projections import policies

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Catalog"
ROWS: Final = 50
NEW_SERVICES: Final = "new_services"

Standing = Literal["today", "still", "before", "to_come"]
"""`still`: a later version counts for new services alone, so this one goes on for those that ran before."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A price with its versions as they stand on a day; `now` is what a service activated then pays."""

    price: Price
    versions: tuple[tuple[PriceVersion, Standing], ...]

    @property
    def now(self) -> PriceVersion | None:
        """The version that counts for who begins today; None: the price does not exist yet."""
        return next((version for version, standing in self.versions if standing == "today"), None)

    @property
    def to_come(self) -> list[PriceVersion]:
        """The versions of later days, the next one first."""
        return [version for version, standing in self.versions if standing == "to_come"]


@router.get("/catalog", **page_door())
def list_products(
    request: Request, view: Viewing, *, service_type: QueryId = None, cursor: QueryCursor = None
) -> Response:
    """List products with what their prices are today."""
    filters = {"service_type": service_type}
    found = page_of(PRODUCTS, view, sort="product_id", filters=filters, cursor=cursor, limit=ROWS)
    today = view.today()
    return page(
        request,
        "catalog.html",
        place=PLACE,
        items=[(product, priced(product, today)) for product in found.items],
        currency=_currency(view),
        service_type=service_type,
        today=today,
        more=found.next and address("/catalog", {**filters, "cursor": found.next}),
    )


@router.get("/catalog/{product_id}", **page_door())
def show_product(request: Request, view: Viewing, product_id: PathId) -> Response:
    """Show a product with every version of its prices, past and to come."""
    product, today = get_product(view, product_id), view.today()
    return page(
        request,
        "product.html",
        place=PLACE,
        product=product,
        prices=priced(product, today),
        currency=product.currency or _currency(view),
        today=today,
    )


def priced(product: Product, today: date) -> list[Priced]:
    """Return a product's prices, each version with where it stands on a day (BILLING.md §3)."""
    return [Priced(price, tuple(_standings(price.versions, today))) for price in product.prices]


def _standings(versions: list[PriceVersion], today: date) -> Iterator[tuple[PriceVersion, Standing]]:
    """Yield the versions in their order, that of day and ledger: of those of one day the last one counts."""
    begun = [one for one in versions if one.effective is None or one.effective <= today]
    for place, version in enumerate(begun):
        behind = begun[place + 1 :]
        if not behind:
            yield version, "today"
        elif all(one.applies == NEW_SERVICES for one in behind):
            yield version, "still"
        else:
            yield version, "before"
    for version in versions[len(begun) :]:
        yield version, "to_come"


def _currency(view: View) -> str:
    found = policies.currency_of_tenant(view.cursor, view.tenant_id)
    assert found is not None, "a tenant's first fact names its currency"
    return found
