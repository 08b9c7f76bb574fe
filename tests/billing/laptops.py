"""One customer, a laptop, and what may happen to it: facts for tests of single rules."""

from billing.catalog import fold_catalog
from billing.facts import service_event
from billing.policies import fold_policies
from billing.timeline import fold


def fact(kind, name, /, **data):
    return {"source": "x", "id": name, "type": kind, "data": data}


RENT = {"kind": "recurring", "amount": "30.00", "interval": "month", "timing": "in_advance"}
LAPTOP = fact(
    "product.published",
    "laptop",
    product_id="laptop",
    name="Laptop",
    prices=[
        {"price_id": "rent", **RENT},
        {"price_id": "setup", "kind": "one_time", "amount": "9.00", "trigger": "activation"},
        {"price_id": "swap", "kind": "one_time", "amount": "5.00", "trigger": "change"},
    ],
)
LATER_PRICES = fact(
    "product.published",
    "care",
    product_id="laptop",
    prices=[
        {"price_id": "care", **RENT, "since": "2026-06-10"},
        {
            "price_id": "gift",
            "kind": "one_time",
            "amount": "1.00",
            "trigger": "activation",
            "since": "2026-05-10",
        },
        {
            "price_id": "late",
            "kind": "one_time",
            "amount": "1.00",
            "trigger": "activation",
            "since": "2026-05-11",
        },
    ],
)
WEEKLY = fact(
    "product.published",
    "weekly",
    product_id="weekly",
    prices=[{"price_id": "week", **RENT, "interval": "week"}],
)
CATALOG, _ = fold_catalog([(LAPTOP, 1), (LATER_PRICES, 2), (WEEKLY, 3)])
ACTIVATED = fact(
    "service.activated", "on", service_id="s", customer_id="c", product_id="laptop", effective="2026-05-10"
)


def terms(**policy):
    tenant = fact("tenant.configured", "t", currency="EUR", timezone="UTC", **policy)
    return fold_policies([(tenant, 1), (fact("customer.registered", "c", customer_id="c"), 2)])[0]


def timeline(*events, policies):
    return fold([service_event(event, heard) for heard, event in enumerate(events)], policies.zone_of)


def later(kind, name, effective, /, **data):
    return fact(f"service.{kind}", name, service_id="s", effective=effective, **data)
