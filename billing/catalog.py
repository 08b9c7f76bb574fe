"""Products, prices and their dated versions, folded from catalog facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal

from billing.days import ALWAYS, Day, day
from billing.facts import Anomaly, EventRef, effective_of, event_ref, number, superseded_by
from billing.money import Exact
from billing.periods import Interval

Timing = Literal["in_advance", "in_arrears"]
Proration = Literal["actual", "fixed_30", "thirty_360", "none"]
Applies = Literal["immediately", "next_period", "new_services"]
TriggerName = Literal["activation", "change", "return"]
CatalogEvent = tuple[Mapping[str, Any], int]
"""A structured CloudEvent and when it was heard."""


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """One unit amount of a price and how it reaches running services."""

    amount: Exact
    effective: Day  # ALWAYS for a first one that names no day
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
    since: Day  # the first day on which the price exists
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


_SAME_FOR_EVER: Final = ("kind", "amount", "interval", "timing", "trigger", "proration", "since")


def fold_catalog(
    events: Iterable[CatalogEvent], *, zone: tzinfo = UTC
) -> tuple[Catalog, tuple[Anomaly, ...]]:
    """Return the catalog that `product.published` and `price.published` facts make, and what makes no sense.

    `events` are in any order; the tenant's `zone` turns instants into days.
    """
    ordered = sorted(_once(events), key=lambda item: item[1])
    anomalies: list[Anomaly] = []
    products: dict[str, Product] = {}
    published: dict[tuple[str, str], Mapping[str, Any]] = {}
    for event, heard in ordered:
        if event["type"] == "product.published":
            _publish(event, heard, products, published, anomalies)
    for (product_id, price_id), versions in _versions(ordered, published, anomalies, zone).items():
        product = products[product_id]
        prices = tuple(
            replace(price, versions=_by_day((*price.versions, *versions)))
            if price.price_id == price_id
            else price
            for price in product.prices
        )
        products[product_id] = replace(product, prices=prices)
    return Catalog(products), tuple(sorted(anomalies, key=lambda anomaly: (anomaly.ref, anomaly.code)))


def _once(events: Iterable[CatalogEvent]) -> list[CatalogEvent]:
    known: dict[EventRef, CatalogEvent] = {}
    for event, heard in events:
        ref = event_ref(event)
        if ref not in known or heard < known[ref][1]:
            known[ref] = (event, heard)
    return list(known.values())


def _publish(
    event: Mapping[str, Any],
    heard: int,
    products: dict[str, Product],
    published: dict[tuple[str, str], Mapping[str, Any]],
    anomalies: list[Anomaly],
) -> None:
    """Take a publication: the first counts from always; a later one may rename, describe and add prices."""
    data, ref = event["data"], event_ref(event)
    product_id = data["product_id"]
    before = products.get(product_id)
    if before is not None and data.get("currency", before.currency) != before.currency:
        detail = f"product {product_id}: the currency never changes"
        anomalies.append(Anomaly(ref, "product_differs", detail))
    prices = list(before.prices) if before else []
    for price in data["prices"]:
        known = published.get((product_id, price["price_id"]))
        place = f"price {price['price_id']} of product {product_id}"
        if known is not None:
            if any(known.get(name) != price.get(name) for name in _SAME_FOR_EVER):
                detail = f"{place}: publish another amount as price.published; nothing else changes"
                anomalies.append(Anomaly(ref, "price_differs", detail))
            continue
        if before is not None and price.get("since") is None:
            detail = f"{place}: a price that is added later names the day from which it counts, in since"
            anomalies.append(Anomaly(ref, "since_missing", detail))
            continue
        published[product_id, price["price_id"]] = price
        prices.append(_price(price, heard, ref))
    products[product_id] = Product(
        product_id=product_id,
        name=data.get("name") or (before.name if before else product_id),
        service_type=data.get("service_type") or (before.service_type if before else ""),
        description=data.get("description") or (before.description if before else ""),
        currency=before.currency if before else data.get("currency"),
        prices=tuple(sorted(prices, key=lambda price: price.price_id)),
    )


def _price(data: Mapping[str, Any], heard: int, ref: EventRef) -> Price:
    since = ALWAYS if data.get("since") is None else day(data["since"])
    return Price(
        price_id=data["price_id"],
        name=data.get("name") or data["price_id"],
        recurring=data["kind"] == "recurring",
        interval=data.get("interval"),
        timing=data.get("timing"),
        trigger=data.get("trigger"),
        proration=data.get("proration"),
        since=since,
        versions=(PriceVersion(number(data["amount"]), since, "immediately", heard, ref),),
    )


def _versions(
    ordered: list[CatalogEvent],
    published: Mapping[tuple[str, str], Mapping[str, Any]],
    anomalies: list[Anomaly],
    zone: tzinfo,
) -> dict[tuple[str, str], list[PriceVersion]]:
    """Return the later versions by (product, price); a superseded one is out for good."""
    facts = {
        event_ref(event): (event, heard) for event, heard in ordered if event["type"] == "price.published"
    }
    place = {
        ref: (event["data"]["product_id"], event["data"]["price_id"]) for ref, (event, _) in facts.items()
    }
    targets = {ref: superseded_by(event) for ref, (event, _) in facts.items()}
    withdrawn = {
        target
        for ref, target in targets.items()
        if target and target != ref and place.get(target) == place[ref]
    }
    versions: dict[tuple[str, str], list[PriceVersion]] = {}
    for ref, (event, heard) in facts.items():
        if ref in withdrawn:
            continue
        data, target = event["data"], targets[ref]
        name = f"price {data['price_id']} of product {data['product_id']}"
        if target is not None and (target == ref or place.get(target) != place[ref]):
            detail = f"{name}: supersedes {target.id}, which is no version of it"
            anomalies.append(Anomaly(ref, "supersedes_unknown", detail))
        if place[ref] not in published:
            anomalies.append(Anomaly(ref, "unknown_price", f"{name} was never published"))
            continue
        effective = effective_of(data["effective"])
        if isinstance(effective, datetime):
            effective = Day(effective.astimezone(zone).toordinal())
        version = PriceVersion(number(data["amount"]), effective, data["applies"], heard, ref)
        versions.setdefault(place[ref], []).append(version)
    return versions


def _by_day(versions: Iterable[PriceVersion]) -> tuple[PriceVersion, ...]:
    return tuple(sorted(versions, key=lambda version: (version.effective, version.heard)))
