"""Manual adjustments and account credit: from the ledger to document, preview, audit and replay."""

import json
from functools import partial
from pathlib import Path

import pytest

from cli.main import main
from projections import adjustments
from projections.adjusting import (
    AdjustmentInvalidError,
    AdjustmentTakenError,
    AdjustmentUnknownError,
    entering,
    withdrawing,
)
from projections.audit_all import audit_all
from projections.billrun import CustomerUnknownError
from projections.preview import preview
from projections.replay import replay
from tests.projections.test_commands import answer, billing
from tests.projections.world import World, event, opened

pytestmark = pytest.mark.postgres
DATA = {
    "adjustment_id": "a1",
    "customer_id": "c1",
    "amount": "-200.00",
    "effective": "2026-06-30",
    "reason": "case 4711",
    "author": "u-204",
    "text": "Goodwill",
}


@pytest.fixture
def acme(world: World) -> World:
    opened(world)
    world.activate("s1", "c1", "laptop", "2026-06-24")
    return world


def decided(world: World, decide) -> dict:
    world.project()
    with world.read() as cursor:
        return decide(cursor)


def enter(world: World, **more) -> None:
    world.append([decided(world, lambda cursor: entering(cursor, world.tenant, {**DATA, **more}))])


def issued(world: World) -> list[tuple[str, str, dict, str]]:
    documents = {line["issued"]["number"]: line["issued"]["document"] for line in world.lines()}
    return [
        (number, one["net"], one["account_credit"], one["amount_due"]) for number, one in documents.items()
    ]


def test_credit_is_carried_from_document_to_document_and_audited(acme: World) -> None:
    enter(acme)
    acme.run("2026-07-02")
    acme.run("2026-08-02")
    acme.run("2026-11-02")  # three days at once go on from one another
    assert [(number, net, due) for number, net, _, due in issued(acme)] == [
        ("CN-000001", "-64.00", "0.00"),
        ("INV-000001", "30.00", "0.00"),
        ("INV-000002", "30.00", "0.00"),
        ("INV-000003", "30.00", "26.00"),
        ("INV-000004", "30.00", "30.00"),
    ]
    assert [credit["carried_forward"] for _, _, credit, _ in issued(acme)] == [
        "64.00", "34.00", "4.00", "0.00", "0.00",
    ]  # fmt: skip
    report = audit_all(acme.connect, acme.tenant, workers=1)
    assert (report.difference, report.documents) == (None, 5)


def test_a_preview_is_what_the_run_issues_and_what_a_replay_shows(acme: World) -> None:
    enter(acme)
    acme.project()
    acme.clock.on("2026-07-01")
    (foreseen,) = preview(acme.connect, acme.tenant, clock=acme.clock, customer_id="c1").invoices
    assert foreseen.settlement is not None
    acme.run("2026-07-02")
    ((_, _net, credit, due),) = issued(acme)
    data = foreseen.settlement.as_data("EUR")
    assert (foreseen.net_minor, data["account_credit"], data["amount_due"]) == (-6400, credit, due)
    with acme.connect():
        then = replay(acme.connect, acme.tenant, "c1", acme.head(), clock=acme.clock)
    assert then.preview[0].settlement is not None
    assert then.preview[0].settlement.brought_forward == 6400


def test_a_forged_credit_is_found(acme: World) -> None:
    """Who lowers what is carried forward, behind the ledger's back, is told where."""
    enter(acme)
    acme.run("2026-07-02")
    with acme.connect() as connection:
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        connection.execute(
            """UPDATE ledger.fact SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
                '"carried_forward":"64.00"', '"carried_forward":"04.00"'), 'UTF8')
            WHERE type = 'invoice.issued'"""
        )
    difference = audit_all(acme.connect, acme.tenant, workers=1).difference
    assert difference is not None
    assert (difference.place, difference.field) == ("document", "account_credit.carried_forward")


def test_an_adjustment_that_is_withdrawn_is_reversed_once(acme: World) -> None:
    enter(acme, amount="12.50")
    acme.run("2026-07-02")
    event = decided(
        acme,
        lambda cursor: withdrawing(cursor, acme.tenant, "c1", "a1", reason="mistake", author="u-1"),
    )
    acme.append([event])
    acme.run("2026-08-02")
    acme.run("2026-09-02")
    lines = [line for line in acme.lines() if line["kind"] == "adjustment"]
    assert [(line["amount"], line["service_id"]) for line in lines] == [("12.50", None), ("-12.50", None)]
    with acme.read() as cursor:
        (row,) = adjustments.adjustments(cursor, acme.tenant)
    assert (row.is_live, row.numbers) == (False, ["INV-000001", "INV-000002"])
    assert audit_all(acme.connect, acme.tenant, workers=1).difference is None


def test_events_of_two_sources_with_one_id_are_each_taken_back(acme: World) -> None:
    """Also where the id is as long as an id may be."""
    event_id = "e" * 200
    entered = {"customer_id": "c1", "effective": "2026-06-20", "amount": "5.00", "reason": "r", "author": "a"}
    for number, source in enumerate(("/erp", "/crm"), 1):
        data = {**entered, "adjustment_id": f"b{number}", "text": "Charged by hand"}
        acme.append([event("adjustment.entered", data, event_id, source=source)])
    for name in ("b1", "b2"):
        taken = partial(withdrawing, tenant_id=acme.tenant, customer_id="c1", reason="r", author="a")
        acme.append([decided(acme, partial(taken, adjustment_id=name))])
    acme.project()
    with acme.read() as cursor:
        rows = adjustments.adjustments(cursor, acme.tenant)
    assert [(row.adjustment_id, row.is_live) for row in rows] == [("b2", False), ("b1", False)]


def test_a_policy_pays_out(acme: World) -> None:
    acme.hear("customer.changed", customer_id="c1", effective="2026-07-01", account_credit="pay_out")
    enter(acme)
    acme.run("2026-08-02")
    assert [(net, credit["paid_out"], due) for _, net, credit, due in issued(acme)] == [
        ("-64.00", "64.00", "0.00"),
        ("30.00", "0.00", "30.00"),
    ]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        pytest.param({"customer_id": "c9"}, CustomerUnknownError, id="unknown customer"),
        pytest.param({"amount": "0.00"}, AdjustmentInvalidError, id="nothing"),
        pytest.param({"amount": "1.005"}, AdjustmentInvalidError, id="finer than a cent"),
        pytest.param({"amount": "1.5", "currency": "JPY"}, AdjustmentInvalidError, id="finer than a yen"),
    ],
)
def test_what_can_not_be_entered_is_refused(acme: World, more, error) -> None:
    with pytest.raises(error):
        enter(acme, **more)


def test_an_id_is_taken_once(acme: World) -> None:
    enter(acme)
    with pytest.raises(AdjustmentTakenError, match="with another amount; take another id"):
        enter(acme, amount="5.00")
    acme.append([event("adjustment.entered", {**DATA, "adjustment_id": "a3"}, "x", source="/erp")])
    with pytest.raises(AdjustmentTakenError, match="by an event of source '/erp'"):
        enter(acme, adjustment_id="a3")
    with pytest.raises(AdjustmentUnknownError):
        decided(acme, lambda cursor: withdrawing(cursor, acme.tenant, "c1", "a2", reason="r", author="a"))


def test_live_and_rebuilt_are_the_same(acme: World, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    enter(acme)
    acme.run("2026-07-02")
    acme.project()
    query = "SELECT * FROM read.adjustments_v2", "SELECT customer_id, credit FROM read.accounts_v2 ORDER BY 1"
    with acme.connect() as connection:
        live = [connection.execute(one).fetchall() for one in query]
    monkeypatch.setenv("DATABASE_URL", acme.url)
    assert main(["rebuild"]) == 0, capsys.readouterr()
    with acme.connect() as connection:
        assert [connection.execute(one).fetchall() for one in query] == live


def test_the_commands(acme: World, tmp_path: Path) -> None:
    words = ["adjustments", "enter", "--customer", "c1", "--amount", "-5.00", "--reason", "late", "--author"]
    words += ["u-1", "--id", "a7", "--effective", "2026-07-01", "--service", "s1", "--tenant", acme.tenant]
    entered = answer(acme, tmp_path, *words)
    assert (entered["outcome"], entered["adjustment_id"]) == ("booked", "a7")
    acme.project()
    (listed,) = answer(acme, tmp_path, "adjustments", "list", "--tenant", acme.tenant)
    assert (listed["amount"], listed["service_id"], listed["withdrawn"]) == ("-5.00", "s1", False)
    taken = ["adjustments", "withdraw", "a7", "--customer", "c1", "--reason", "r", "--author", "u"]
    assert answer(acme, tmp_path, *taken, "--tenant", acme.tenant)["outcome"] == "booked"
    again = billing(acme, tmp_path, *taken, "--tenant", acme.tenant)
    assert again.returncode != 0
    assert "adjustment_unknown" in again.stderr
    assert json.dumps(listed["event"]) == json.dumps({"source": "/adjustments", "id": "a7"})
