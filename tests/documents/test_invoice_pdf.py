"""The PDF: complete, the same bytes always, self-contained, archivable, and no text runs into another."""

import hashlib
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader

from documents.formats import formats_for
from documents.invoice_pdf import NothingFromOutside, Renderer, render, renderer
from documents.view import Detail, TaxGroup
from tests.documents import samples
from tests.documents.pdf_reading import fonts, pages

ROOT = Path(__file__).parents[2]
JUNE_DAYS = "10\N{EN DASH}30 Jun 2026"
PX_PER_MM = 96 / 25.4
HASHES = """
import hashlib, sys
from documents.invoice_pdf import render
from tests.documents.samples import ALL
for name in sys.argv[1:]:
    print(name, hashlib.sha256(render(ALL[name]())).hexdigest())
"""


@cache
def rendered(name: str) -> bytes:
    """A sample's PDF, made once for all tests that only read it."""
    return render(samples.ALL[name]())


@cache
def text_boxes(name: str) -> list[list[Any]]:
    """Per page of a sample, the laid-out texts that show something."""
    document = renderer().layout(samples.ALL[name]())
    return [
        [
            box
            for box in page._page_box.descendants()
            if type(box).__name__ == "TextBox" and box.text.strip() and box.width > 0
        ]
        for page in document.pages
    ]


@pytest.mark.parametrize("name", samples.ALL)
def test_the_page_reads_as_it_was_reviewed(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.txt", "\n\f\n".join(pages(rendered(name))) + "\n")


@pytest.mark.slow
def test_same_bytes_in_every_process() -> None:
    """Two processes, two hash seeds, two zones, two orders of rendering, two seconds: one hash."""
    names = ["typical", "credit_note", "no_decimals"]
    found = []
    for seed, zone, order in (("0", "UTC", names), ("4711", "Asia/Tokyo", names[::-1])):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "SOURCE_DATE_EPOCH": ""}
        output = subprocess.run(
            [sys.executable, "-c", HASHES, *order],
            env=environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        found.append(sorted(output.splitlines()))
    assert found[0] == found[1]
    here = hashlib.sha256(rendered("typical")).hexdigest()
    assert f"typical {here}" in found[0]


def test_another_document_has_other_bytes() -> None:
    assert render(samples.view(number="INV-1")) != render(samples.view(number="INV-2"))


def test_its_dates_are_the_documents_own() -> None:
    information = PdfReader(io.BytesIO(render(samples.view(issued_on=date(2020, 2, 29))))).metadata
    assert information is not None
    assert information["/CreationDate"].startswith("D:20200229")
    assert information["/ModDate"].startswith("D:20200229")


@pytest.mark.parametrize("name", samples.ALL)
def test_every_font_is_ours_and_in_the_file(name: str) -> None:
    found = set(fonts(rendered(name)))
    assert found
    assert {(name.split("+")[1], embedded) for name, embedded in found} == {
        ("Bundled-Inter", True),
        ("Bundled-Inter-Semi-Bold", True),
    }


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name can't smuggle an image in: it stands there as text, and no socket is opened."""

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    name = '<img src="http://tracker.example/x.png"><link rel="stylesheet" href="file:///etc/passwd">'
    buyer = samples.Buyer(customer_id="<b>c</b>", name=name, address=("{{ 7 * 7 }}", "</body>"))
    text = " ".join(
        pages(render(samples.view(samples.line(1, "s", "P", "R", "1.00", samples.JULY), buyer=buyer)))
    )
    compact = text.replace("\n", " ").replace(" ", "")
    assert name.replace(" ", "") in compact
    assert "{{7*7}}" in compact
    assert "<b>c</b>" in compact


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "https://example.org/a.css", "data:text/css,p{color:red}"]
)
def test_only_bundled_fonts_may_be_opened(url: str) -> None:
    with pytest.raises(ValueError, match="not part of the document"):
        NothingFromOutside().fetch(url)


def test_a_new_style_sheet_has_no_warning() -> None:
    """Styles are parsed once per renderer; the fixture `no_complaints` reads the library's log."""
    Renderer().pdf(samples.typical())


def test_declares_pdf_a_and_pdf_ua_in_one_block() -> None:
    reader = PdfReader(io.BytesIO(rendered("typical")))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    # PDF/A asks for these prefixes, not only for their namespaces.
    assert root["/Metadata"].get_object().get_data().count(b"<pdfaExtension:schemas>") == 1
    packet = ET.fromstring(root["/Metadata"].get_object().get_data())  # noqa: S314 - our own
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    assert len(packet.findall(f"{rdf}RDF")) == 1
    attributes = {
        key: value for element in packet.iter(f"{rdf}Description") for key, value in element.attrib.items()
    }
    assert attributes["{http://www.aiim.org/pdfa/ns/id/}part"] == "3"
    assert attributes["{http://www.aiim.org/pdfa/ns/id/}conformance"] == "A"
    assert attributes["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"
    assert "pdfuaid" in "".join(packet.itertext())


@pytest.mark.parametrize("name", samples.ALL)
def test_no_text_leaves_the_paper_or_its_margins(name: str) -> None:
    for boxes in text_boxes(name):
        for box in boxes:
            assert box.position_x >= 20 * PX_PER_MM - 1, box.text
            assert box.position_x + box.width <= 192 * PX_PER_MM + 1, box.text
            assert 8 * PX_PER_MM <= box.position_y <= 292 * PX_PER_MM, box.text


@pytest.mark.parametrize("name", samples.ALL)
def test_no_text_lies_on_another(name: str) -> None:
    """The middle of every text's height belongs to it alone."""
    for boxes in text_boxes(name):
        spans = sorted(
            (
                box.position_y + box.height * 0.3,
                box.position_y + box.height * 0.7,
                box.position_x,
                box.width,
                box.text,
            )
            for box in boxes
        )
        for place, (top, bottom, left, width, text) in enumerate(spans):
            assert bottom > top
            for other_top, _, other_left, other_width, other_text in spans[place + 1 :]:
                if other_top >= bottom:
                    break
                apart = left + width <= other_left + 0.5 or other_left + other_width <= left + 0.5
                assert apart, (text, other_text)


def test_many_lines_keep_head_foot_and_sums() -> None:
    view = samples.many_lines()
    found = pages(rendered("many_lines"))
    assert len(found) >= 3
    for place, text in enumerate(found, start=1):
        assert "Leistungszeitraum" in text
        assert f"{view.number} · Seite {place} von {len(found)}" in text
        assert view.buyer.name in text
    everything = "\n".join(found)
    assert all(everything.count(service_id) == 1 for service_id, _ in view.services())
    assert [text.count("Gesamtbetrag") for text in found] == [0] * (len(found) - 1) + [1]
    assert found[-1].count("svc-") >= 2


@pytest.mark.parametrize("services", range(17, 21))
def test_a_row_keeps_its_arithmetic_and_its_heading(services: int) -> None:
    """Wherever the page ends: a June row and its grey line, a heading and its first row, share a page."""
    lines = []
    for place in range(services):
        part = (date(2026, 6, 10), date(2026, 7, 1))
        lines.append(
            samples.line(2 * place + 1, f"svc-{place}", "Laptop", "Rent", "10.00", part, full=samples.JUNE)
        )
        lines.append(samples.line(2 * place + 2, f"svc-{place}", "Laptop", "Rent", "10.00", samples.JULY))
    for text in pages(render(samples.view(*lines))):
        body = text.split("Amount CHF")[-1]
        assert body.count(JUNE_DAYS) == body.count("21 of 30 days")
        assert body.count("Sum") == body.count(JUNE_DAYS)


def test_an_untaxed_page_says_so_and_a_taxed_one_adds_up() -> None:
    line = samples.line(1, "svc-1", "Laptop", "Rent", "100.00", samples.JULY)
    (untaxed,) = pages(render(samples.view(line)))
    assert "Amounts are net; no tax is shown." in untaxed
    (taxed,) = pages(render(samples.view(line, tax_groups=(TaxGroup("8.1", 10000, 810),))))
    assert "no tax is shown" not in taxed
    assert "Tax 8.1 % on 100.00 8.10" in taxed
    assert taxed.count(formats_for("en", "CHF").money(10810).replace("\xa0", " ")) == 2


def test_a_credit_note_asks_for_no_payment() -> None:
    (text,) = pages(rendered("credit_note"))
    assert "Rechnungskorrektur" in text
    assert "Korrigiert INV-000042" in text.replace("\n", " ")
    assert "Storniert INV-000042 Position 3" in text
    assert "IBAN" not in text


def test_payment_details_and_reference_stand_on_an_invoice() -> None:
    view = samples.typical()
    (text,) = pages(rendered("typical"))
    for detail in (*view.seller.bank, Detail("Reference", view.number)):
        assert detail.label in text
        assert detail.value in text
    assert view.ledger is not None
    assert f"Ledger nordlicht · entry 1042 · leaf {view.ledger.leaf}" in text
