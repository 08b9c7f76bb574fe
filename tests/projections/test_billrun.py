"""The bill run on a real database: what is due is issued once, late facts correct on the next invoice."""

from datetime import date
from decimal import Decimal

import pytest

from billing.days import day
from projections import accounts, billrun, drafting, invoices
from projections.billrun import CustomerUnknownError, IssueDateInFutureError
from projections.workers import Task, Worker
from tests.projections.world import World

pytestmark = pytest.mark.postgres


def amounts(world: World) -> list[tuple[str, str]]:
    return [(line["issued"]["number"], line["amount"]) for line in world.lines()]


def test_june_24_is_billed_on_july_2(world: World) -> None:
    """BILLING.md §10's example: all of July, and what June still lacks."""
    world.clock.on("2026-06-24")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    report = world.run("2026-07-02")
    assert [(d.number, d.net_minor) for d in report.documents] == [("INV-000001", 13600)]
    assert [line["amount"] for line in world.lines()] == ["99.00", "7.00", "30.00"]


def test_a_late_stop_becomes_a_credit_note_on_the_next_billing_day(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.run("2026-07-02")
    world.clock.on("2026-07-20")
    world.hear("service.deactivated", service_id="s1", effective="2026-07-11")
    report = world.run("2026-08-02")
    assert [(d.number, d.kind, d.net_minor) for d in report.documents] == [
        ("CN-000001", "credit_note", -2032)
    ]


def test_a_run_again_issues_nothing_and_leaves_no_trace(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.run("2026-07-02")
    head = world.head()
    report = world.run("2026-07-02")
    assert (report.documents, world.head()) == ((), head)


def test_a_dry_run_writes_nothing_and_equals_the_real_run(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-28")
    world.clock.on("2026-07-02")
    world.project()
    head = world.head()
    planned = world.run("2026-07-02", dry_run=True)
    assert world.head() == head
    real = world.run("2026-07-02")
    assert [d.number for d in planned.documents] == [None, None]
    bound = [(d.customer_id, d.due_for, d.net_minor, d.lines_root) for d in planned.documents]
    assert bound == [(d.customer_id, d.due_for, d.net_minor, d.lines_root) for d in real.documents]


def test_missed_days_are_billed_in_order_with_the_real_issue_date(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    report = world.run("2026-09-05")
    days = [date.fromordinal(d.due_for).isoformat() for d in report.documents]
    assert days == ["2026-07-02", "2026-08-02", "2026-09-02"]
    with world.read() as cursor:
        world_rows = invoices.invoices(cursor, world.tenant)
    assert world_rows == []  # nobody has projected them yet
    world.project()
    with world.read() as cursor:
        assert {row.issued_on.isoformat() for row in invoices.invoices(cursor, world.tenant)} == {
            "2026-09-05"
        }


def test_a_day_on_which_nothing_was_due_is_not_missed_later(world: World) -> None:
    """A late one-time charge comes on the next billing day, not on one that a run has seen."""
    for month in ("07", "08", "09"):
        assert world.run(f"2026-{month}-02").documents == ()
    world.clock.on("2026-09-10")
    world.activate("s1", "c1", "laptop", "2026-07-20")
    report = world.run("2026-10-02")
    assert [date.fromordinal(d.due_for).isoformat() for d in report.documents] == ["2026-10-02"]


def test_zero_documents_wait_for_a_line_that_is_not_zero(world: World) -> None:
    world.product("free", {"price_id": "fee", "kind": "one_time", "amount": "0.00", "trigger": "activation"})
    world.activate("s1", "c1", "free", "2026-06-24")
    assert world.run("2026-07-02").documents == ()
    world.clock.on("2026-07-10")
    world.activate("s2", "c1", "laptop", "2026-07-10")
    world.run("2026-08-02")
    assert [(line["service_id"], line["amount"]) for line in world.lines()] == [
        ("s1", "0.00"),
        ("s2", "99.00"),
        ("s2", "21.29"),
        ("s2", "30.00"),
    ]


def test_a_date_after_the_ledgers_day_is_refused(world: World) -> None:
    world.clock.on("2026-07-01")
    with pytest.raises(IssueDateInFutureError, match="2026-07-02 has not come yet"):
        billrun.run(world.connect, world.tenant, date(2026, 7, 2), clock=world.clock)


def test_the_ledgers_day_is_the_tenants_local_day(world: World) -> None:
    """At 22:30 UTC on 1 July it is 2 July in Zurich."""
    world.clock.now = world.clock.now.replace(month=7, day=1, hour=22, minute=30)
    assert billrun.run(world.connect, world.tenant, date(2026, 7, 2), clock=world.clock).documents == ()


def test_one_customer_may_be_billed_alone_and_off_the_cycle(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    report = world.run("2026-06-26", customer_id="c1", off_cycle=True)
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 10600)]
    report = world.run("2026-07-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 3000), ("c2", 13600)]


def test_a_customer_that_nobody_registered_is_refused(world: World) -> None:
    with pytest.raises(CustomerUnknownError, match="'c9'"):
        world.run("2026-07-02", customer_id="c9")


def test_two_currencies_make_two_invoices(world: World) -> None:
    world.product(
        "kiosk",
        {
            "price_id": "fee",
            "kind": "recurring",
            "amount": "500",
            "interval": "month",
            "timing": "in_advance",
        },
        currency="JPY",
    )
    world.activate("s1", "c1", "laptop", "2026-07-01")
    world.activate("s2", "c1", "kiosk", "2026-07-01")
    report = world.run("2026-07-02")
    assert [(d.currency, d.net_minor) for d in report.documents] == [("EUR", 12900), ("JPY", 500)]
    assert [(t.currency, t.net_minor) for t in report.totals] == [("EUR", 12900), ("JPY", 500)]


def test_a_customer_that_breaks_is_set_aside_and_the_others_go_through(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    broken = ("c1",)

    def customer(read: object, customer_id: str, *rest: object) -> object:
        if customer_id in broken:
            raise ArithmeticError("no such number")
        return real(read, customer_id, *rest)

    real = drafting._customer
    monkeypatch.setattr(drafting, "_customer", customer)
    report = world.run("2026-07-02")
    assert [d.customer_id for d in report.documents] == ["c2"]
    assert report.set_aside == {"c1": "ArithmeticError: no such number"}
    broken = ()
    report = world.run("2026-07-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 13600)]


def test_a_price_heard_late_corrects_what_is_settled(world: World) -> None:
    """The periods that a run leaves out as settled come back when a fact reaches them."""
    world.activate("s1", "c1", "laptop", "2026-07-01")
    for month in ("07", "08", "09", "10"):
        world.run(f"2026-{month}-02")
    world.clock.on("2026-10-15")
    world.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="33.00",
        effective="2026-08-01",
        applies="immediately",
    )
    world.run("2026-11-02")
    last = [Decimal(amount) for number, amount in amounts(world) if number == "INV-000005"]
    assert sum(last) == 3 * 3 + 33


def test_the_next_invoice_goes_to_the_address_of_its_day(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-07-01")
    world.hear("customer.changed", customer_id="c1", effective="2026-08-01", name="commitment of a new name")
    world.run("2026-08-02")
    names = [line["issued"]["document"]["buyer"]["name"] for line in world.lines()]
    assert names == ["commitment of c1"] * 2 + ["commitment of a new name"]


def test_an_account_that_went_on_meanwhile_is_computed_again(world: World) -> None:
    """A snapshot taken before another run issued must not bill the same twice."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.clock.on("2026-07-02")
    first = world.run("2026-07-02")
    assert len(first.documents) == 1
    worker = Worker(Task(world.connect, world.tenant, world.clock, dry_run=False, off_cycle=False))
    outcome = worker.run({"c1": (day("2026-07-02"),)})  # nobody has projected the first invoice yet
    worker.close()
    assert (outcome.documents, outcome.later) == ((), frozenset({"c1"}))


def test_progress_goes_behind_for_those_set_aside() -> None:
    begin = accounts.Progress(None, {})
    first = accounts.after_run(begin, date(2026, 7, 2), ["c2"])
    second = accounts.after_run(first, date(2026, 8, 2), ["c2", "c3"])
    assert second.of("c1") == date(2026, 8, 2)
    assert second.of("c2") is None
    assert second.of("c3") == date(2026, 7, 2)
    assert accounts.after_run(second, date(2026, 7, 15), []) == second
