"""The bill run on a real database: what is due is issued once, late facts correct on the next invoice."""

import pytest

from tests.projections.world import World

pytestmark = pytest.mark.postgres


def test_june_24_is_billed_on_july_2(world: World) -> None:
    """BILLING.md §10's example: all of July, and what June still lacks."""
    world.clock.on("2026-06-24")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    report = world.run("2026-07-02")
    assert [(d.number, d.net_minor) for d in report.documents] == [("INV-000001", 13600)]
    assert [line["amount"] for line in world.lines()] == ["99.00", "7.00", "30.00"]
