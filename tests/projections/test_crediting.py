"""A whole document is taken back by another, and what is still entitled is due again (BILLING.md §7)."""

from pathlib import Path

import pytest

from projections.audit_all import audit_all
from projections.crediting import NothingToCreditError
from projections.invoices import InvoiceUnknownError
from projections.preview import preview
from tests.projections.test_commands import answer
from tests.projections.world import World, opened

pytestmark = pytest.mark.postgres


@pytest.fixture
def july(world: World) -> World:
    opened(world)
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.run("2026-07-02")
    return world


def nets(world: World) -> list[tuple[str, str, str]]:
    documents = {line["issued"]["number"]: line["issued"]["document"] for line in world.lines()}
    return [(number, one["net"], one["amount_due"]) for number, one in documents.items()]


def test_what_is_still_entitled_is_due_again(july: World) -> None:
    july.clock.on("2026-07-10")
    july.credit("INV-000001")
    july.run("2026-08-02")
    assert nets(july) == [
        ("INV-000001", "136.00", "136.00"),
        ("CN-000001", "-136.00", "0.00"),
        ("INV-000002", "166.00", "30.00"),
    ]
    report = audit_all(july.connect, july.tenant, workers=1)
    assert (report.difference, report.documents) == (None, 3)


def test_the_billing_day_is_not_used_up(july: World) -> None:
    """Credited on the billing day itself, before its run: the run still bills that day."""
    july.clock.on("2026-08-02")
    july.credit("INV-000001")
    july.run("2026-08-02")
    assert [net for _, net, _ in nets(july)] == ["136.00", "-136.00", "166.00"]


def test_only_what_stands_is_taken_back(july: World) -> None:
    """After a correction of 20.32 the rest; after that, nothing."""
    july.clock.on("2026-07-20")
    july.hear("service.deactivated", service_id="s1", effective="2026-07-11")
    july.run("2026-08-02")
    july.credit("INV-000001")
    assert [net for _, net, _ in nets(july)] == ["136.00", "-20.32", "-115.68"]
    july.project()
    with pytest.raises(NothingToCreditError):
        july.credit("INV-000001")
    with pytest.raises(InvoiceUnknownError):
        july.credit("INV-000009")
    assert audit_all(july.connect, july.tenant, workers=1).difference is None


def test_a_voided_service_is_not_charged_again(july: World) -> None:
    activated = july.lines()[0]["explanation"]["events"][0][1]
    july.hear("service.voided", service_id="s1", effective="2026-06-24", supersedes={"id": activated})
    july.clock.on("2026-07-10")
    july.credit("INV-000001")
    july.run("2026-08-02")
    assert sum(float(net) for _, net, _ in nets(july)) == 0


def test_a_preview_knows_of_it(july: World) -> None:
    july.clock.on("2026-07-10")
    july.credit("INV-000001")
    july.project()
    (foreseen,) = preview(july.connect, july.tenant, clock=july.clock, customer_id="c1").invoices
    assert foreseen.settlement is not None
    assert (foreseen.net_minor, foreseen.settlement.amount_due) == (16600, 3000)


def test_a_forged_credit_note_is_found(july: World) -> None:
    july.clock.on("2026-07-10")
    july.credit("INV-000001")
    with july.connect() as connection:
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        connection.execute(
            """UPDATE ledger.fact SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
                '"reason":"a mistake"', '"reason":"a present"'), 'UTF8')
            WHERE type = 'invoice.issued' AND payload LIKE '%a mistake%'"""
        )
        assert audit_all(july.connect, july.tenant, workers=1).difference is None, "what was decided stands"
        connection.execute(
            """UPDATE ledger.fact SET payload = convert_to(replace(convert_from(payload, 'UTF8'),
                '"amount":"-99.00"', '"amount":"-98.00"'), 'UTF8')
            WHERE type = 'invoice.lines' AND payload LIKE '%"amount":"-99.00"%'"""
        )
    difference = audit_all(july.connect, july.tenant, workers=1).difference
    assert difference is not None
    assert difference.place.startswith("line")


def test_the_command(july: World, tmp_path: Path) -> None:
    words = ["--tenant", july.tenant, "--reason", "wrong customer", "--author", "u-1"]
    done = answer(july, tmp_path, "invoices", "credit", "INV-000001", *words)
    assert (done["number"], done["kind"], done["net"]) == ("CN-000001", "credit_note", "-136.00")
    july.project()
    shown = answer(july, tmp_path, "invoices", "show", "CN-000001", "--tenant", july.tenant)
    assert shown["document"]["credits"]["number"] == "INV-000001"
