"""A document that takes back another as a whole: one line for each that still stands (BILLING.md §7)."""

from collections.abc import Iterable

from billing.days import Day
from billing.facts import EventRef
from billing.invoice import Draft, line_order
from billing.invoiced import InvoicedSpan
from billing.reconciliation import reversal


def taken_back(
    standing: Iterable[InvoicedSpan], cause: EventRef, *, customer_id: str, currency: str, issue_day: Day
) -> Draft | None:
    """Return the draft that takes back what stands of a document; None where nothing of it does.

    `standing` are its own charges as later corrections left them, `cause` is what issued it. What is still
    entitled finds nothing invoiced any more and is due again. Lines by which the document corrected earlier
    ones are no charges of its own, and stay.
    """
    lines = sorted((reversal(span, (cause,)) for span in standing), key=line_order)
    if not any(line.amount_minor for line in lines):
        return None
    net_minor = sum(line.amount_minor for line in lines)
    return Draft(customer_id, currency, issue_day, tuple(lines), net_minor)
