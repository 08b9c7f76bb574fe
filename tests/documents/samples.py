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
    tenant_id="nordlicht", seq=1042, leaf="3f9ad1c07b5e42a6988cf0d1e2734b5566c7a8e9f0b1c2d3e4f5061728394a5b"
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
    """A charge of `unit × quantity × served days / full days`, rounded half up."""
    whole = full or span
    served, days = (span[1] - span[0]).days, (whole[1] - whole[0]).days
    exact = Fraction(Decimal(unit)) * Fraction(Decimal(quantity)) * Fraction(served, days)
    amount_minor = int(exact * 10**digits + Fraction(1, 2))
    return LineView(
        line=number,
        service_id=service_id,
        product_name=product,
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
    """Two laptops, one of them since the 24th; licences whose number changed; a yearly price; one correction."""
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
