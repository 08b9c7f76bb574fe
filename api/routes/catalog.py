"""Catalog: products, and every version of their prices."""

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.access import EVERYBODY, GuardedRoute, View, Viewing, door
from api.errors import ProductUnknownError
from api.fields import EventRef, PathId, Seq, event_ref
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from projections import catalog, pages
from projections.catalog import ProductRow, VersionRow
from projections.pages import Wanted

router = APIRouter(route_class=GuardedRoute, tags=["catalog"])


class PriceVersion(BaseModel):
    """One version of a price: its amount from a day on, and how it reaches services that run already."""

    amount: str = Field(description="For one unit and one full period.", examples=["30.00"])
    effective: date | None = Field(description="From this day on; null: always.")
    applies: str = Field(description="immediately, next_period or new_services.", examples=["immediately"])
    seq: Seq
    event: EventRef


class Price(BaseModel):
    """One way in which a product is charged."""

    price_id: str = Field(examples=["rent"])
    name: str
    kind: Literal["recurring", "one_time"]
    interval: str | None = Field(description="Recurring: how long a full period is.", examples=["month"])
    timing: str | None = Field(description="Recurring: in_advance or in_arrears.", examples=["in_advance"])
    trigger: str | None = Field(description="One-time: activation, change or return.")
    proration: str | None = Field(description="Its own policy, where it has one.")
    versions: list[PriceVersion]


class Product(BaseModel):
    """What the catalog sells."""

    product_id: str = Field(examples=["laptop-standard"])
    name: str = Field(examples=["Laptop, standard"])
    service_type: str = Field(examples=["device"])
    description: str
    currency: str | None = Field(description="Its own; null: the tenant's.")
    prices: list[Price]


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Product]]:
    found = pages.page(view.cursor, view.tenant_id, catalog.LISTING, wanted)
    rows = [ProductRow(*one.row) for one in found]
    versions = catalog.versions_of(view.cursor, view.tenant_id, [row.product_id for row in rows])
    shown = [_product(row, versions[row.product_id]) for row in rows]
    return [(item, one.key) for item, one in zip(shown, found, strict=True)]


PRODUCTS: Final = Listed("products", Product, catalog.LISTING.orders, _fetch)


@router.get(
    "/catalog/products",
    operation_id="list_products",
    summary="List products with their prices",
    response_model=Page[Product],
    **list_door(*EVERYBODY, item=Product),
)
def list_products(
    asked: Asked,
    service_type: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    sort: Literal["product_id", "-product_id"] = "product_id",
) -> Response:
    """List the products of the tenant, each with every version of its prices."""
    return answer(PRODUCTS, asked, sort, {"service_type": service_type})


@router.get(
    "/catalog/products/{product_id}",
    operation_id="get_product",
    summary="Show a product with its prices",
    **door(*EVERYBODY, errors=("product_unknown",)),
)
def get_product(view: Viewing, product_id: PathId) -> Product:
    """Show one product with every version of its prices, past and to come."""
    row = catalog.product(view.cursor, view.tenant_id, product_id)
    if row is None:
        raise ProductUnknownError(f"there is no product {product_id!r}; see /v1/catalog/products")
    return _product(row, catalog.versions_of(view.cursor, view.tenant_id, [product_id])[product_id])


def _product(row: ProductRow, versions: list[VersionRow]) -> Product:
    by_price: dict[str, list[VersionRow]] = {}
    for version in versions:
        by_price.setdefault(version.price_id, []).append(version)
    return Product(
        product_id=row.product_id,
        name=row.name,
        service_type=row.service_type,
        description=row.description,
        currency=row.currency,
        prices=[_price(rows) for rows in by_price.values()],
    )


def _price(rows: list[VersionRow]) -> Price:
    first = rows[0]
    return Price(
        price_id=first.price_id,
        name=first.name,
        kind="recurring" if first.kind == "recurring" else "one_time",
        interval=first.interval,
        timing=first.timing,
        trigger=first.trigger,
        proration=first.proration,
        versions=[
            PriceVersion(
                amount=row.amount,
                effective=row.effective,
                applies=row.applies,
                seq=row.heard,
                event=event_ref(row.source, row.event_id),
            )
            for row in rows
        ],
    )
