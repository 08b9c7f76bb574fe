"""From the facts of an issued document to what stands on its page."""

import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from billing.days import day
from billing.facts import EventRef
from billing.line import Explanation, Line, LineRef, Standing
from billing.money import exact, format_minor
from documents.arithmetic import arithmetic
from documents.formats import formats_for
from documents.invoice_pdf import render
from documents.issued import KNOWN_KEYS, Names, invoice_view, line_view
from documents.view import Detail, InvoiceView, LedgerReference, LineReference
from tests.documents.pdf_reading import pages

SELLER: Mapping[str, Any] = {
    "name": "Säntis Workplace AG",
    "address": {"lines": ["Hafenstrasse 42"], "postal_code": "8280", "city": "Kreuzlingen", "country": "CH"},
    "email": "rechnungen@saentis.example",
    "legal": {
        "vat_id": "CHE-123.456.789 MWST",
        "iban": "CH93 0076 2011 6238 5295 7",
        "bank": "Seebank",
        "terms": "Payable within 30 days.",
        "registration": "CHE-123.456.789",
        "zz_slogan": "We fix it.",
    },
}
BUYER: Mapping[str, Any] = {
    "name": "Halden GmbH",
    "address": {
        "lines": ["c/o Roth", "Limmatquai 40"],
        "postal_code": "8001",
        "city": "Zürich",
        "country": "CH",
    },
    "language": "de-CH",
}
NAMES = Names({"laptop": "Laptop Pro 14"}, {("laptop", "rent"): "Miete"})


def line(
    amount_minor: int,
    span: tuple[str, str],
    *,
    served: int,
    invoiced_minor: int = 0,
    reverses: LineRef | None = None,
    adjusts: LineRef | None = None,
    result: Standing | None = None,
) -> Line:
    exact_minor = Fraction(0) if reverses else Fraction(3000 * served, 30)
    return Line(
        service_id="svc-1",
        product_id="laptop",
        price_id="rent",
        kind="recurring",
        quantity=exact("1"),
        unit_amount=exact("30.00"),
        period_start=day(span[0]),
        period_end=day(span[1]),
        full_start=day("2026-06-01"),
        full_end=day("2026-07-01"),
        amount_minor=amount_minor,
        reverses=reverses,
        adjusts=adjusts,
        result=result,
        explanation=Explanation(
            events=(EventRef("/fulfilment", "e1"),),
            price_source="catalog",
            price_version=EventRef("/catalog", "p1"),
            rule="reversal" if reverses else "actual",
            served_days=served,
            full_days=30,
            share=(served, 30),
            numerator=exact_minor.numerator,
            denominator=exact_minor.denominator,
            rounding="half_up",
            invoiced_minor=invoiced_minor,
        ),
    )


def view(*lines: Line, buyer: Mapping[str, Any] = BUYER, seller: Mapping[str, Any] = SELLER) -> InvoiceView:
    net = sum(one.amount_minor for one in lines)
    issued = {
        "number": "SW-7",
        "series": "invoice",
        "kind": "invoice",
        "issued_on": "2026-07-03",
        "computed_at_seq": 9,
        "engine": "1",
        "account_version": 1,
        "document": {
            "customer_id": "c-1",
            "seller": {},
            "buyer": {},
            "currency": "CHF",
            "due_for": "2026-07-02",
            "net": format_minor(net, "CHF"),
            "tax_groups": [],
            "account_credit": dict.fromkeys(
                ("brought_forward", "applied", "paid_out", "carried_forward"), "0.00"
            ),
            "amount_due": format_minor(max(net, 0), "CHF"),
            "line_count": len(lines),
            "lines_root": "0" * 64,
            "parts": 1,
        },
    }
    return invoice_view(
        issued,
        [one.as_data("CHF") for one in lines],
        tenant_id="saentis",
        seller=seller,
        buyer=buyer,
        names=NAMES,
        ledger=LedgerReference(seq=10, leaf="ab" * 32),
    )


def test_the_head() -> None:
    found = view(line(700, ("2026-06-24", "2026-07-01"), served=7))
    assert (found.tenant_id, found.number, found.kind, found.currency) == (
        "saentis",
        "SW-7",
        "invoice",
        "CHF",
    )
    assert (found.issued_on, found.due_for) == (date(2026, 7, 3), date(2026, 7, 2))
    assert found.net_minor == found.total_minor == 700
    assert found.buyer.name == "Halden GmbH"
    assert found.buyer.address == ("c/o Roth", "Limmatquai 40", "8001 Zürich", "Schweiz")
    assert found.seller.address == ("Hafenstrasse 42", "8280 Kreuzlingen", "Schweiz")
    assert found.seller.tax_ids == (Detail("USt-IdNr.", "CHE-123.456.789 MWST"),)
    assert found.seller.bank == (Detail("IBAN", "CH93 0076 2011 6238 5295 7"), Detail("Bank", "Seebank"))
    assert found.seller.payment_terms == "Payable within 30 days."
    assert found.seller.legal == "Säntis Workplace AG, CHE-123.456.789, We fix it."


def test_a_charge() -> None:
    (one,) = view(line(700, ("2026-06-24", "2026-07-01"), served=7)).lines
    assert (one.product_name, one.price_name) == ("Laptop Pro 14", "Miete")
    assert (one.start, one.end) == (date(2026, 6, 24), date(2026, 7, 1))
    assert (one.full_start, one.full_end) == (date(2026, 6, 1), date(2026, 7, 1))
    assert arithmetic(one, formats_for("en", "CHF")) == (
        "7 of 30 days: 30.00 \N{MULTIPLICATION SIGN} 7\xa0\N{DIVISION SIGN}\xa030 = 7.00",
    )


def test_a_reversal() -> None:
    reference = LineRef("SW-3", 2)
    (one,) = view(
        line(-3000, ("2026-06-01", "2026-07-01"), served=30, invoiced_minor=3000, reverses=reference)
    ).lines
    assert one.reverses == LineReference("SW-3", 2)
    assert one.part is None
    assert one.before_minor == 3000


def test_an_adjustment() -> None:
    """Ten days of June stand where thirty were invoiced: the line is for the other twenty."""
    adjusting = line(
        -2000,
        ("2026-06-11", "2026-07-01"),
        served=10,
        invoiced_minor=3000,
        adjusts=LineRef("SW-3", 2),
        result=Standing(day("2026-06-01"), day("2026-06-11"), 1000),
    )
    (one,) = view(adjusting).lines
    assert one.part is not None
    assert (one.part.start, one.part.end, one.part.amount_minor) == (
        date(2026, 6, 1),
        date(2026, 6, 11),
        1000,
    )
    assert one.amount_minor == one.part.amount_minor - 3000
    words = arithmetic(one, formats_for("en-US", "CHF"))[0]
    assert words.startswith("10.00 for Jun 1")
    assert words.endswith("less 30.00 in SW-3 line 2")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(
            {
                "lines": ["14 Wharf", "Suite 300"],
                "postal_code": "ME 04101",
                "city": "Portland",
                "country": "US",
            },
            ("14 Wharf", "Suite 300", "Portland ME 04101", "Vereinigte Staaten"),
            id="code behind the city",
        ),
        pytest.param({"lines": ["Somewhere"], "country": "DE"}, ("Somewhere", "Deutschland"), id="no city"),
        pytest.param(None, (), id="erased"),
    ],
)
def test_addresses(address: Mapping[str, Any] | None, expected: tuple[str, ...]) -> None:
    assert view(buyer={**BUYER, "address": address}).buyer.address == expected


def test_an_erased_customer_and_a_bare_seller_still_make_a_page() -> None:
    erased = {"name": None, "address": None, "email": None}
    found = view(line(700, ("2026-06-24", "2026-07-01"), served=7), buyer=erased, seller={"name": "S"})
    assert found.language == "en"
    (text,) = pages(render(found))
    assert "Name erased" in text
    assert "How to pay" not in text


def test_what_the_catalog_does_not_name_keeps_its_id() -> None:
    unnamed = line_view(1, line(700, ("2026-06-24", "2026-07-01"), served=7), Names(), digits=2)
    assert (unnamed.product_name, unnamed.price_name) == ("laptop", "rent")


def test_the_reference_names_every_key_of_legal() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "documents.md").read_text()
    table = text.partition("| key | stands |")[2].partition("\n\n")[0]
    assert (
        set(re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in table.splitlines() if row)))
        == KNOWN_KEYS
    )
