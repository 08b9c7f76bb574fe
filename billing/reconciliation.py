"""Entitled minus invoiced (BILLING.md §6, §7)."""

from collections.abc import Sequence

from billing.days import Day
from billing.entitlement import Entitled
from billing.facts import EventRef
from billing.invoiced import InvoicedSpan
from billing.line import Line


def due_lines(
    entitled: Sequence[Entitled],
    invoiced: Sequence[InvoicedSpan],
    *,
    customer_id: str,
    issue_day: Day,
    causes: Sequence[EventRef] = (),
) -> tuple[Line, ...]:
    """Return the lines of one service that are due to one customer on `issue_day`, in no particular order.

    `causes` are the events that a reversal names.
    """
    raise NotImplementedError
