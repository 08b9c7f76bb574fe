"""Catalog: products and the dated versions of their prices."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.catalog import Catalog, Product, fold_catalog
from billing.days import ALWAYS, Day, to_date
from billing.facts import Anomaly
from projections import facts
from projections.facts import Heard
from projections.pages import Listing, Order
from projections.policies import local_date
from projections.session import copy_rows
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "catalog",
    (
        Table(
            "products_v1",
            """
            CREATE TABLE products_v1 (
                tenant_id    text COLLATE "C" NOT NULL,
                product_id   text COLLATE "C" NOT NULL,
                name         text NOT NULL,
                service_type text NOT NULL,
                description  text NOT NULL,
                currency     text,
                PRIMARY KEY (tenant_id, product_id)
            )""",
        ),
        Table(
            "prices_v1",
            """
            CREATE TABLE prices_v1 (
                tenant_id  text COLLATE "C" NOT NULL,
                product_id text COLLATE "C" NOT NULL,
                price_id   text COLLATE "C" NOT NULL,
                ordinal    integer NOT NULL,
                name       text NOT NULL,
                kind       text NOT NULL,
                "interval" text,
                timing     text,
                trigger    text,
                proration  text,
                amount     text NOT NULL,
                effective  date,
                applies    text NOT NULL,
                heard      bigint NOT NULL,
                source     text NOT NULL,
                event_id   text NOT NULL,
                PRIMARY KEY (tenant_id, product_id, price_id, ordinal)
            )""",
        ),
    ),
)

FORGET: Final[LiteralString] = """
    WITH gone AS (DELETE FROM prices_v1 WHERE tenant_id = %(tenant_id)s AND product_id = ANY(%(products)s))
    DELETE FROM products_v1 WHERE tenant_id = %(tenant_id)s AND product_id = ANY(%(products)s)"""
COPY_PRODUCTS: Final[LiteralString] = """
    COPY products_v1 (tenant_id, product_id, name, service_type, description, currency)
    FROM STDIN (FORMAT BINARY)"""
COPY_PRICES: Final[LiteralString] = """
    COPY prices_v1 (tenant_id, product_id, price_id, ordinal, name, kind, "interval", timing, trigger,
        proration, amount, effective, applies, heard, source, event_id) FROM STDIN (FORMAT BINARY)"""
PRODUCT_TYPES: Final = ("text",) * 6
PRICE_TYPES: Final = (
    *("text", "text", "text", "int4", "text", "text", "text", "text"),
    *("text", "text", "text", "date", "text", "int8", "text", "text"),
)
LIST: Final[LiteralString] = """
    SELECT product_id, p.name, service_type, currency, price_id, kind, "interval", timing, trigger, amount,
           effective, applies
    FROM products_v1 p LEFT JOIN prices_v1 USING (tenant_id, product_id)
    WHERE tenant_id = %(tenant_id)s ORDER BY product_id, price_id, ordinal"""

LISTING: Final = Listing(
    "product_id, name, service_type, description, currency",
    "products_v1",
    {"product_id": Order(("product_id",), ("text",))},
    {"service_type": "service_type = %(service_type)s"},
)
PRODUCT: Final[LiteralString] = """
    SELECT product_id, name, service_type, description, currency FROM products_v1
    WHERE tenant_id = %(tenant_id)s AND product_id = %(product_id)s"""
OF_TYPE: Final[LiteralString] = """
    SELECT product_id FROM products_v1 WHERE tenant_id = %(tenant_id)s AND service_type = %(service_type)s
    ORDER BY product_id"""
VERSIONS_OF: Final[LiteralString] = """
    SELECT product_id, price_id, name, kind, "interval", timing, trigger, proration, amount, effective,
           applies, heard, source, event_id
    FROM prices_v1 WHERE tenant_id = %(tenant_id)s AND product_id = ANY(%(products)s)
    ORDER BY product_id, price_id, ordinal"""


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product without its prices."""

    product_id: str
    name: str
    service_type: str
    description: str
    currency: str | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of one price; `effective` None: always; `heard` the seq of the event that set it."""

    product_id: str
    price_id: str
    name: str
    kind: str
    interval: str | None
    timing: str | None
    trigger: str | None
    proration: str | None
    amount: str
    effective: date | None
    applies: str
    heard: int
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One version of one price; `effective` None: always."""

    product_id: str
    product_name: str
    service_type: str
    currency: str | None
    price_id: str | None
    kind: str | None
    interval: str | None
    timing: str | None
    trigger: str | None
    amount: str | None
    effective: date | None
    applies: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A tenant's catalog, what of its facts makes no sense, and since when each product was touched."""

    catalog: Catalog
    anomalies: tuple[Anomaly, ...]
    touches: Mapping[str, tuple[tuple[int, Day], ...]]
    events: Mapping[str, Sequence[Heard]]
    broken: Mapping[str, str]

    def touched(self, product_id: str, after: int) -> Day | None:
        """Return the first day that facts about a product heard after a seq can reach, None without any."""
        return min((day for heard, day in self.touches.get(product_id, ()) if heard > after), default=None)


def load(cursor: Cursor[Any], tenant_id: str, up_to: int, zone: tzinfo) -> Known:
    """Return the tenant's catalog as it was known at a seq, folded from its facts; `zone` is the tenant's."""
    return known(
        {
            stream.partition("/")[2]: facts.heard(rows)
            for stream, rows in facts.streams_of(cursor, tenant_id, "product", up_to).items()
        },
        zone,
    )


def known(found: Mapping[str, Sequence[Heard]], zone: tzinfo) -> Known:
    """Return the catalog that the facts of some products make, by product; each hangs on its own alone.

    The tenant's `zone` turns the instants of prices into days (BILLING.md §1).
    """
    broken: dict[str, str] = {}
    try:
        catalog, anomalies = fold_catalog((event for events in found.values() for event in events), zone=zone)
    except Exception:  # noqa: BLE001 - one product's facts must not hold up the others: find whose they are
        for product_id, events in found.items():
            try:
                fold_catalog(events, zone=zone)
            except Exception as error:  # noqa: BLE001 - whatever the fold raises, that product is set aside
                broken[product_id] = f"{type(error).__name__}: {error}"
        whole = {name: events for name, events in found.items() if name not in broken}
        catalog, anomalies = fold_catalog((event for events in whole.values() for event in events), zone=zone)
    touches = {product: tuple((heard, _reach(e)) for e, heard in events) for product, events in found.items()}
    return Known(catalog, anomalies, touches, found, broken)


def _reach(event: facts.CloudEvent) -> Day:
    data = event["data"]
    if event["type"] != "price.published" or "supersedes" in data:
        return ALWAYS
    return Day(local_date(data["effective"]).toordinal() - 1)


def replace(cursor: Cursor[Any], tenant_id: str, product_ids: Collection[str], catalog: Catalog) -> None:
    """Write the rows of some products as `catalog` has them now."""
    cursor.execute(FORGET, {"tenant_id": tenant_id, "products": list(product_ids)})
    products = [catalog.products[key] for key in sorted(product_ids) if key in catalog.products]
    copy_rows(
        cursor,
        COPY_PRODUCTS,
        PRODUCT_TYPES,
        ((tenant_id, p.product_id, p.name, p.service_type, p.description, p.currency) for p in products),
    )
    copy_rows(
        cursor, COPY_PRICES, PRICE_TYPES, (row for product in products for row in _prices(tenant_id, product))
    )


def prices(cursor: Cursor[Any], tenant_id: str) -> list[PriceRow]:
    """Return every version of every price, by product and price."""
    return [PriceRow(*row) for row in cursor.execute(LIST, {"tenant_id": tenant_id}).fetchall()]


def product(cursor: Cursor[Any], tenant_id: str, product_id: str) -> ProductRow | None:
    """Return one product, or None where there is none."""
    found = cursor.execute(PRODUCT, {"tenant_id": tenant_id, "product_id": product_id}).fetchone()
    return None if found is None else ProductRow(*found)


def products_of_type(cursor: Cursor[Any], tenant_id: str, service_type: str) -> list[str]:
    """Return the products of a service type, by id."""
    query = {"tenant_id": tenant_id, "service_type": service_type}
    return [name for (name,) in cursor.execute(OF_TYPE, query).fetchall()]


def versions_of(
    cursor: Cursor[Any], tenant_id: str, product_ids: Collection[str]
) -> dict[str, list[VersionRow]]:
    """Return every version of every price of some products, by product; in order of price and version."""
    found: dict[str, list[VersionRow]] = {name: [] for name in product_ids}
    cursor.execute(VERSIONS_OF, {"tenant_id": tenant_id, "products": list(product_ids)})
    for row in cursor.fetchall():
        found[row[0]].append(VersionRow(*row))
    return found


def _prices(tenant_id: str, product: Product) -> Iterator[tuple[object, ...]]:
    for price in product.prices:
        for ordinal, version in enumerate(price.versions, start=1):
            yield (
                tenant_id,
                product.product_id,
                price.price_id,
                ordinal,
                price.name,
                "recurring" if price.recurring else "one_time",
                price.interval,
                price.timing,
                price.trigger,
                price.proration,
                version.amount.text,
                None if version.effective == ALWAYS else to_date(version.effective),
                version.applies,
                version.heard,
                version.ref.source,
                version.ref.id,
            )
