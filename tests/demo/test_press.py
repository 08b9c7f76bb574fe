"""The press: errors in the background are heard of, and what is not wanted any more is not rendered."""

from datetime import date

import pytest

from cli.demo.press import Press
from documents.view import Buyer, InvoiceView, LedgerReference, Seller


def view(number):
    day = date(2026, 7, 2)
    return InvoiceView(
        tenant_id="saentis",
        number=number,
        kind="invoice",
        seller=Seller(name="Säntis Workplace AG"),
        buyer=Buyer(customer_id="c-105", name="Nordwind Optik AG"),
        issued_on=day,
        due_for=day,
        due_on=None,
        currency="EUR",
        language="en",
        lines=(),
        net_minor=0,
        ledger=LedgerReference(seq=1, leaf="00" * 32),
    )


def test_every_view_becomes_a_file(tmp_path):
    with Press(tmp_path / "invoices") as press:
        press.give([view("SW-1"), view("SW-2")])
        *_, written = press.finish()
    assert written == 2
    assert sorted(path.name for path in (tmp_path / "invoices").iterdir()) == ["SW-1.pdf", "SW-2.pdf"]


def test_what_goes_wrong_is_raised_where_it_is_waited_for(tmp_path):
    (tmp_path / "invoices").write_text("in the way")
    with Press(tmp_path / "invoices") as press, pytest.raises(FileExistsError):
        list(press.finish())


def test_leaving_early_renders_nothing_more(tmp_path):
    with Press(tmp_path / "invoices") as press:
        press.give(view(f"SW-{number}") for number in range(200))
    assert len(list((tmp_path / "invoices").glob("*.pdf"))) < 200
