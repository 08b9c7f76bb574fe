"""The list of services finds, by index, what a look at every timeline finds."""

from datetime import date, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from billing.days import Day
from cli.simulate.scenario_file import Scenario
from projections import services
from projections.service_list import STATES, ServiceFilter, on, page
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live
from tests.projections.world import World

pytestmark = pytest.mark.postgres


def everything(cursor: Any, tenant: str) -> dict[str, tuple[Any, set[str]]]:
    """Every timeline, and who ever held the service, by id."""
    rows = cursor.execute("SELECT service_id, customer_id FROM services_v1 WHERE tenant_id = %s", (tenant,))
    holders: dict[str, set[str]] = {}
    for service_id, customer_id in rows.fetchall():
        holders.setdefault(service_id, set()).add(customer_id)
    return {
        name: (services.timeline_of(services.service(cursor, tenant, name)[0]), held)
        for name, held in sorted(holders.items())
    }


@pytest.mark.parametrize("seed", range(6))
def test_pages_are_what_a_look_at_every_service_gives(seed: int, database: str) -> None:
    world = World(database)
    live(Scenario.model_validate(generate(Random(seed))), world)
    world.project()
    with world.read() as cursor:
        known = everything(cursor, world.tenant)
        assert known
        days = sorted({one.start for timeline, _ in known.values() for one in timeline.segments})
        first = date.fromordinal(days[0]) if days else date(2026, 6, 1)
        products = {one.product_id for timeline, _ in known.values() for one in timeline.segments}
        customers = {name for _, held in known.values() for name in held}
        seen = set()
        for today, state, product_id, customer_id in product(
            [first + timedelta(days=step) for step in (-10, 0, 40, 400)],
            [None, *STATES],
            [None, *sorted(products)],
            [None, *sorted(customers)[:2]],
        ):
            wanted = ServiceFilter(customer_id=customer_id, product_id=product_id, state=state)
            expected = []
            for name, (timeline, held) in known.items():
                item = on(timeline, Day(today.toordinal()))
                last = on(timeline, Day(date.max.toordinal() - 1))
                if (
                    state in {None, item.state}
                    and (customer_id is None or customer_id in held)
                    and (product_id is None or (last.held is not None and last.held.product_id == product_id))
                ):
                    expected.append(name)
                    seen.add(item.state)
            assert walked(cursor, world.tenant, wanted, today) == expected, (wanted, today)
        assert seen


def walked(cursor: Any, tenant: str, wanted: ServiceFilter, today: date) -> list[str]:
    found: list[str] = []
    after = ""
    while items := page(cursor, tenant, wanted, today=today, after=after, limit=2):
        assert len(items) <= 2
        found += [item.timeline.service_id for item in items]
        after = found[-1]
    return found


def test_by_service_type_and_prefix(world: World) -> None:
    world.product("phone", service_type="mobile")
    world.product("tablet", service_type="mobile")
    for name, product_id in (("a1", "phone"), ("a2", "tablet"), ("b1", "phone"), ("b2", "laptop")):
        world.activate(name, "c1", product_id, "2026-06-01")
    world.project()

    def found(**wanted: Any) -> list[str]:
        with world.read() as cursor:
            return walked(cursor, world.tenant, ServiceFilter(**wanted), date(2026, 6, 2))

    assert found(service_type="mobile") == ["a1", "a2", "b1"]
    assert found(service_type="mobile", product_id="phone") == ["a1", "b1"]
    assert found(service_type="mobile", product_id="laptop") == []
    assert found(service_type="none") == []
    assert found(prefix="b") == ["b1", "b2"]
    assert found(prefix="b", service_type="mobile", state="active", customer_id="c1") == ["b1"]


def test_a_change_to_come_shows_on_its_day(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-01")
    world.hear("service.deactivated", service_id="s1", effective="2026-08-01")
    world.project()
    with world.read() as cursor:
        for day, state in (("2026-05-31", "scheduled"), ("2026-07-31", "active"), ("2026-08-01", "stopped")):
            for asked in STATES:
                wanted = ServiceFilter(state=asked)
                items = page(cursor, world.tenant, wanted, today=date.fromisoformat(day), limit=9)
                assert [item.state for item in items] == ([state] if asked == state else []), (day, asked)
