"""The preview is the invoice of its day, if nothing is heard in between; plans are told apart."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from cli.simulate.scenario_file import Scenario
from projections.preview import Preview, preview
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live
from tests.projections.world import World

pytestmark = pytest.mark.postgres


def previewed(world: World, customer_id: str | None = None) -> Preview:
    world.project()
    return preview(world.connect, world.tenant, clock=world.clock, customer_id=customer_id)


def test_the_next_invoice_of_each_customer(world: World) -> None:
    world.run("2026-06-02")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-28")
    found = previewed(world)
    assert [(i.customer_id, str(i.due_for), i.net_minor) for i in found.invoices] == [
        ("c1", "2026-07-02", 13600),
        ("c2", "2026-07-02", 13200),
    ]


def test_one_customer_alone(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-01")
    world.activate("s2", "c2", "laptop", "2026-06-01")
    assert {item.customer_id for item in previewed(world, "c2").invoices} == {"c2"}


def test_what_is_scheduled_is_shown_as_planned_and_charges_nothing(world: World) -> None:
    world.run("2026-06-02")
    world.hear(
        "service.scheduled",
        service_id="s1",
        customer_id="c1",
        product_id="laptop",
        quantity=2,
        effective="2026-06-24",
    )
    (item,) = previewed(world, "c1").invoices
    assert (item.net_minor, item.lines, str(item.due_for)) == (0, (), "2026-07-02")
    assert sorted(charge.amount_minor for charge in item.planned) == [1400, 6000, 19800]
    world.activate("s1", "c1", "laptop", "2026-06-24", quantity=2)
    (item,) = previewed(world, "c1").invoices
    assert (item.net_minor, item.planned) == (1400 + 6000 + 19800, ())


@pytest.mark.parametrize("seed", range(40, 52))
def test_a_preview_equals_the_runs_that_follow(seed: int, database: str) -> None:
    """BILLING.md §7 (d), on generated histories: every missed day and the next billing day."""
    world = World(database)
    scenario = Scenario.model_validate(generate(Random(seed)))
    begun = scenario.model_copy(update={"steps": scenario.steps[: len(scenario.steps) // 2]})
    live(begun, world)
    found = previewed(world)
    assert found.set_aside == {}
    documents = {(d.customer_id, d.due_for, d.currency): d for d in runs(world, found)}
    shown = {
        (item.customer_id, item.due_for.toordinal(), item.currency): item
        for item in found.invoices
        if item.lines
    }
    assert {key: item.net_minor for key, item in shown.items()} == {
        key: document.net_minor for key, document in documents.items()
    }
    issued = lines_of(world)
    for item in shown.values():
        theirs = issued[item.customer_id, item.due_for.isoformat(), item.currency]
        ours = [line.as_data(item.currency) for line in item.lines]
        assert [(line["amount"], line["explanation"]) for line in theirs] == [
            (line["amount"], line["explanation"]) for line in ours
        ]


def runs(world: World, found: Preview) -> Iterator[Any]:
    for day in sorted({item.due_for for item in found.invoices}):
        evening = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
        world.clock.now = max(world.clock.now, evening)
        yield from world.run(day.isoformat()).documents


def lines_of(world: World) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for line in world.lines():
        content = line["issued"]["document"]
        key = (content["customer_id"], content["due_for"], content["currency"])
        found.setdefault(key, []).append(line)
    return found


def test_nothing_is_shown_where_nothing_is_due(world: World) -> None:
    assert previewed(world).invoices == ()
