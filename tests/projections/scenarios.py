"""Lives through a scenario file on a real database: through ledger, projections and bill runs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from billing.days import to_date
from cli.simulate import run as simulate
from cli.simulate.scenario_file import Event, Scenario, default_event_id
from tests.projections.world import World

ALWAYS = date(1, 1, 1)
Heard = tuple[date, dict[str, Any]]


def live(scenario: Scenario, world: World) -> None:
    """Append and bill step by step, as cli/simulate does in memory; a step sees what was heard by its day."""
    facts = sorted(facts_of(scenario), key=lambda fact: fact[0])
    begin = min(
        [day for day, _ in facts if day != ALWAYS] + [date.fromisoformat(s.day) for s in scenario.steps]
    )
    facts = [(max(day, begin), event) for day, event in facts]
    last = begin - timedelta(days=1)
    world.clock.on(begin)
    for step in scenario.steps:
        day = date.fromisoformat(step.day)
        if step.invoice is not None:
            facts = _hear(world, facts, day)
            world.credit(world.numbers()[step.invoice - 1])
        elif step.issue:
            facts = _hear(world, facts, day)
            world.run(step.day, off_cycle=True, customer_id=step.customer_id)
        else:
            # As good as daily runs: a late one bills each missed day in order, with what is known.
            while facts and facts[0][0] <= day:
                before = facts[0][0] - timedelta(days=1)
                if before > last:
                    world.run(before.isoformat(), customer_id=step.customer_id)
                facts = _hear(world, facts, facts[0][0])
            world.run(step.day, customer_id=step.customer_id)
        last = day


def simulated(scenario: Scenario, numbers: list[str]) -> list[dict[str, Any]]:
    """Return the lines that the pure calculation issues, its documents called by `numbers`."""
    documents = simulate.run(scenario).documents
    assert len(documents) == len(numbers)
    named = {str(place): number for place, number in enumerate(numbers, start=1)}
    found = []
    for document in documents:
        for line in document.lines:
            data = line.as_data(document.currency)
            for key in ("reverses", "adjusts"):
                if data.get(key) is not None:
                    data[key] = {**data[key], "document": named[data[key]["document"]]}
            found.append(data)
    return found


def settled(scenario: Scenario) -> list[dict[str, Any]]:
    """Return what the pure calculation says below the total of each document."""
    outcome = simulate.run(scenario)
    return [
        settlement.as_data(document.currency)
        for document, settlement in zip(outcome.documents, outcome.settlements, strict=True)
    ]


def _hear(world: World, facts: list[Heard], until: date) -> list[Heard]:
    moment = datetime(until.year, until.month, until.day, 12, tzinfo=UTC)
    world.clock.now = max(world.clock.now, moment)
    now = [event for day, event in facts if day <= until]
    if now:
        world.append(now)
    return facts[len(now) :]


def facts_of(scenario: Scenario) -> Iterator[Heard]:
    """The scenario as events on the wire, each with the day on which it is heard."""
    tenant = scenario.tenant.model_dump()
    yield ALWAYS, _event("tenant.configured", "tenant", {**tenant, **_given(scenario.policy)})
    for number, customer in enumerate(scenario.customers, start=1):
        data = {**_given(customer), "name": f"commitment of {customer.customer_id}"}
        yield ALWAYS, _event("customer.registered", f"customer-{number}", data)
    for number, change in enumerate(scenario.policy_changes, start=1):
        kind = "tenant.configured" if change.customer_id is None else "customer.changed"
        data = {name: value for name, value in _given(change).items() if name != "heard"}
        yield _day(change.heard or change.effective), _event(kind, f"policy-change-{number}", data)
    for number, product in enumerate(scenario.products, start=1):
        data = product.model_dump(exclude_none=True)
        yield ALWAYS, _event("product.published", f"product-{number}", {**data, "name": data["product_id"]})
    for number, version in enumerate(scenario.price_versions, start=1):
        data = version.model_dump(exclude={"heard"})
        heard = ALWAYS if version.heard is None else _day(version.heard)
        yield heard, _event("price.published", f"price-version-{number}", data)
    for day, fact in simulate.adjustment_facts(scenario):
        yield to_date(day), {"specversion": "1.0", **fact}
    for index, event in enumerate(scenario.events):
        data = {
            name: value
            for name, value in _given(event).items()
            if name not in ("event_id", "type", "heard", "occurred_at") and value is not None
        }
        if event.supersedes is not None:
            data["supersedes"] = {"id": event.supersedes}
        made = _event(event.type, event.event_id or default_event_id(index), data)
        if event.occurred_at is not None:
            made["time"] = event.occurred_at
        yield _heard(event, scenario), made


def _heard(event: Event, scenario: Scenario) -> date:
    """The day on which an event is heard: by default its effective day, in the zone of its customers."""
    if event.heard is not None:
        return _day(event.heard)
    if len(event.effective) == len("2026-06-24"):
        return _day(event.effective)
    named = {other.customer_id for other in scenario.events if other.service_id == event.service_id}
    zones = {
        customer.timezone or scenario.tenant.timezone
        for customer in scenario.customers
        if customer.customer_id in named
    }
    zone = zones.pop() if len(zones) == 1 else scenario.tenant.timezone
    return datetime.fromisoformat(event.effective).astimezone(ZoneInfo(zone)).date()


def _given(part: BaseModel) -> dict[str, Any]:
    """What the scenario's file says, with its nulls."""
    return part.model_dump(exclude_unset=True)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _event(kind: str, event_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "source": simulate.SOURCE, "id": event_id, "type": kind, "data": data}
