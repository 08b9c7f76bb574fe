"""From the ledger to files: documents as issued, names of their day, personal data while it is kept."""

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.issued_documents import IssuedDocuments
from billing.money import parse_minor
from cli import main
from cli.commands.export import file_name, write_csv, write_pdfs
from documents.invoice_pdf import render
from ledger.append import append
from ledger.facts import heard_fact
from ledger.personal import conceal, forget, store, subject_keys
from projections.invoices import InvoiceUnknownError
from projections.session import reading
from tests.documents import samples
from tests.documents.pdf_reading import pages
from tests.projections.world import RENT, SETUP, TENANT, World, event

pytestmark = pytest.mark.postgres
CUSTOMER = {
    "customer_id": "c1",
    "name": "Halden GmbH",
    "address": {"lines": ["Limmatquai 40"], "postal_code": "8001", "city": "Zürich", "country": "CH"},
    "language": "de",
    "billing_day": 2,
}


@pytest.fixture
def world(database: str) -> World:
    """BILLING.md §10: activated on 24 June, invoiced on 2 July, stopped in July, credited in August."""
    made = World(database)
    made.open(name="Säntis AG", legal={"iban": "CH93 0076 2011 6238 5295 7"})
    made.product("laptop", {**RENT, "name": "Miete"}, {**SETUP, "name": "Einrichtung"})
    register(made, CUSTOMER)
    made.clock.on("2026-06-24")
    made.activate("s1", "c1", "laptop", "2026-06-24")
    made.project()
    made.run("2026-07-02")
    made.hear("product.published", product_id="laptop", name="Renamed", prices=[RENT, SETUP])
    made.hear("service.deactivated", service_id="s1", effective="2026-07-11")
    made.project()
    made.run("2026-08-02")
    made.project()
    return made


def register(world: World, data: dict[str, Any]) -> None:
    """Hear of a customer as a consumer does: personal values by commitment."""
    subject = (TENANT, f"customer/{data['customer_id']}")
    with world.connect() as connection, connection.transaction():
        connection.execute("SET LOCAL ROLE billing_appender")
        key = subject_keys(connection, [subject], clock=world.clock)[subject]
        concealed, values = conceal(event("customer.registered", data, "customer"), subject, key=key)
        append(connection, {TENANT: [heard_fact(concealed, origin="test")]}, clock=world.clock)
        store(connection, values)


def views(world: World) -> list[Any]:
    with world.connect() as connection, reading(connection, TENANT) as cursor:
        return list(IssuedDocuments(cursor, TENANT).views())


def test_documents_are_shown_as_they_were_issued(world: World) -> None:
    invoice, credit_note = views(world)
    assert (invoice.number, invoice.kind, invoice.net_minor) == ("INV-000001", "invoice", 13600)
    assert (credit_note.number, credit_note.kind, credit_note.net_minor) == (
        "CN-000001",
        "credit_note",
        -2032,
    )
    assert invoice.buyer.name == "Halden GmbH"
    assert invoice.buyer.address[-2:] == ("8001 Zürich", "Schweiz")
    assert [(line.product_name, line.price_name) for line in invoice.lines] == [
        ("laptop", "Einrichtung"),
        ("laptop", "Miete"),
        ("laptop", "Miete"),
    ]
    assert credit_note.lines[0].product_name == "Renamed"
    assert credit_note.corrected == ("INV-000001",)


def test_the_page_says_what_the_ledger_says(world: World) -> None:
    invoice, credit_note = views(world)
    with world.connect() as connection:
        row = connection.execute(
            "SELECT seq, encode(leaf, 'hex') FROM ledger.fact WHERE event_id = 'c1/1'"
        ).fetchone()
    assert row is not None
    (text,) = pages(render(invoice))
    assert f"Hauptbuch {TENANT} · Eintrag {row[0]} · Blatt {row[1]}" in text
    assert "136,00 €" in text
    assert "7 von 30 Tagen: 30,00" in text
    (text,) = pages(render(credit_note))
    assert "20,32 €" in text
    assert "Korrigiert INV-000001" in text.replace("\n", " ")


def test_an_erased_name_stays_away_and_all_else_stays(world: World) -> None:
    before = views(world)
    with world.connect() as connection:
        assert forget(connection, TENANT, "customer/c1")
    after = views(world)
    assert [view.buyer.name for view in after] == [None, None]
    assert [view.buyer.address for view in after] == [(), ()]
    assert [view.lines for view in after] == [view.lines for view in before]
    assert all("Name gelöscht" in pages(render(view))[0] for view in after)


def test_the_csv_sums_to_the_read_model(world: World, tmp_path: Path) -> None:
    found = views(world)
    totals = write_csv(found, tmp_path / "out" / "lines.csv")
    rows = list(
        csv.DictReader(io.StringIO((tmp_path / "out" / "lines.csv").read_bytes().decode(), newline=""))
    )
    assert totals.lines == len(rows) == sum(len(view.lines) for view in found)
    assert totals.net == {"EUR": "115.68"}
    for view in found:
        amounts = [parse_minor(row["amount"], "EUR") for row in rows if row["number"] == view.number]
        assert sum(amounts) == view.net_minor
    assert rows[-1]["adjusts"].startswith("INV-000001/")


def test_the_command_writes_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.url)
    folder = tmp_path / "pdf"
    assert main.main(["export", "pdf", str(folder), "--workers", "1", "--json"]) == 0
    written = orjson.loads(capsys.readouterr().out)["files"]
    assert [Path(path).name for path in written] == ["INV-000001.pdf", "CN-000001.pdf"]
    assert sorted(path.name for path in folder.iterdir()) == ["CN-000001.pdf", "INV-000001.pdf"]
    assert (folder / "INV-000001.pdf").read_bytes() == render(views(world)[0])
    assert main.main(["export", "csv", str(tmp_path / "lines.csv"), "--json"]) == 0
    assert orjson.loads(capsys.readouterr().out)["net"] == {"EUR": "115.68"}


def test_an_unknown_number_is_one_line(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", world.url)
    assert main.main(["export", "pdf", str(tmp_path), "--number", "INV-9"]) == 2
    error = capsys.readouterr().err
    assert "'INV-9'" in error
    assert error.count("\n") == 1
    with (
        pytest.raises(InvoiceUnknownError),
        world.connect() as connection,
        reading(connection, TENANT) as cursor,
    ):
        IssuedDocuments(cursor, TENANT).view("INV-9")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("INV-000001", "INV-000001"),
        ("2026/07-1", "2026%2F07-1"),
        ("../etc/passwd", "%2E.%2Fetc%2Fpasswd"),
        ("a b", "a%20b"),
    ],
)
def test_a_number_is_a_safe_file_name(number: str, expected: str) -> None:
    assert file_name(number) == expected


def test_no_half_written_file_stays(tmp_path: Path) -> None:
    broken = samples.view(samples.line(1, "s", "P", "R", "1.00", samples.JULY), currency="EUR", due_for=None)
    (tmp_path / "lines.csv").write_text("before")
    with pytest.raises(AttributeError):
        write_csv([samples.typical(), broken], tmp_path / "lines.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["lines.csv"]
    assert (tmp_path / "lines.csv").read_text() == "before"


def test_progress_is_told(tmp_path: Path) -> None:
    heard: list[int] = []
    write_pdfs([samples.no_lines(), samples.nothing_to_pay()], tmp_path, workers=1, done=heard.append)
    assert heard == [1, 2]
