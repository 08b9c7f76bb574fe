"""A replay from the facts equals what the read models said at that seq, and does not see later facts."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from billing.timeline import Timeline
from projections import charges, preview, replay, services
from projections.billrun import CustomerUnknownError
from projections.invoices import invoices
from projections.replay import AsOf, AsOfUnknownError, Replay
from tests.projections.world import RENT, World

pytestmark = pytest.mark.postgres

KIOSK = {"price_id": "fee", "kind": "recurring", "amount": "500", "interval": "month", "timing": "in_arrears"}


def replayed(world: World, as_of: AsOf, customer_id: str = "c1") -> Replay:
    return replay.replay(world.connect, world.tenant, customer_id, as_of, clock=world.clock)


def said(world: World, customer_id: str = "c1") -> dict[str, object]:
    """What the read models say now about a customer."""
    world.project()
    with world.read() as cursor:
        held = services.held_by(cursor, world.tenant, [customer_id])
        rates, amounts = charges.of_services(cursor, world.tenant, [item.service_id for item in held])
        issued = invoices(cursor, world.tenant, customer_id)
    previewed = preview.preview(world.connect, world.tenant, clock=world.clock, customer_id=customer_id)
    assert not previewed.set_aside
    return {
        "timelines": tuple(Timeline.as_data(services.timeline_of(item)) for item in held),
        "run_rates": tuple(item for item in rates if item.customer_id == customer_id),
        "amounts": tuple(item for item in amounts if item.customer_id == customer_id),
        "preview": previewed.invoices,
        "invoices": [(item.number, item.net_minor, item.seq) for item in issued],
    }


def told(found: Replay) -> dict[str, object]:
    assert found.set_aside == {}
    return {
        "timelines": tuple(Timeline.as_data(item) for item in found.timelines),
        "run_rates": found.run_rates,
        "amounts": found.amounts,
        "preview": found.preview,
        "invoices": [(item.number, item.net_minor, item.seq) for item in found.invoices],
    }


def lively(world: World) -> dict[int, dict[str, object]]:
    """A customer's half year; returns by seq what the read models said at that time."""
    at: dict[int, dict[str, object]] = {}

    def look() -> None:
        at[world.head()] = said(world)

    world.product("kiosk", KIOSK, currency="JPY")
    world.clock.on("2026-06-20")
    world.activate("s1", "c1", "laptop", "2026-06-24", quantity=2)
    world.activate("s2", "c1", "kiosk", "2026-06-25T23:30:00+00:00")
    world.hear(
        "service.scheduled",
        service_id="s3",
        customer_id="c1",
        product_id="laptop",
        effective="2026-07-05",
    )
    look()
    world.run("2026-07-02")
    look()
    world.clock.on("2026-07-10")
    world.hear("service.changed", service_id="s1", effective="2026-07-09", quantity="1.5")
    moved = world.hear("service.changed", service_id="s1", effective="2026-07-20", customer_id="c2")
    world.hear("customer.changed", customer_id="c1", effective="2026-08-01", proration="fixed_30")
    look()
    world.run("2026-08-02")
    world.clock.on("2026-08-09")
    world.hear("service.voided", service_id="s1", effective="2026-07-20", supersedes={"id": moved})
    world.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="33.00",
        effective="2026-07-15",
        applies="immediately",
    )
    look()
    world.run("2026-10-05")
    look()
    return at


def test_a_replay_says_what_the_read_models_said_then(world: World) -> None:
    at = lively(world)
    assert len(at) == 5
    for seq, what in at.items():
        assert told(replayed(world, seq)) == what, seq
    assert {len(what["invoices"]) for what in at.values()} > {0, 2}  # type: ignore[arg-type]


def test_a_replay_needs_no_read_model(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    assert [item.service_id for item in replayed(world, world.head()).timelines] == ["s1"]
    with world.connect() as connection:
        row = connection.execute("SELECT to_regclass('read.services_v1') IS NULL").fetchone()
    assert row == (True,)


def test_a_time_between_two_facts_is_the_one_before(world: World) -> None:
    world.clock.on("2026-06-24")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    seq = world.head()
    world.clock.on("2026-06-26")
    world.hear("service.deactivated", service_id="s1", effective="2026-06-25")
    between = datetime(2026, 6, 25, 3, tzinfo=UTC)
    found = replayed(world, between)
    assert (found.seq, found.moment) == (seq, between)
    assert [line.amount_minor for line in found.preview[0].lines] == [9900, 700, 3000]
    exactly = replayed(world, world.clock())
    assert exactly.seq == seq + 1
    assert [line.amount_minor for line in exactly.preview[0].lines] == [9900, 100]


def test_a_day_is_the_tenants_and_counts_whole(world: World) -> None:
    """At 22:30 UTC on 24 June it is the 25th in Zurich."""
    world.clock.now = datetime(2026, 6, 24, 22, 30, tzinfo=UTC)
    world.activate("s1", "c1", "laptop", "2026-06-24")
    assert replayed(world, date(2026, 6, 24)).timelines == ()
    world.clock.now += timedelta(days=1, hours=12)
    found = replayed(world, date(2026, 6, 25))
    assert len(found.timelines) == 1
    assert found.moment.astimezone(ZoneInfo("Europe/Zurich")).date() == date(2026, 6, 25)


def test_a_time_to_come_is_now(world: World) -> None:
    world.clock.on("2026-06-24")
    assert replayed(world, datetime(2030, 1, 1, tzinfo=UTC)).moment == world.clock()


def test_who_shares_a_service_is_known_by_its_own_zone(world: World) -> None:
    """s1 moves from c1 to c3, in another zone: its instants fall back to the tenant's."""
    world.customer("c3", timezone="Pacific/Auckland")
    world.activate("s1", "c3", "laptop", "2026-06-24T20:00:00+00:00")
    assert replayed(world, world.head(), "c3").timelines[0].segments[0].start == date(2026, 6, 25).toordinal()
    world.hear("service.changed", service_id="s1", effective="2026-07-10", customer_id="c1")
    for customer_id in ("c1", "c3"):
        assert told(replayed(world, world.head(), customer_id)) == said(world, customer_id)
    start = replayed(world, world.head(), "c3").timelines[0].segments[0].start
    assert start == date(2026, 6, 24).toordinal()


def test_a_document_without_its_lines_is_not_known_yet(world: World) -> None:
    """A seq may lie within a transaction; nobody ever saw the ledger like that."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    before = world.head()
    world.run("2026-07-02")
    assert replayed(world, before + 1).invoices == ()
    assert [item.number for item in replayed(world, before + 2).invoices] == ["INV-000001"]


def test_a_service_that_breaks_is_named_and_the_others_are_shown(world: World) -> None:
    world.product("odd", {**RENT, "interval": "fortnight"})
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c1", "odd", "2026-06-24")
    found = replayed(world, world.head())
    assert list(found.set_aside) == ["s2"]
    assert [item.service_id for item in found.timelines] == ["s1"]
    assert found.preview == ()


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        pytest.param(99, "facts 1 to 4", id="behind the head"),
        pytest.param(0, "facts 1 to 4", id="seq 0"),
        pytest.param(datetime(2020, 1, 1, tzinfo=UTC), "begins later", id="before the first fact"),
    ],
)
def test_what_the_ledger_does_not_hold_is_refused(world: World, as_of: AsOf, message: str) -> None:
    with pytest.raises(AsOfUnknownError, match=message):
        replayed(world, as_of)


def test_a_customer_that_was_not_known_yet_is_refused(world: World) -> None:
    with pytest.raises(CustomerUnknownError, match="'c1' at seq 2"):
        replayed(world, 2)


def test_the_queries_stay_few(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        world.activate(f"s{number:02d}", "c1", "laptop", "2026-06-24")
    world.run("2026-07-02")
    head = world.head()
    asked: list[object] = []
    real = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        asked.append(query)
        return real(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    found = replayed(world, head)
    assert len(found.timelines) == 30
    assert len(asked) <= 6
