"""Follows each line back to its facts: what was charged stands in the facts that the line names."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from cli.simulate.scenario_file import Adjustment, Event, Scenario, default_event_id
from tests.checker.recompute import Document

Line = Mapping[str, Any]


def untraced(world: Scenario, customer_id: str, documents: Iterable[Document]) -> Iterator[str]:
    """Yield each line whose named facts don't say who, what, how many or how much."""
    events = {event.event_id or default_event_id(index): event for index, event in enumerate(world.events)}
    entered = {item.event_at(place): (item, place) for place, item in enumerate(world.adjustments, 1)}
    for document in documents:
        for number, line in enumerate(document.lines, 1):
            ids = [event_id for _, event_id in line["explanation"]["events"]]
            if is_of_a_whole_document(world, line, ids):
                continue
            if line["kind"] == "adjustment":
                found = unsaid(customer_id, line, ids, entered)
            else:
                found = missing(world, customer_id, line, [events[event_id] for event_id in ids])
            for what in found:
                yield f"document {document.number}, line {number}: the named facts don't say {what}"


def is_of_a_whole_document(world: Scenario, line: Line, ids: list[str]) -> bool:
    """Tell whether the line takes back one of a document that a step takes back, and names that document."""
    places = {f"invoice-{step.invoice}": str(step.invoice) for step in world.steps if step.invoice}
    return line["reverses"] is not None and [places.get(one) for one in ids] == [line["reverses"]["document"]]


def unsaid(
    customer_id: str, line: Line, ids: list[str], entered: Mapping[str, tuple[Adjustment, int]]
) -> Iterator[str]:
    """Yield what no named fact says of a manual adjustment; a reversal also names what took it back."""
    said = line["explanation"]["entered"]
    named = [entered[event_id] for event_id in ids if event_id in entered]
    shown = (customer_id, line["price_id"], line["service_id"], line["unit_amount"], line["period_start"])
    facts = [
        (item.customer_id, item.adjustment_at(place), item.service_id, item.amount, item.effective)
        for item, place in named
        if (said["reason"], said["author"]) == (item.reason, item.author)
    ]
    if shown not in facts:
        yield f"that {shown}"
    gone = [event_id for event_id in ids if event_id.endswith("/withdrawn")]
    if line["reverses"] and not gone and not any(item.supersedes for item, _ in named):
        yield "that it was taken back"


def missing(world: Scenario, customer_id: str, line: Line, named: list[Event]) -> Iterator[str]:
    if any(event.service_id != line["service_id"] for event in named):
        yield "it about this service"
    if line["reverses"]:
        return
    if not any(event.type == "service.activated" for event in named):
        yield "when the service was activated"
    if all(event.customer_id != customer_id for event in named):
        yield f"that customer {customer_id} pays"
    if all(event.product_id != line["product_id"] for event in named):
        yield f"that the product is {line['product_id']}"
    if Fraction(line["quantity"]) not in {quantity for event in named for quantity in quantities(event)}:
        yield f"that the quantity is {line['quantity']}"
    if Fraction(line["unit_amount"]) not in set(unit_amounts(world, customer_id, line, named)):
        yield f"that the unit amount is {line['unit_amount']}"


def quantities(event: Event) -> Iterator[Fraction]:
    """Yield the quantity that an event sets: an activation that names none sets 1."""
    if event.quantity is not None:
        yield Fraction(event.quantity)
    elif event.type == "service.activated":
        yield Fraction(1)


def unit_amounts(world: Scenario, customer_id: str, line: Line, named: list[Event]) -> Iterator[Fraction]:
    """Yield the unit amounts that the fact behind the price says; for an own price, the named events."""
    product_id, price_id, said = line["product_id"], line["price_id"], line["explanation"]
    if said["price_source"] == "own price":
        yield from (
            Fraction(event.price_overrides[price_id] or -1)
            for event in named
            if price_id in event.price_overrides
        )
        return
    kind, _, place = said["price_version"][1].rpartition("-")
    index = int(place) - 1
    if kind == "product":
        product = world.products[index]
        yield from (
            Fraction(price.amount)
            for price in product.prices
            if (product.product_id, price.price_id) == (product_id, price_id)
        )
    elif kind == "price-version":
        version = world.price_versions[index]
        if (version.product_id, version.price_id) == (product_id, price_id):
            yield Fraction(version.amount)
    else:
        owner = world.customers[index] if kind == "customer" else world.policy_changes[index]
        if owner.customer_id == customer_id:
            yield Fraction(owner.price_overrides[product_id][price_id] or -1)
