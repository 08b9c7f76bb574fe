"""The forecast is the invoices that follow, to the cent, at every level (BILLING.md §7 d)."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest
from psycopg.sql import SQL, Identifier

from billing.money import parse_minor
from cli.simulate.scenario_file import Scenario
from projections import outstanding
from projections.billrun import CustomerUnknownError
from projections.forecast import Asking, Forecast, MonthsOutOfRangeError, forecast
from projections.preview import preview
from projections.rebuild import rebuild
from projections.session import writing
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live
from tests.projections.world import World

pytestmark = pytest.mark.postgres

Amounts = dict[tuple[str, date, str], int]


def forecasted(world: World, **asking: Any) -> Forecast:
    world.project()
    return forecast(world.connect, world.tenant, Asking(**asking), clock=world.clock)


def nets(found: Forecast, customer_id: str = "") -> Amounts:
    """What the forecast says of each month, but for what is only planned."""
    amounts: Amounts = defaultdict(int)
    for row in found.rows:
        if row.kind != "planned":
            amounts[customer_id, row.month, row.currency] += row.amount_minor
    return {key: amount for key, amount in amounts.items() if amount}


def issued(world: World, after: int) -> Amounts:
    """What was issued in each month, from the facts behind a seq."""
    amounts: Amounts = defaultdict(int)
    with world.connect() as connection:
        rows = connection.execute(
            """SELECT payload FROM ledger.fact
            WHERE tenant_id = %s AND type = 'invoice.issued' AND seq > %s""",
            (world.tenant, after),
        ).fetchall()
    for (payload,) in rows:
        content = orjson.loads(payload)["data"]["document"]
        month = date.fromisoformat(content["due_for"]).replace(day=1)
        amounts[content["customer_id"], month, content["currency"]] += parse_minor(
            content["net"], content["currency"]
        )
    return {key: amount for key, amount in amounts.items() if amount}


@pytest.mark.parametrize("seed", [*range(40, 58), 360])
def test_every_month_is_what_the_runs_issue(seed: int, database: str) -> None:
    world = World(database)
    scenario = Scenario.model_validate(generate(Random(seed)))
    live(scenario.model_copy(update={"steps": scenario.steps[: max(1, len(scenario.steps) // 2)]}), world)
    tenant = forecasted(world, months=5)
    names = [customer.customer_id for customer in scenario.customers]
    customers = {name: forecasted(world, months=5, customer_id=name) for name in names}
    expected: Amounts = {}
    for name, found in customers.items():
        expected |= nets(found, name)
    assert_levels_agree(tenant, customers)
    by_service = {name: forecasted(world, months=5, customer_id=name, by="service") for name in names}
    assert_levels_agree(forecasted(world, months=5, by="service"), by_service)
    head = world.head()
    last = (tenant.last_month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    world.clock.now = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    report = world.run(last.isoformat())
    assert not report.set_aside
    assert issued(world, head) == expected


def assert_levels_agree(tenant: Forecast, customers: dict[str, Forecast]) -> None:
    total: dict[Any, int] = defaultdict(int)
    for found in customers.values():
        for row in found.rows:
            total[row.month, row.currency, row.product_id, row.kind] += row.amount_minor
    ours = {(row.month, row.currency, row.product_id, row.kind): row.amount_minor for row in tenant.rows}
    assert ours == {key: amount for key, amount in total.items() if amount}


@pytest.mark.parametrize("done", [None, "2026-06-30", "2026-07-02", "2026-07-15"])
def test_levels_agree_around_billing_days(world: World, done: str | None) -> None:
    """What is due on a billing day is issued on it, by the sums of all customers as by each customer's."""
    names = ["c1", "c2", "own-15", "own-31"]
    world.customer("own-15", billing_day=15, alignment="anniversary")
    world.customer("own-31", billing_day=31, alignment="billing_day")
    setup = {"price_id": "setup", "kind": "one_time", "amount": "50.00", "trigger": "activation"}
    fees = [
        {"price_id": timing, "kind": "recurring", "amount": "31.00", "interval": interval, "timing": timing}
        for interval, timing in (("month", "in_advance"), ("week", "in_arrears"))
    ]
    world.product("mixed", setup, *fees)
    around = [date(2026, 6, 27), date(2026, 7, 11), date(2026, 7, 29), date(2026, 8, 30), date(2026, 10, 29)]
    days = [first + timedelta(days=more) for first in around for more in range(6)]
    for number, day in enumerate(days):
        service = f"around-{number}"
        world.activate(service, names[number % 4], "mixed", day.isoformat())
        if number % 3 == 1:
            until = days[(number * 7 + 11) % len(days)]
            world.hear("service.deactivated", service_id=service, effective=max(day, until).isoformat())
    if done is not None:
        world.run(done)
    service = {"by": "service"}
    for asking in ({}, service, {"product_id": "mixed"}, {"months": 1}, {**service, "months": 1}):
        wide = {"months": 6, **asking}
        tenant = forecasted(world, **wide)
        assert_levels_agree(tenant, {name: forecasted(world, customer_id=name, **wide) for name in names})
        assert {"scheduled", "ending", "one_time"} <= {row.kind for row in tenant.rows}


def test_classes_add_up_and_are_told_apart(world: World) -> None:
    world.run("2026-06-02")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-09-28")
    world.activate("s3", "c2", "laptop", "2026-06-01")
    world.hear(
        "service.scheduled", service_id="s4", customer_id="c1", product_id="laptop", effective="2026-08-15"
    )
    world.hear("service.deactivated", service_id="s1", effective="2026-12-11")
    found = {
        str(total.month): {kind: amount for kind, amount in total.amounts.items() if amount}
        for total in forecasted(world, months=6).totals()
    }
    assert found == {
        "2026-06-01": {},
        "2026-07-01": {"running": 3000, "ending": 3700, "one_time": 9900, "corrections": 12900},
        "2026-08-01": {"running": 3000, "ending": 3000},
        "2026-09-01": {"running": 3000, "ending": 3000, "planned": 14545},
        "2026-10-01": {
            "running": 3000,
            "scheduled": 3300,
            "ending": 3000,
            "one_time": 9900,
            "planned": 3000,
        },
        "2026-11-01": {"running": 3000, "scheduled": 3000, "ending": 3000, "planned": 3000},
        "2026-12-01": {"running": 3000, "scheduled": 3000, "ending": 968, "planned": 3000},
    }


def a_day_of_a_quarter_is_invoiced(world: World) -> None:
    """By a stop that was withdrawn afterwards: the quarter goes on, and is due when it has ended."""
    fee = {"price_id": "fee", "kind": "recurring", "amount": "92.00"}
    world.product("meter", {**fee, "interval": "quarter", "timing": "in_arrears"})
    world.clock.on("2026-07-01")
    world.activate("s1", "c1", "meter", "2026-07-01")
    stop = world.hear("service.deactivated", service_id="s1", effective="2026-07-02")
    world.run("2026-07-02")
    world.hear("service.voided", service_id="s1", effective="2026-07-03", supersedes={"id": stop})


def test_what_was_invoiced_and_is_due_again_later_waits(world: World) -> None:
    """A stop is invoiced and then withdrawn: nothing goes back, the rest comes when the quarter has ended."""
    a_day_of_a_quarter_is_invoiced(world)
    rows = [(str(row.month), row.kind, row.amount_minor) for row in forecasted(world, months=4).rows]
    assert rows == [("2026-10-01", "running", 9100)]
    found = forecasted(world, months=4, customer_id="c1")
    head = world.head()
    world.run("2026-10-02")
    assert issued(world, head) == nets(found, "c1")


def test_what_waits_no_longer_once_its_document_is_taken_back(world: World) -> None:
    """As above, but the document goes back: its day comes with the quarter, in what is rebuilt and live."""
    a_day_of_a_quarter_is_invoiced(world)
    world.project()
    world.credit(world.numbers()[0])
    found = forecasted(world, months=4)
    assert [(str(row.month), row.kind, row.amount_minor) for row in found.rows] == [
        ("2026-10-01", "running", 9200)
    ]
    before = tables(world)
    with world.connect() as connection:
        rebuild(connection, "all")
    assert tables(world) == before
    head = world.head()
    world.run("2026-10-02")
    assert issued(world, head) == {("c1", date(2026, 10, 1), "EUR"): 9200}


def test_adjustments_are_one_time_amounts(world: World) -> None:
    world.run("2026-06-02")
    told = {"customer_id": "c1", "reason": "late", "author": "ann"}
    first = world.hear(
        "adjustment.entered", **told, adjustment_id="a1", amount="-5.00", effective="2026-06-20"
    )
    world.hear("adjustment.entered", **told, adjustment_id="a2", amount="7.50", effective="2026-08-20")
    amounts = [(str(row.month), row.product_id, row.kind, row.amount_minor) for row in forecasted(world).rows]
    assert amounts == [("2026-07-01", "", "one_time", -500), ("2026-09-01", "", "one_time", 750)]
    world.run("2026-07-02")
    assert len(forecasted(world).rows) == 1
    world.hear("adjustment.voided", **told, supersedes={"id": first})
    (back, _) = forecasted(world, customer_id="c1").rows
    assert (str(back.month), back.kind, back.amount_minor) == ("2026-08-01", "corrections", 500)


def test_both_views_come_to_the_same(world: World) -> None:
    world.run("2026-06-02")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.hear("service.deactivated", service_id="s1", effective="2026-12-11")
    by_issue = forecasted(world, months=9)
    by_service = forecasted(world, months=9, by="service")
    assert [(str(row.month), row.kind, row.amount_minor) for row in by_service.rows][:2] == [
        ("2026-06-01", "ending", 700),
        ("2026-06-01", "one_time", 9900),
    ]
    assert sum(row.amount_minor for row in by_service.rows) == sum(row.amount_minor for row in by_issue.rows)


def test_services_that_wait_are_told_and_shown_as_before(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-01")
    world.activate("s2", "c2", "laptop", "2026-06-01")
    before = forecasted(world)
    world.hear(
        "customer.changed",
        customer_id="c1",
        effective="2026-07-01",
        price_overrides={"laptop": {"rent": "1"}},
    )
    with world.runner() as runner, writing(runner.connection) as cursor:
        runner.group.apply(cursor, world.tenant, facts_limit=10, queue_limit=0)
    asking = Asking(), Asking(customer_id="c1"), Asking(customer_id="c2")
    tenant, c1, c2 = (forecast(world.connect, world.tenant, item, clock=world.clock) for item in asking)
    assert (tenant.pending, c1.pending, c2.pending) == (1, 1, 0)
    assert tenant.rows == before.rows
    assert forecasted(world).pending == 0


def test_customers_who_are_parked_are_told(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-01", quantity="9" * 30)
    tenant, c2 = forecasted(world), forecasted(world, customer_id="c2")
    assert (tenant.parked_customers, c2.parked_customers, tenant.rows) == (1, 0, ())


def test_who_is_parked_is_left_out_live_and_rebuilt(world: World) -> None:
    """They are not billed meanwhile: no forecast and no preview says otherwise."""
    world.activate("s1", "c1", "laptop", "2026-06-01")
    world.activate("s2", "c2", "laptop", "2026-06-01")
    world.run("2026-07-02")
    world.hear("service.changed", service_id="s1", effective="2026-08-01", quantity="9" * 30)
    shown = []
    for _ in range(2):
        for by in ("issue", "service"):
            tenant, c1, c2 = (
                forecasted(world, by=by, **who) for who in ({}, {"customer_id": "c1"}, {"customer_id": "c2"})
            )
            assert tenant.rows == c2.rows != ()
            assert (tenant.parked_customers, c1.parked_customers, c1.rows) == (1, 1, ())
            shown.append((by, tenant.rows))
        seen = preview(world.connect, world.tenant, clock=world.clock)
        assert ({item.customer_id for item in seen.invoices}, set(seen.set_aside)) == ({"c2"}, {"c1"})
        with world.connect() as connection:
            rebuild(connection, "all")
    assert shown[:2] == shown[2:]


def test_months_are_bounded(world: World) -> None:
    assert forecasted(world, months=0).rows == ()
    with pytest.raises(MonthsOutOfRangeError):
        forecasted(world, months=121)
    with pytest.raises(CustomerUnknownError):
        forecasted(world, customer_id="nobody")


@pytest.mark.parametrize("seed", range(60, 66))
def test_rebuilt_is_live(seed: int, database: str) -> None:
    world = World(database)
    live(Scenario.model_validate(generate(Random(seed))), world)
    world.project()
    before = tables(world)
    with world.connect() as connection:
        rebuild(connection, "all")
    assert tables(world) == before
    assert any(before.values())


def tables(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the forecast."""
    with world.runner() as runner, writing(runner.connection) as cursor:
        return {
            table.name: sorted(
                cursor.execute(SQL("SELECT * FROM {}").format(Identifier(table.name))).fetchall()
            )
            for table in outstanding.MODEL.tables
        }
