"""The one calculation: preview, bill run, what-if and audit replay call it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.catalog import Catalog
from billing.days import Day
from billing.invoiced import InvoicedSpan
from billing.line import Line
from billing.policies import PolicyBook
from billing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that has no number yet. Lines are numbered from 1 by their place."""

    customer_id: str
    currency: str
    due_for: Day
    lines: tuple[Line, ...]
    net_minor: int


def assemble(
    customer_id: str, issue_day: Day, lines: Iterable[Line], catalog: Catalog, book: PolicyBook
) -> tuple[Draft, ...]:
    """Return one document per currency, by currency; none whose lines are all 0.00 (BILLING.md §7, §10)."""
    raise NotImplementedError


def calculate(
    customer_id: str,
    issue_day: Day,
    timelines: Iterable[Timeline],
    invoiced_by_service: Mapping[str, Sequence[InvoicedSpan]],
    catalog: Catalog,
    book: PolicyBook,
) -> tuple[Draft, ...]:
    """Return the documents that are due to a customer on `issue_day`, from the facts that the arguments hold.

    `timelines` are of every service that the customer holds or ever held; `invoiced_by_service` is what was
    invoiced to this customer.
    """
    raise NotImplementedError
