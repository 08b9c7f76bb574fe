"""What a price or a policy is said to move is what it moves, to the cent (BILLING.md §1)."""

import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from billing.money import parse_minor
from cli.changing import ConfirmationNeededError, change
from cli.simulate.scenario_file import Scenario
from projections.impact import Impact, PriceUnknownError, impact
from projections.preview import preview
from tests.oracle.histories import scenario
from tests.projections.scenarios import live
from tests.projections.test_commands import answer, billing
from tests.projections.test_replay import lively
from tests.projections.world import World, event, opened

pytestmark = pytest.mark.postgres


def price(amount: str, effective: str, applies: str = "immediately", **more: Any) -> dict[str, Any]:
    data = {"product_id": "laptop", "price_id": "rent", "amount": amount, "effective": effective}
    return {"type": "price.published", "data": {**data, "applies": applies, **more}}


def policy(effective: str, customer_id: str | None = None, **values: Any) -> dict[str, Any]:
    if customer_id is None:
        constants = {"tenant_id": "acme", "name": "Acme AG", "currency": "EUR", "timezone": "Europe/Zurich"}
        return {"type": "tenant.configured", "data": {**constants, "effective": effective, **values}}
    data = {"customer_id": customer_id, "effective": effective, **values}
    return {"type": "customer.changed", "data": data}


def foreseen(world: World, fact: dict[str, Any]) -> Impact:
    world.project()
    with world.read() as cursor:
        return impact(cursor, world.tenant, {**fact, "source": "/test", "id": "asked"}, clock=world.clock)


def sums(world: World) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for item in preview(world.connect, world.tenant, clock=world.clock).invoices:
        key = (item.customer_id, item.currency)
        found[key] = found.get(key, 0) + item.net_minor
    return found


@pytest.fixture
def running(world: World) -> World:
    """c1 was billed for June to August, c2 for July and August; today is 20 August."""
    opened(world)
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-07-01")
    world.run("2026-08-02")
    world.clock.on("2026-08-20")
    return world


def test_a_late_price_moves_what_was_invoiced(running: World) -> None:
    """From 1 July 33 instead of 30: July and August are corrected, September comes with the new price."""
    found = foreseen(running, price("33.00", "2026-07-01"))
    assert (found.is_past, found.customers, found.services) == (True, 2, 2)
    assert (found.totals["EUR"].before_minor, found.totals["EUR"].after_minor) == (6000, 7800)
    assert {item.customer_id: item.difference_minor for item in found.largest} == {"c1": 900, "c2": 900}


def test_a_price_to_come_is_seen_on_the_first_invoice_that_has_it(running: World) -> None:
    found = foreseen(running, price("33.00", "2026-11-15", "next_period"))
    assert (found.is_past, found.until, found.customers) == (False, date(2026, 11, 14), 2)
    assert found.totals["EUR"].after_minor - found.totals["EUR"].before_minor == 600
    assert found.largest[0].days[-1] == date(2026, 12, 2)


@pytest.mark.parametrize(
    ("interval", "timing", "first"),
    [
        ("month", "in_advance", "2027-01-02"),
        ("year", "in_advance", "2027-01-02"),
        ("quarter", "in_arrears", "2027-04-02"),
    ],
)
def test_a_price_that_a_running_period_keeps_out_is_seen_on_the_invoice_that_has_it(
    running: World, interval: str, timing: str, first: str
) -> None:
    """The invoices before have the old price; a price in arrears is due when its period has ended."""
    fee = {"price_id": "fee", "kind": "recurring", "amount": "50.00", "interval": interval, "timing": timing}
    running.product("domain", fee)
    running.activate("s3", "c2", "domain", "2026-08-10")
    fact = price("53.00", "2026-12-02", "next_period", product_id="domain", price_id="fee")
    found = foreseen(running, fact)
    assert [(item.customer_id, item.difference_minor) for item in found.largest] == [("c2", 300)]
    assert found.largest[0].days[-1] == date.fromisoformat(first)


def test_an_invoice_that_comes_on_another_day_is_not_taken_for_less_money(running: World) -> None:
    """Nothing is due on 20 November, the first of the new days: December comes on 20 December."""
    found = foreseen(running, policy("2026-11-15", "c1", billing_day=20))
    assert [item.days[-1] for item in found.largest] == [date(2026, 12, 20)]
    assert (found.customers, found.largest[0].difference_minor) == (1, 0)
    found = foreseen(running, policy("2026-11-15", "c1", billing_day=1))
    assert [item.days[-1] for item in found.largest] == [date(2026, 12, 1)]
    assert (found.customers, found.largest[0].difference_minor) == (1, 0)


def test_new_services_alone_move_nothing(running: World) -> None:
    found = foreseen(running, price("33.00", "2026-09-01", "new_services"))
    assert (found.customers, found.must_be_confirmed, found.asked) == (0, False, 2)


def test_a_price_asks_only_for_who_holds_its_product(running: World) -> None:
    running.product("dock", {"price_id": "rent", "kind": "recurring", "amount": "4.00", "interval": "month",
                             "timing": "in_advance"})  # fmt: skip
    running.customer("c3", billing_day=2)
    running.activate("s3", "c3", "dock", "2026-08-10")
    assert foreseen(running, price("33.00", "2026-09-01")).asked == 2


def test_an_unknown_price_is_no_question(running: World) -> None:
    with pytest.raises(PriceUnknownError):
        foreseen(running, price("33.00", "2026-09-01") | {"data": {"product_id": "x", "price_id": "y"}})


FACTS = [
    pytest.param(price("33.00", "2026-03-10"), id="a price in the past, at once"),
    pytest.param(price("33.00", "2026-03-10", "next_period"), id="a price in the past, next period"),
    pytest.param(price("12.345", "2026-02-01", "new_services"), id="a price for services begun since"),
    pytest.param(policy("2026-03-01", proration="fixed_30"), id="the tenant's proration"),
    pytest.param(policy("2026-02-01", stop_day="billed", rounding="down"), id="stop day and rounding"),
    pytest.param(policy("2026-02-01", credit_on_stop="none"), id="no credit on a stop"),
    pytest.param(policy("2026-04-01", "c1", proration="none"), id="a customer's proration"),
    pytest.param(policy("2026-03-05", "c1", price_overrides={"laptop": {"rent": "20.00"}}), id="own price"),
    pytest.param(policy("2026-05-01", "c1", alignment="anniversary"), id="a customer's periods"),
]


@pytest.mark.parametrize("fact", FACTS)
def test_what_is_shown_is_what_it_moves(world: World, fact: dict[str, Any]) -> None:
    """The difference between the invoices shown is that between the invoices before and after it is heard."""
    lively(world)
    after = shown_and_moved(world, fact)
    issued = len(world.lines())
    world.run("2026-11-02")
    billed: dict[tuple[str, str], int] = {}
    for line in world.lines()[issued:]:
        document = line["issued"]["document"]
        key = (document["customer_id"], document["currency"])
        billed[key] = billed.get(key, 0) + parse_minor(line["amount"], document["currency"])
    assert billed == {key: amount for key, amount in after.items() if key in billed}
    assert set(after) == set(billed)


def test_what_is_shown_is_what_it_moves_in_any_world(database: str) -> None:
    """Generated histories of every event, policy and price, and a fact about something that was invoiced."""
    moved = 0
    for seed in range(12):
        random = Random(seed)
        generated = Scenario.model_validate(scenario(random))
        world = World(database, tenant=f"w{seed}")
        live(generated, world)
        lines = [line for line in world.lines() if line["kind"] == "recurring"]
        if lines:
            constants = {**generated.tenant.model_dump(), "tenant_id": world.tenant, "name": "Generated"}
            before = sums(world)
            after = shown_and_moved(world, a_fact_about(random.choice(lines), random, constants))
            moved += after != before
    assert moved >= 6, "the facts moved too little to prove anything"


def a_fact_about(line: dict[str, Any], random: Random, constants: dict[str, Any]) -> dict[str, Any]:
    """A late price or policy that can reach an invoiced line."""
    product_id, price_id, day = line["product_id"], line["price_id"], line["full_start"]
    customer = {"customer_id": line["issued"]["document"]["customer_id"], "effective": day}
    own = {product_id: {price_id: "2.50"}}
    price = {"product_id": product_id, "price_id": price_id, "amount": "41.00", "effective": day}
    kind, data = random.choice(
        [
            ("price.published", {**price, "applies": "immediately"}),
            ("price.published", {**price, "applies": "next_period"}),
            ("customer.changed", {**customer, "price_overrides": own}),
            ("customer.changed", {**customer, "credit_on_stop": "none", "stop_day": "billed"}),
            ("tenant.configured", {**constants, "effective": day, "proration": "thirty_360"}),
        ]
    )
    return {"type": kind, "data": data}


def shown_and_moved(world: World, fact: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Assert that what is shown of a fact is what it moves once heard; return the next invoices with it."""
    found = foreseen(world, fact)
    before = sums(world)
    world.append([event(fact["type"], fact["data"], "asked", source="/test")])
    world.project()
    after = sums(world)
    moved = {key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after}}
    shown = {(item.customer_id, item.currency): item.difference_minor for item in found.largest}
    assert {key: amount for key, amount in shown.items() if amount} == {
        key: amount for key, amount in moved.items() if amount
    }
    assert found.set_aside == {}
    return after


def test_nothing_is_entered_without_a_yes(running: World, tmp_path: Path) -> None:
    words = [
        "prices",
        "set",
        "laptop",
        "rent",
        "33.00",
        "--effective",
        "2026-07-01",
        "--applies",
        "immediately",
    ]
    words += ["--tenant", running.tenant]
    head = running.head()
    refused = billing(running, tmp_path, *words)
    assert refused.returncode == 2
    assert "confirmation_needed" in refused.stderr
    assert "18.00" in refused.stdout
    dry = answer(running, tmp_path, *words, "--dry-run")
    assert dry["totals"] == [
        {"currency": "EUR", "customers": 2, "before": "60.00", "after": "78.00", "moved": "18.00"}
    ]
    assert running.head() == head
    done = answer(running, tmp_path, *words, "--yes", "--id", "p-1")
    assert (done["outcome"], done["seq"]) == ("booked", head + 1)
    withdrawn = answer(running, tmp_path, *words[:4], "30.00", *words[5:], "--yes", "--supersedes", "p-1")
    assert (withdrawn["outcome"], withdrawn["totals"][0]["moved"]) == ("booked", "-18.00")


def test_a_policy_is_entered(running: World, tmp_path: Path) -> None:
    words = ["policies", "set", "--tenant", running.tenant, "--effective", "2026-09-01"]
    done = answer(running, tmp_path, *words, "billing_day=15", "--customer", "c1", "--yes")
    assert (done["outcome"], done["customers_asked"]) == ("booked", 1)
    done = answer(running, tmp_path, *words, "proration=fixed_30", "--yes")
    assert (done["outcome"], done["customers_asked"]) == ("booked", 2)
    done = answer(running, tmp_path, *words, "price:laptop/rent=20.00", "--customer", "c2", "--yes")
    assert done["largest"][0]["moved"] == "-10.00"
    for wrong in ("colour=red", "billing_day", "billing_day=44", "price:laptop=3"):
        refused = billing(running, tmp_path, *words, wrong, "--yes")
        assert refused.returncode == 2, wrong


def test_what_comes_after_the_invoices_that_were_looked_at_is_asked_for(running: World) -> None:
    """A price in two years moves no invoice that is computed, but running services all the same."""
    found = foreseen(running, price("33.00", "2028-09-01"))
    assert (found.customers, found.is_past, found.must_be_confirmed) == (0, False, True)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        pytest.param(
            "policies set proration=fixed_30 --effective 2028-09-01",
            "it reaches running services, on invoices after 2027-09-24",
            id="later than any invoice that was computed",
        ),
        pytest.param(
            "prices set laptop rent 33.00 --applies new_services --effective 2026-08-01",
            "it counts from a day that has passed",
            id="a day that has passed, and no invoice is moved",
        ),
        pytest.param(
            "prices set laptop rent 33.00 --applies next_period --effective 2026-11-15",
            "it moves invoices",
            id="invoices to come",
        ),
        pytest.param(
            "prices set laptop rent 33.00 --applies immediately --effective 2026-07-01",
            "it moves invoices and counts from a day that has passed",
            id="invoices, from a day that has passed",
        ),
    ],
)
def test_why_a_yes_is_needed_is_what_is_so(running: World, tmp_path: Path, words: str, why: str) -> None:
    refused = billing(running, tmp_path, *words.split(), "--tenant", running.tenant)
    assert refused.returncode == 2
    said = " ".join(refused.stderr.split())
    assert re.findall(r"it [^;]+(?=; nothing was entered)", said) == [why]


@pytest.mark.parametrize(("answered", "booked"), [(True, 1), (False, 0)])
def test_a_person_is_asked(
    running: World, monkeypatch: pytest.MonkeyPatch, answered: bool, booked: int
) -> None:
    head = running.head()
    entered = by_hand(running, monkeypatch, lambda *_: answered)
    assert running.head() == head + booked
    assert entered is answered


def test_what_is_heard_while_a_person_thinks_is_not_overlooked(
    running: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = running.head()

    def think(*_: object) -> bool:
        running.activate("s9", "c1", "laptop", "2026-08-15")
        return True

    assert by_hand(running, monkeypatch, think) is False
    assert running.head() == head + 1


def by_hand(world: World, monkeypatch: pytest.MonkeyPatch, confirm: Callable[..., bool]) -> bool:
    """Enter a late price at a terminal; return whether it was entered."""
    monkeypatch.setenv("DATABASE_URL", world.url)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", confirm)

    def build(_cursor: Any, _tenant_id: str) -> dict[str, Any]:
        return price("33.00", "2026-07-01")

    try:
        change(build, tenant=world.tenant, event_id=None, is_sure=False, dry_run=False, as_json=False)
    except ConfirmationNeededError:
        return False
    return True
