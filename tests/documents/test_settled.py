"""What a document says of the account's credit: below its total, in its panel, and how to pay the rest."""

from dataclasses import replace

import pytest

from billing.account_credit import AccountCredit, settle
from documents.invoice_pdf import render
from documents.page import page_of
from documents.view import InvoiceView
from tests.documents import samples
from tests.documents.pdf_reading import pages


def settled(view: InvoiceView, credit_minor: int, policy: AccountCredit = "set_off") -> InvoiceView:
    return replace(view, settlement=settle(view.total_minor, credit_minor, policy))


def test_a_part_that_is_set_off_leaves_the_total_as_it_is() -> None:
    plain, view = samples.typical(), settled(samples.typical(), 5000)
    page = page_of(view)
    assert page.total == page_of(plain).total
    assert [row.value for row in page.settled] == ["\N{MINUS SIGN}50.00", page.panel_amount]
    assert view.amount_due_minor == plain.total_minor - 5000
    (text,) = pages(render(view))
    assert "Set off from your account credit" in text


@pytest.mark.parametrize(
    ("policy", "note"),
    [("set_off", "On your account from now on"), ("pay_out", "Paid out to you")],
)
def test_an_invoice_that_the_credit_covers_asks_for_nothing(policy: AccountCredit, note: str) -> None:
    page = page_of(settled(samples.typical(), 10**7, policy))
    assert page.panel_note.startswith(note)
    assert (page.panel_label, page.payment) == ("Nothing to pay", ())


def test_without_credit_nothing_is_said_of_it() -> None:
    assert page_of(settled(samples.typical(), 0)) == page_of(samples.typical())


def test_a_credit_note_says_where_its_amount_goes() -> None:
    kept = page_of(settled(samples.credit_note(), 2000))
    paid = page_of(settled(samples.credit_note(), 2000, "pay_out"))
    assert kept.panel_note != paid.panel_note
    assert (bool(kept.payment_note), bool(paid.payment_note)) == (True, False)
