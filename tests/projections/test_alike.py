"""Services that are alike: what one is charged is what the long way gives each of them."""

import pytest

from billing import plans
from projections import alike, charges
from projections.flows import flows_of
from projections.rebuild import rebuild
from projections.runner import Runner
from projections.session import writing
from tests.projections.test_runner import busy, tables
from tests.projections.world import RENT, SETUP, World

pytestmark = pytest.mark.postgres


@pytest.fixture
def compared(monkeypatch):
    """Every pattern that is used, beside the long way: (schedule and flows so, schedule and flows so)."""
    found = []
    pattern_of = alike.pattern_of

    def both(item, known):
        pattern = pattern_of(item, known)
        if pattern is not None:
            timeline, (customer_id,) = item.timeline, item.customer_ids
            named = (item.product_ids, item.customer_ids, known)
            schedule = charges.schedule(timeline, *named)
            planned = [charges.schedule(made, *named) for made in plans.activated_in_turn(timeline)]
            short = (pattern.schedule(timeline.service_id, customer_id), pattern.flows_to(customer_id))
            found.append((short, (schedule, flows_of(timeline, schedule, planned, ()))))
        return pattern

    monkeypatch.setattr(alike, "pattern_of", both)
    return found


def test_alike_is_the_long_way(database, compared):
    """Customers, days, quantities and products that differ where charges do, and many that don't."""
    world = World(database)
    world.open()
    quarter = {**RENT, "price_id": "care", "interval": "quarter", "timing": "in_arrears"}
    world.product("laptop", RENT, SETUP)
    world.product("phone", {**RENT, "amount": "7.335"}, quarter)
    world.customer("plain")
    world.customer("like-plain")
    world.customer("fifth", billing_day=5)
    world.customer("own-day", alignment="anniversary", proration="fixed_30")
    world.customer("moved", billing_day=5)
    world.hear("customer.changed", customer_id="moved", billing_day=9, effective="2026-09-01")
    world.customer("cheaper", price_overrides={"laptop": {"rent": "20.00"}})
    names = ("plain", "like-plain", "fifth", "own-day", "moved", "cheaper", "nobody")
    number = 0
    for customer_id in names:
        for product_id in ("laptop", "phone", "unheard-of"):
            for effective in ("2026-06-24", "2026-06-30"):
                for quantity in ("1", "1.0", "2"):
                    number += 1
                    world.activate(f"s{number}", customer_id, product_id, effective, quantity=quantity)
    for alone, data in enumerate(
        (
            {"free_until": "2026-08-01"},
            {"already_billed_through": "2026-07-31"},
            {"price_overrides": {"rent": "1.00"}},
            {},
            {},
        )
    ):
        world.activate(f"alone-{alone}", "plain", "laptop", "2026-06-24", quantity="1", **data)
    more = {"customer_id": "plain", "product_id": "laptop", "quantity": "3"}
    world.hear("service.scheduled", service_id="alone-3", effective="2027-02-01", **more)
    world.hear("service.changed", service_id="alone-4", effective="2026-06-24", product_id="phone")
    world.project()
    world.product("tablet", RENT)
    world.hear(
        "price.published",
        product_id="phone",
        price_id="rent",
        amount="9.00",
        effective="2026-08-15",
        applies="immediately",
    )
    world.project()
    assert len(compared) > 100
    assert [short for short, _ in compared] == [long for _, long in compared]


@pytest.mark.parametrize("seed", [2, 8, 19, 31])
def test_the_read_models_are_those_of_the_long_way(seed, database, compared, monkeypatch):
    world = World(database)
    busy(world, seed)
    world.project()
    assert [short for short, _ in compared] == [long for _, long in compared]
    before = tables(world)
    monkeypatch.setattr(alike, "pattern_of", lambda *_: None)
    with world.connect() as connection:
        rebuild(connection, "all")
    assert tables(world) == before


def test_what_is_alike_is_computed_once_and_forgotten_with_the_catalog(world, monkeypatch):
    made = []
    schedule = charges.schedule
    monkeypatch.setattr(charges, "schedule", lambda *given: made.append(given) or schedule(*given))
    for number in range(6):
        world.activate(f"s{number}", f"c{number % 2 + 1}", "laptop", "2026-06-24")
    world.project()
    assert len(made) == 1
    with world.runner() as runner:
        assert made_by(world, runner, made) == 1, "a new runner knows nothing yet"
        assert made_by(world, runner, made) == 0
        world.product("phone", RENT)
        assert made_by(world, runner, made) == 1, "the catalog is another one"


def made_by(world: World, runner: Runner, made: list) -> int:
    """How many schedules are computed when all services are folded again."""
    runner.catch_up(world.tenant)
    before = len(made)
    with writing(runner.connection) as cursor:
        cursor.execute("INSERT INTO queue_v1 SELECT DISTINCT tenant_id, service_id, 'again' FROM services_v1")
    runner.catch_up(world.tenant)
    return len(made) - before
