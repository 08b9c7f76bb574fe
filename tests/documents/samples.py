"""Views that the document tests and the README's picture share."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from documents.view import (
    Buyer,
    Detail,
    InvoiceView,
    LedgerReference,
    LineReference,
    LineView,
    Part,
    Seller,
)

NORDLICHT: Final = Seller(
    name="Nordlicht Geräteservice AG",
    address=("Seestrasse 12", "8002 Zürich", "Switzerland"),
    email="billing@nordlicht.example",
    phone="+41 44 000 00 00",
    tax_ids=(Detail("VAT no.", "CHE-000.000.000"),),
    bank=(
        Detail("IBAN", "CH00 0000 0000 0000 0000 0"),
        Detail("BIC", "NORDCHZZXXX"),
        Detail("Bank", "Beispielbank Zürich"),
    ),
    legal="Nordlicht Geräteservice AG, Zürich",
)
HALDEN: Final = Buyer(
    customer_id="c-17",
    name="Halden & Roth Architekten GmbH",
    address=("Limmatquai 40", "8001 Zürich", "Switzerland"),
)
LEDGER: Final = LedgerReference(
    seq=1042, leaf="3f9ad1c07b5e42a6988cf0d1e2734b5566c7a8e9f0b1c2d3e4f5061728394a5b"
)
JUNE: Final = (date(2026, 6, 1), date(2026, 7, 1))
JULY: Final = (date(2026, 7, 1), date(2026, 8, 1))


def line(
    number: int,
    service_id: str,
    product: str,
    price: str,
    unit: str,
    span: tuple[date, date],
    *,
    full: tuple[date, date] | None = None,
    quantity: str = "1",
    digits: int = 2,
    one_time: bool = False,
) -> LineView:
    """A charge of unit times quantity times served days over full days, rounded half up."""
    whole = full or span
    served, days = (span[1] - span[0]).days, (whole[1] - whole[0]).days
    exact = Fraction(Decimal(unit)) * Fraction(Decimal(quantity)) * Fraction(served, days)
    amount_minor = int(exact * 10**digits + Fraction(1, 2))
    return LineView(
        line=number,
        service_id=service_id,
        product_id=product.lower().replace(" ", "-"),
        product_name=product,
        price_id=price.lower().replace(" ", "-"),
        price_name=price,
        kind="one_time" if one_time else "recurring",
        start=span[0],
        end=span[1],
        full_start=None if one_time else whole[0],
        full_end=None if one_time else whole[1],
        quantity=quantity,
        unit_amount=unit,
        amount_minor=amount_minor,
        part=Part(span[0], span[1], served, days, exact, amount_minor),
    )


def on(day: date) -> tuple[date, date]:
    return day, day + timedelta(days=1)


def view(*lines: LineView, **changes: object) -> InvoiceView:
    """An invoice of these lines; a negative sum makes it a credit note."""
    net = sum(one.amount_minor for one in lines)
    standard = InvoiceView(
        tenant_id="nordlicht",
        number="INV-000042" if net >= 0 else "CN-000003",
        kind="invoice" if net >= 0 else "credit_note",
        seller=NORDLICHT,
        buyer=HALDEN,
        issued_on=date(2026, 7, 2),
        due_for=date(2026, 7, 2),
        due_on=None,
        currency="CHF",
        language="en",
        lines=lines,
        net_minor=net,
        ledger=LEDGER,
    )
    return replace(standard, **changes)  # type: ignore[arg-type]


def typical() -> InvoiceView:
    """Two laptops, one of them since the 24th; licences that became more; a yearly price; one correction."""
    part_june = (date(2026, 6, 24), date(2026, 7, 1))
    year = (date(2026, 7, 1), date(2027, 7, 1))
    stopped = line(
        9, "svc-0988", "Docking station", "Rent", "6.50", (date(2026, 6, 1), date(2026, 6, 12)), full=JUNE
    )
    return view(
        line(1, "svc-1001", "Laptop Pro 14", "Set-up", "99.00", on(date(2026, 6, 24)), one_time=True),
        line(2, "svc-1001", "Laptop Pro 14", "Rent", "47.50", part_june, full=JUNE),
        line(3, "svc-1001", "Laptop Pro 14", "Rent", "47.50", JULY),
        line(4, "svc-1002", "Laptop Pro 14", "Rent", "47.50", JULY),
        line(5, "svc-1003", "Office licence", "Per seat", "11.20", part_june, full=JUNE, quantity="3"),
        line(6, "svc-1003", "Office licence", "Per seat", "11.20", JULY, quantity="25"),
        line(7, "svc-1010", "Managed firewall", "Service, yearly", "840.00", year),
        line(8, "svc-1015", "Cloud storage", "Per GB", "0.0245", JUNE, quantity="1250.5"),
        replace(
            stopped,
            start=date(2026, 6, 12),
            end=date(2026, 7, 1),
            amount_minor=stopped.amount_minor - 650,
            adjusts=LineReference("INV-000031", 4),
            before_minor=650,
        ),
        buyer=replace(HALDEN, name="Halden & Roth Architekten GmbH"),
    )


def credit_note() -> InvoiceView:
    """A return: what was invoiced for July is taken back, in German, with Swiss figures."""
    first = line(1, "svc-1001", "Laptop Pro 14", "Miete", "1047.50", JULY)
    assert first.part
    adjusted = line(2, "svc-1002", "Laptop Pro 14", "Miete", "47.50", (JULY[0], date(2026, 7, 11)), full=JULY)
    return view(
        replace(
            first,
            amount_minor=-104750,
            part=None,
            reverses=LineReference("INV-000042", 3),
            before_minor=104750,
        ),
        replace(
            adjusted,
            start=date(2026, 7, 11),
            end=date(2026, 8, 1),
            amount_minor=adjusted.amount_minor - 4750,
            adjusts=LineReference("INV-000042", 4),
            before_minor=4750,
        ),
        language="de-CH",
        issued_on=date(2026, 8, 3),
        due_for=date(2026, 8, 2),
    )


def many_lines() -> InvoiceView:
    """Sixty services in three and more pages, some with two lines."""
    lines: list[LineView] = []
    products = [
        ("Laptop Pro 14", "47.50"),
        ("Desk phone", "6.90"),
        ("Office licence", "11.20"),
        ("Monitor 27", "14.00"),
    ]
    for place in range(60):
        product, unit = products[place % len(products)]
        service_id = f"svc-{2000 + place}"
        if place % 5 == 0:
            span = (date(2026, 6, 3 + place // 3), date(2026, 7, 1))
            lines.append(line(len(lines) + 1, service_id, product, "Rent", unit, span, full=JUNE))
        lines.append(
            line(len(lines) + 1, service_id, product, "Rent", unit, JULY, quantity=str(1 + place % 7))
        )
    return view(*lines, language="de", currency="EUR", due_on=date(2026, 7, 31))


def long_names() -> InvoiceView:
    """Three hundred characters with and without a place to break, in every text that others choose."""
    sentence = ("Remote-hands support for branch offices including spare parts and replacement devices " * 4)[
        :300
    ]
    unbroken = "X" * 300
    return view(
        line(1, "svc-" + "7" * 96, sentence, sentence, "47.50", JULY),
        line(2, "svc-1002", unbroken, unbroken, "47.50", (JULY[0], date(2026, 7, 8)), full=JULY),
        buyer=replace(HALDEN, name=sentence, customer_id="c" * 100, address=(unbroken, sentence)),
        seller=replace(NORDLICHT, name=sentence, address=(sentence,), legal=sentence, payment_terms=sentence),
        number="INV-" + "0" * 30,
    )


def large_amounts() -> InvoiceView:
    """Twelve digits before the point, and a unit price with twelve behind it."""
    return view(
        line(1, "svc-1", "Network, whole country", "Wholesale", "999999999999.99", JULY),
        line(2, "svc-2", "Events", "Per event", "0.000000012345", JULY, quantity="123456789012.5"),
        currency="EUR",
        language="en-US",
    )


def no_decimals() -> InvoiceView:
    """Yen have no minor unit."""
    return view(
        line(
            1, "svc-1", "Router", "Rent", "1980", (date(2026, 6, 24), date(2026, 7, 1)), full=JUNE, digits=0
        ),
        line(2, "svc-1", "Router", "Rent", "1980", JULY, digits=0),
        currency="JPY",
    )


def three_decimals() -> InvoiceView:
    """A dinar has a thousand fils."""
    return view(
        line(
            1, "svc-1", "Router", "Rent", "5.250", (date(2026, 6, 24), date(2026, 7, 1)), full=JUNE, digits=3
        ),
        line(2, "svc-1", "Router", "Rent", "5.250", JULY, digits=3),
        currency="KWD",
        language="en-GB",
    )


def nothing_to_pay() -> InvoiceView:
    """A free line, and two that cancel; the customer's name was erased."""
    charge = line(2, "svc-2", "Monitor 27", "Rent", "14.00", JULY)
    back = replace(charge, line=3, amount_minor=-1400, part=None, reverses=LineReference("INV-000041", 1))
    return view(
        line(1, "svc-1", "Trial licence", "Per seat", "0.00", JULY, quantity="5"),
        charge,
        replace(back, before_minor=1400),
        buyer=Buyer(customer_id="c-18", name=None),
    )


def no_lines() -> InvoiceView:
    """No ledger issues it, but a page must come out."""
    return view(seller=Seller(name="Nordlicht Geräteservice AG"), ledger=None)


ALL: Final = {
    sample.__name__: sample
    for sample in (
        typical,
        credit_note,
        many_lines,
        long_names,
        large_amounts,
        no_decimals,
        three_decimals,
        nothing_to_pay,
        no_lines,
    )
}
