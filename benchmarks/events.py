"""The events that benches are made of: a tenant, its catalog, customers and lifecycle, from a fixed seed."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

SEED: Final = 20261122
TENANT: Final = "bench"
SOURCE: Final = "/fulfilment/bench"
FIRST_DAY: Final = date(2026, 1, 1)
PRODUCTS: Final = 8
SERVICES_A_CUSTOMER: Final = 10
RARE: Final = 1_000
ADJUSTED: Final = {"customer_id": "c0", "adjustment_id": "adj-1"}
"""The one adjustment that was entered by hand."""
"""One service in so many is out of the ordinary."""
ACTIVATIONS_SHARE: Final = 0.6


def tenant_event() -> dict[str, Any]:
    """Return the event that opens the ledger."""
    data = {"tenant_id": TENANT, "name": "Bench Services", "currency": "EUR", "timezone": "Europe/Zurich"}
    return _event("tenant.configured", "tenant", data)


def catalog_events() -> Iterator[dict[str, Any]]:
    """Yield products with a monthly rent in advance; every second one also has a set-up fee."""
    for number in range(PRODUCTS):
        rent = {
            "price_id": "rent",
            "kind": "recurring",
            "amount": f"{9 + number}.90",
            "interval": "month",
            "timing": "in_advance",
        }
        setup = {"price_id": "setup", "kind": "one_time", "amount": "49.00", "trigger": "activation"}
        prices = [rent, setup] if number % 2 else [rent]
        data = {"product_id": f"p{number}", "name": f"Product {number}", "prices": prices}
        yield _event("product.published", f"product-{number}", data)


def price_event(number: int) -> dict[str, Any]:
    """Return a new rent for one of the products, from the middle of a month on."""
    data = {
        "product_id": f"p{number}",
        "price_id": "rent",
        "amount": f"{10 + number}.90",
        "effective": "2026-03-15",
        "applies": "immediately",
    }
    return _event("price.published", f"price-{number}", data)


def customer_events(customers: int) -> Iterator[dict[str, Any]]:
    """Yield the registration of customers c0 … with billing day 1."""
    for number in range(customers):
        data = {"customer_id": f"c{number}", "name": f"Customer {number}", "billing_day": 1}
        yield _event("customer.registered", f"customer-{number}", data)


def activation_events(services: int) -> Iterator[dict[str, Any]]:
    """Yield one activation for each service, on a day of January, ten services a customer."""
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    for number in range(services):
        data = {
            "service_id": f"svc-{number}",
            "customer_id": f"c{number // SERVICES_A_CUSTOMER}",
            "product_id": f"p{random.randrange(PRODUCTS)}",
            "quantity": random.choice((1, 1, 1, 2, 5)),
            "effective": (FIRST_DAY + timedelta(days=random.randrange(31))).isoformat(),
            "attributes": {
                "serial": f"5CG{random.randrange(10**9):09}",
                "site": random.choice(("ZRH", "BRN")),
            },
        }
        yield _event("service.activated", f"activation-{number}", data)


def rare_events(services: int) -> Iterator[dict[str, Any]]:
    """Yield what few services have: a product of its own, a suspension, a stop, a plan, no known customer.

    And one adjustment.
    """
    price = {"price_id": "fee", "kind": "one_time", "amount": "5.00", "trigger": "activation"}
    product = {"product_id": "rare", "name": "Rare", "service_type": "rare", "prices": [price]}
    yield _event("product.published", "product-rare", product)
    said = {"amount": "5.00", "effective": "2026-01-20", "reason": "lost charger", "author": "bench"}
    yield _event("adjustment.entered", ADJUSTED["adjustment_id"], {**ADJUSTED, **said})
    for number in range(0, services, RARE):
        effective = (FIRST_DAY + timedelta(days=31 + number % 40)).isoformat()
        for kind, service in (("suspended", number), ("deactivated", number + 1)):
            data = {"service_id": f"svc-{service}", "effective": effective}
            yield _event(f"service.{kind}", f"{kind}-{number}", data)
        for kind, customer_id in (("scheduled", "c0"), ("activated", "c1"), ("activated", "nobody")):
            name = f"rare-{kind}-{customer_id}-{number}"
            data = {"service_id": name, "customer_id": customer_id, "product_id": "rare"}
            yield _event(f"service.{kind}", name, {**data, "effective": "2026-01-20"})


def lifecycle_events(count: int) -> Iterator[dict[str, Any]]:
    """Yield a mixed stream: six in ten are activations, the others change, suspend, resume or stop them."""
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    activated = 0
    kinds = ("changed", "changed", "suspended", "resumed", "deactivated")
    for number in range(count):
        day = (FIRST_DAY + timedelta(days=number * 180 // count)).isoformat()
        if activated == 0 or random.random() < ACTIVATIONS_SHARE:
            data: dict[str, Any] = {
                "service_id": f"svc-{activated}",
                "customer_id": f"c{activated // SERVICES_A_CUSTOMER}",
                "product_id": f"p{random.randrange(PRODUCTS)}",
                "quantity": random.choice((1, 1, 1, 2, 5)),
                "effective": day,
                "attributes": {
                    "serial": f"5CG{random.randrange(10**9):09}",
                    "site": "ZRH",
                    "owner": "J. Doe",
                },
            }
            activated += 1
            yield _event("service.activated", f"event-{number}", data, day)
        else:
            kind = random.choice(kinds)
            data = {"service_id": f"svc-{random.randrange(activated)}", "effective": day}
            if kind == "changed":
                data["quantity"] = random.randint(1, 9)
            yield _event(f"service.{kind}", f"event-{number}", data, day)


def encoded(event: dict[str, Any]) -> bytes:
    """Return an event as a producer would send it: structured CloudEvents JSON."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _event(kind: str, event_id: str, data: dict[str, Any], day: str = "2026-01-01") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": datetime.fromisoformat(f"{day}T08:00:00").replace(tzinfo=UTC).isoformat(),
        "tenantid": TENANT,
        "dataschema": f"urn:billing-ledger:{kind}:1",
        "datacontenttype": "application/json",
        "data": data,
    }
