"""Issued documents added up: of the filters of the list, and month by month."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access import READERS, GuardedRoute, Viewing, door
from api.errors import InvalidRequestError
from api.fields import MONTH, Currency, Money, QueryMonth, first_of
from api.invoice_filters import Filtered, Kind, known
from billing.money import format_minor
from projections import invoice_totals, issue_months, issued_months

router = APIRouter(route_class=GuardedRoute, tags=["invoices"])

MONTHS: Final = 12
MOST_MONTHS: Final = 120
FIRST_EVER: Final = 12
"""January of the year 1, the first month that a date can have."""

Month = Annotated[str, Field(description="The month of due_for.", pattern=MONTH, examples=["2026-07"])]


class InvoiceTotal(BaseModel):
    """Documents of one kind and one currency, added up."""

    currency: Currency
    kind: Kind = Field(description="A document with a negative net is a credit note.")
    documents: int = Field(description="How many there are.", ge=1, examples=[1204])
    lines: int = Field(description="How many lines they have together.", ge=1, examples=[15310])
    net: Money = Field(description="The sum of their nets; negative for credit notes.")


class InvoiceTotals(BaseModel):
    """By currency, invoices before credit notes; currencies are never added up."""

    totals: list[InvoiceTotal] = Field(description="Empty where no document is listed.")


class IssuedMonth(InvoiceTotal):
    """What was issued in a month, of one kind and in one currency."""

    month: Month


class IssuedMonths(BaseModel):
    """What was issued from one month to another, both included."""

    first: Month
    last: Month
    months: list[IssuedMonth] = Field(
        description="By month and currency, invoices before credit notes; only where something was issued."
    )


@router.get(
    "/invoices/totals",
    operation_id="get_invoice_totals",
    summary="Add up invoices and credit notes",
    **door(*READERS, errors=("invalid_amount",)),
)
def get_invoice_totals(view: Viewing, filters: Filtered) -> InvoiceTotals:
    """Add up what `GET /v1/invoices` lists with the same filters: documents, lines and net.

    By month, kind and currency it is known already, however many documents there are; with other filters the
    documents that they leave are added up.
    """
    asked = known(view, filters.question())
    found = invoice_totals.totals(view.cursor, view.tenant_id, asked)
    return InvoiceTotals(totals=[InvoiceTotal(**_added_up(total)) for total in found])


@router.get(
    "/invoices/months",
    operation_id="get_invoice_months",
    summary="What was issued, month by month",
    **door(*READERS),
)
def get_invoice_months(
    view: Viewing,
    first: Annotated[QueryMonth | None, Query(description="Default: eleven months before last.")] = None,
    last: Annotated[QueryMonth | None, Query(description="Default: the tenant's present month.")] = None,
) -> IssuedMonths:
    """Add up what was issued for each month, by kind and currency. At most 120 months."""
    last_number = _number(view.today() if last is None else first_of(last))
    default = max(last_number - MONTHS + 1, FIRST_EVER)
    first_number = default if first is None else _number(first_of(first))
    first_month, last_month = issue_months.first_of(first_number), issue_months.first_of(last_number)
    if not 0 <= last_number - first_number < MOST_MONTHS:
        asked = f"{_written(first_month)} to {_written(last_month)}"
        raise InvalidRequestError(f"{asked}: from first to last it takes 1 to {MOST_MONTHS} months")
    found = issued_months.by_month(view.cursor, view.tenant_id, first_month, last_month)
    return IssuedMonths(
        first=_written(first_month),
        last=_written(last_month),
        months=[IssuedMonth(month=_written(one.month), **_added_up(one)) for one in found],
    )


def _added_up(total: invoice_totals.InvoiceTotal | issued_months.IssuedMonth) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "kind": total.kind,
        "documents": total.documents,
        "lines": total.lines,
        "net": format_minor(total.net_minor, total.currency),
    }


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _written(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"
