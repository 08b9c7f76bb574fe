"""How a provider opens its ledger, and the one way in which the stories speak."""

from datetime import date
from typing import Any

from cli.demo.messages import Binding, Data, Event, Narrator
from cli.demo.provider import CATALOG, CUSTOMERS, FINANCE, FULFILMENT, SETTINGS, Provider
from cli.demo.times import OPENING_DAY, SETUP_DAY


def open_ledger(provider: Provider, narrator: Narrator) -> None:
    """Tell settings, catalog and customers; the ledger has to be open before it takes anything else."""
    narrator.tell(
        "tenant.configured", provider.settings, heard=OPENING_DAY, source=SETTINGS, subject="tenant"
    )
    for product in provider.products:
        publish(narrator, product.data, heard=SETUP_DAY)
    for customer in provider.customers:
        narrator.tell(
            "customer.registered",
            customer,
            heard=SETUP_DAY,
            source=CUSTOMERS,
            subject=str(customer["customer_id"]),
        )


def publish(narrator: Narrator, product: Data, *, heard: date) -> Event:
    """Tell that a product, or more of its prices, is in the catalog."""
    subject = str(product["product_id"])
    return narrator.tell("product.published", product, heard=heard, source=CATALOG, subject=subject)


def price(
    narrator: Narrator, what: tuple[str, str, str], effective: date, applies: str, *, heard: date, **more: Any
) -> Event:
    """Tell a new version of `what`: product, price and amount."""
    product_id, price_id, amount = what
    data = {"product_id": product_id, "price_id": price_id, "amount": amount, "applies": applies}
    data |= {"effective": effective.isoformat(), **more}
    return narrator.tell("price.published", data, heard=heard, source=CATALOG, subject=product_id)


def customer_changes(
    narrator: Narrator, customer_id: str, effective: date, *, heard: date, **changes: Any
) -> Event:
    """Tell what is new about a customer."""
    data = {"customer_id": customer_id, "effective": effective.isoformat(), **changes}
    return narrator.tell("customer.changed", data, heard=heard, source=CUSTOMERS, subject=customer_id)


def adjusts(
    narrator: Narrator, adjustment_id: str, customer_id: str, amount: str, effective: date, **more: Any
) -> Event:
    """Tell that finance entered a one-off charge, or a credit, on the day from which it is due."""
    data = {"adjustment_id": adjustment_id, "customer_id": customer_id, "amount": amount}
    data |= {"effective": effective.isoformat(), "author": "finance/u-204", **more}
    return narrator.tell("adjustment.entered", data, heard=effective, source=FINANCE, subject=customer_id)


def takes_back(narrator: Narrator, entered: Event, *, heard: date, reason: str) -> Event:
    """Tell that finance takes an adjustment back, after the invoice that had it."""
    data = {"customer_id": entered.subject, "supersedes": naming(entered), "reason": reason}
    data |= {"author": "finance/u-204"}
    return narrator.tell(
        "adjustment.voided", data, heard=heard, source=FINANCE, subject=entered.subject, late=True
    )


def happens(
    narrator: Narrator,
    kind: str,
    service_id: str,
    effective: date | str,
    *,
    heard: date,
    source: str = FULFILMENT,
    binding: Binding = "structured",
    late: bool = False,
    **data: Any,
) -> Event:
    """Tell that something happened to a service on a day, or at an instant with its offset."""
    day = date.fromisoformat(effective[:10]) if isinstance(effective, str) else effective
    told = effective if isinstance(effective, str) else effective.isoformat()
    return narrator.tell(
        f"service.{kind}",
        {"service_id": service_id, "effective": told, **data},
        heard=heard,
        occurred=min(day, heard),
        source=source,
        subject=service_id,
        binding=binding,
        late=late,
    )


def naming(event: Event) -> dict[str, str]:
    """Return what `supersedes` says to name `event`."""
    return {"source": event.source, "id": event.id}
