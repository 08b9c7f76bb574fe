"""An issued document is what its facts gave: later facts change nothing, and what is forged is named."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from cli.main import main
from ledger.canonical import canonical
from ledger.leaf import LEAF_SQL
from ledger.merkle import root_of
from ledger.verify import verify
from projections import audit_all
from projections.audit import Audited, audit_document, read_document
from projections.audit_all import AuditReport
from projections.evidence import evidence, refs_of
from projections.invoices import InvoiceUnknownError
from projections.session import reading_facts
from tests.projections.test_replay import lively
from tests.projections.world import RENT, World, event, later

pytestmark = pytest.mark.postgres


def everything(world: World, **options: Any) -> AuditReport:
    return audit_all.audit_all(world.connect, world.tenant, **{"workers": 1, **options})


def one(world: World, number: str) -> Audited:
    with world.connect() as connection, reading_facts(connection, world.tenant) as cursor:
        found, customer_id = read_document(cursor, world.tenant, number)
    return audit_document(found, customer_id, number)


def equal(world: World) -> int:
    """Audit all documents, together and one by one; return how many there are."""
    report = everything(world)
    assert report.difference is None, str(report.difference)
    numbers = world.numbers()
    assert report.documents == len(numbers)
    assert report.lines == len(world.lines())
    for number in numbers:
        assert one(world, number).difference is None, number
    return len(numbers)


def rewrite(world: World, where: str, change: Callable[[Any], None], *parameters: object) -> None:
    """What a superuser can do: switch the triggers off, change a payload, and make its leaf fit."""
    with world.connect() as connection, connection.transaction():
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        rows = connection.execute(
            f"SELECT seq, payload FROM ledger.fact WHERE tenant_id = %s AND {where}",  # type: ignore[arg-type]
            (world.tenant, *parameters),
        ).fetchall()
        assert rows
        for seq, payload in rows:
            content = orjson.loads(payload)
            change(content["data"])
            connection.execute(
                "UPDATE ledger.fact SET payload = %s WHERE tenant_id = %s AND seq = %s",
                (canonical(content), world.tenant, seq),
            )
        connection.execute(f"UPDATE ledger.fact SET leaf = {LEAF_SQL}")  # type: ignore[arg-type]
        connection.execute("ALTER TABLE ledger.fact ENABLE ALWAYS TRIGGER fact_is_never_changed")


def forge_amount(world: World, number: str, place: int, amount: str, net: str) -> None:
    """Change a line, and all that is bound to it: amounts, root and net stay consistent."""
    lines: list[Any] = []

    def line(data: Any) -> None:
        data["lines"][place - 1]["amount"] = amount
        lines.extend(data["lines"])

    def document(data: Any) -> None:
        if data["number"] == number:
            data["document"]["net"] = net
            data["document"]["lines_root"] = root_of(map(canonical, lines)).hex()

    rewrite(world, "stream = %s", line, f"invoice/{number}")
    rewrite(world, "type = 'invoice.issued'", document)


@pytest.fixture
def july(world: World) -> World:
    """c1 was billed for June and July: 99.00, 7.00 and 30.00; c2 only for July."""
    world.clock.on("2026-06-24")
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-07-01")
    world.run("2026-07-02")
    return world


def test_every_document_of_a_lively_half_year_is_equal(world: World) -> None:
    """Two currencies, a move to another customer and back, late prices and policies, months caught up."""
    lively(world)
    assert equal(world) >= 8


def test_days_caught_up_go_on_from_each_other(world: World) -> None:
    """The documents of one run are computed at one seq, the later ones after the earlier ones."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    report = world.run("2026-10-05")
    assert len(report.documents) == 4
    assert len({one(world, number).document.computed_at_seq for number in world.numbers()}) == 1
    assert equal(world) == 4


def test_a_day_caught_up_that_waits_for_numbers_is_equal_too(world: World) -> None:
    """A missed day that corrects a line of another missed day is computed when that one has its number."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.hear("service.suspended", service_id="s1", effective="2026-07-20")
    world.hear("service.resumed", service_id="s1", effective="2026-08-20")
    world.run("2026-11-05")
    equal(world)


def test_off_the_cycle_twice_on_one_day(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.run("2026-06-26", customer_id="c1", off_cycle=True)
    world.activate("s3", "c1", "laptop", "2026-06-25")
    world.run("2026-06-26", customer_id="c1", off_cycle=True)
    world.run("2026-07-02")
    assert equal(world) == 3


def late_events(world: World, services: int, count: int) -> list[dict[str, Any]]:
    """Facts about days long past: of services, prices, policies, customers; several make no sense."""
    random = Random(3)
    kinds = ["changed", "suspended", "resumed", "deactivated", "activated", "returned"]
    found = []
    for number in range(count):
        day = later("2026-05-01", random.randrange(150))
        name = f"late-{number:04d}"
        match number % 20:
            case 0:
                kind = "price.published"
                data: dict[str, Any] = {
                    "product_id": "laptop",
                    "price_id": "rent",
                    "amount": f"{random.randrange(20, 50)}.00",
                    "applies": random.choice(["immediately", "next_period", "new_services"]),
                }
            case 1:
                kind = "customer.changed"
                data = {"customer_id": random.choice(["c1", "c2"]), "proration": "fixed_30"}
            case 2:
                kind = "tenant.configured"
                data = {"tenant_id": world.tenant, "name": "Acme AG", "stop_day": "billed"}
                data |= {"currency": "EUR", "timezone": "Europe/Zurich"}
            case 3:
                kind = "service.voided"
                data = {"service_id": "s1", "supersedes": {"id": f"late-{max(number - 7, 0):04d}"}}
            case _:
                kind = f"service.{random.choice(kinds)}"
                data = {"service_id": f"s{random.randrange(services)}"}
                if kind == "service.activated":
                    data |= {"customer_id": random.choice(["c1", "c2"]), "product_id": "laptop"}
                if kind == "service.changed":
                    data["quantity"] = random.randrange(1, 4)
        found.append(event(kind, {**data, "effective": day}, name))
    return found


def test_a_thousand_late_events_later_every_document_is_still_equal(world: World) -> None:
    world.clock.on("2026-05-20")
    for number in range(12):
        world.activate(f"s{number}", f"c{number % 2 + 1}", "laptop", later("2026-05-20", number))
    for month in ("06", "07", "08"):
        world.run(f"2026-{month}-02")
    issued = world.lines()
    assert equal(world) == 6
    world.clock.on("2026-09-25")
    world.append(late_events(world, services=12, count=1000))
    assert world.lines() == issued
    assert equal(world) == 6
    assert world.run("2026-10-02").set_aside == {}
    assert any(line["reverses"] for line in world.lines())
    assert equal(world) > 6


def test_versions_heard_later_disturb_nothing(july: World) -> None:
    """Neither those that count from a day long past, nor those to come, nor a price that is added."""
    july.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="33.00",
        effective="2026-06-01",
        applies="immediately",
    )
    july.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="44.00",
        effective="2027-01-01",
        applies="immediately",
    )
    july.product("laptop", RENT, {**RENT, "price_id": "care", "since": "2026-06-01"})
    july.hear("customer.changed", customer_id="c1", effective="2026-06-01", name="commitment of another name")
    assert equal(july) == 2


def test_a_forged_line_is_found_and_named(july: World) -> None:
    """Payloads, root, net and leaves were all made to fit: nothing but the arithmetic can tell."""
    forge_amount(july, "INV-000001", 2, "17.00", "146.00")
    assert verify(july.connect, july.tenant).findings == ()
    for difference in (everything(july).difference, one(july, "INV-000001").difference):
        assert difference is not None
        assert (difference.number, difference.place, difference.field) == ("INV-000001", "line 2", "amount")
        assert (difference.issued, difference.replayed) == ("17.00", "7.00")
    assert one(july, "INV-000002").difference is None


def of(number: str, change: Callable[[Any], None]) -> Callable[[Any], None]:
    def only(data: Any) -> None:
        if data["number"] == number:
            change(data)

    return only


@pytest.mark.parametrize(
    ("where", "change", "place", "field"),
    [
        pytest.param(
            "event_id = 'e00005'",
            lambda data: data.update(effective="2026-06-20"),
            "line 1",
            "period_start",
            id="an event",
        ),
        pytest.param(
            "event_id = 'e00002'",
            lambda data: data["prices"][0].update(amount="31.00"),
            "line 2",
            "unit_amount",
            id="a price",
        ),
        pytest.param(
            "event_id = 'e00003'",
            lambda data: data.update(name="commitment of somebody else"),
            "document",
            "buyer.name",
            id="the buyer",
        ),
        pytest.param(
            "stream = 'invoice/INV-000001'",
            lambda data: data["lines"].pop(),
            "line 3",
            "",
            id="a line left out",
        ),
        pytest.param(
            "stream = 'invoice/INV-000001'",
            lambda data: data["lines"].append(data["lines"][0]),
            "line 4",
            "",
            id="a line too many",
        ),
        pytest.param(
            "stream = 'invoice/INV-000001'",
            lambda data: data["lines"][2]["explanation"].update(served_days=30),
            "line 3",
            "explanation.served_days",
            id="an explanation",
        ),
        pytest.param(
            "type = 'invoice.issued'",
            of("INV-000001", lambda data: data["document"].update(net="1.00")),
            "document",
            "net",
            id="the net",
        ),
        pytest.param(
            "type = 'invoice.issued'",
            of("INV-000001", lambda data: data.update(kind="credit_note")),
            "fact",
            "data.kind",
            id="the kind",
        ),
        pytest.param(
            "type = 'invoice.issued'",
            of("INV-000001", lambda data: data["document"].update(due_for="2026-06-25")),
            "line 3",
            "",
            id="the day",
        ),
        pytest.param(
            "type = 'invoice.issued'",
            of("INV-000001", lambda data: data.update(computed_at_seq=4)),
            "document",
            "",
            id="the seq before its events",
        ),
        pytest.param(
            "type = 'invoice.issued'",
            of("INV-000001", lambda data: data["document"].pop("currency")),
            "facts",
            "",
            id="a member left out",
        ),
        pytest.param(
            "event_id = 'e00005'",
            lambda data: data.pop("effective"),
            "facts",
            "",
            id="an event that can't be read",
        ),
    ],
)
def test_whatever_is_forged_is_named(
    july: World, where: str, change: Callable[[Any], None], place: str, field: str
) -> None:
    rewrite(july, where, change)
    difference = everything(july).difference
    assert difference is not None
    assert (difference.place, difference.field) == (place, field), str(difference)
    assert difference.number in ("INV-000001", "customer c1")


def test_a_document_that_was_taken_away_is_missed(world: World) -> None:
    """The run owed two currencies; the facts of one of them are gone."""
    fee = {**RENT, "price_id": "fee", "amount": "500"}
    world.product("kiosk", fee, currency="JPY")
    world.activate("s1", "c1", "laptop", "2026-07-01")
    world.activate("s2", "c1", "kiosk", "2026-07-01")
    world.run("2026-07-02")
    assert equal(world) == 2
    with world.connect() as connection, connection.transaction():
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        connection.execute("DELETE FROM ledger.fact WHERE stream = 'account/c1' AND version = 2")
    difference = everything(world).difference
    assert difference is not None
    assert (difference.place, difference.field) == ("run", "a document for 2026-07-02 in JPY")


def test_processes_find_the_same_difference(july: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_all, "SMALL_DOCUMENTS", 0)
    monkeypatch.setattr(audit_all, "CHUNK_DOCUMENTS", 1)
    told: list[tuple[int, int]] = []
    report = everything(july, workers=2, progress=lambda done, total: told.append((done, total)))
    assert (report.difference, report.documents) == (None, 2)
    assert told == [(1, 2), (2, 2)]
    forge_amount(july, "INV-000002", 1, "1.00", "31.00")
    report = everything(july, workers=2)
    assert report.documents == 1
    assert report.difference == everything(july).difference
    assert str(report.difference) == "INV-000002, line 1, amount: issued 1.00, the facts give 99.00"


def test_the_events_behind_a_line_are_shown(july: World) -> None:
    with july.connect() as connection, reading_facts(connection, july.tenant) as cursor:
        found, customer_id = read_document(cursor, july.tenant, "INV-000001")
        audited = audit_document(found, customer_id, "INV-000001")
        assert audited.draft is not None
        assert audited.books is not None
        known = evidence(cursor, found, audited.books.book, refs_of(audited.draft.lines))
    activated = known[audited.draft.lines[1].explanation.events[0]]
    assert (activated.type, activated.seq, activated.origin) == ("service.activated", 5, "test")
    assert (activated.effective, str(activated.day)) == ("2026-06-24", "2026-06-24")
    version = audited.draft.lines[1].explanation.price_version
    assert version is not None
    assert (known[version].type, known[version].day) == ("product.published", None)


def test_a_number_that_nobody_has_is_refused(july: World) -> None:
    with pytest.raises(InvoiceUnknownError, match="INV-9"):
        one(july, "INV-9")


def test_the_commands_answer_and_say_where_it_differs(
    july: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(july.clock.now.isoformat())
    monkeypatch.setenv("DATABASE_URL", july.url)
    monkeypatch.setenv("BILLING_CLOCK", f"file:{clock}")
    assert main(["audit", "invoice", "INV-000001"]) == 0
    text = capsys.readouterr().out
    assert "equal, byte by byte: document and 3 lines" in text
    assert "7 of 30 days" in text
    assert "service.activated e00005 of /fulfilment, effective 2026-06-24" in text
    assert "at the catalog price of product.published e00002" in text
    assert main(["audit", "all", "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["documents"], report["equal"]) == (2, True)
    assert main(["replay", "--customer", "c1", "--as-of", "2026-07-01", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["invoices"], [item["net"] for item in found["preview"]]) == ([], ["136.00"])
    assert main(["replay", "--customer", "c1", "--as-of", "7"]) == 0
    assert "INV-000001" not in capsys.readouterr().out
    assert main(["replay", "--customer", "c1", "--as-of", "yesterday"]) == 2
    forge_amount(july, "INV-000001", 2, "17.00", "146.00")
    capsys.readouterr()
    assert main(["audit", "invoice", "INV-000001", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["difference"]["place"]) == (False, "line 2")
    assert main(["audit", "all"]) == 1
    assert "INV-000001, line 2, amount: issued 17.00, the facts give 7.00" in capsys.readouterr().out


def test_who_held_a_service_before_counts_also_where_only_the_next_one_is_billed(world: World) -> None:
    """Not prorated: c1 has paid all of July, so c2 is charged from August on, whichever run bills it."""
    policy = {"billing_day": 20, "proration": "none"}
    world.hear("customer.changed", customer_id="c1", effective="2026-06-01", proration="none")
    world.customer("c3", **policy)
    world.activate("s1", "c1", "laptop", "2026-07-01")
    world.run("2026-07-02")
    world.clock.on("2026-07-15")
    world.hear("service.changed", service_id="s1", effective="2026-07-10", customer_id="c3")
    for day in ("2026-07-20", "2026-08-02", "2026-08-20"):
        world.run(day)
    mine = [line for line in world.lines() if line["issued"]["document"]["customer_id"] == "c3"]
    assert [(line["period_start"], line["amount"]) for line in mine] == [("2026-08-01", "30.00")]
    equal(world)
