"""Invoices and credit notes: issued documents with their lines, each line with its explanation."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.access import READERS, GuardedRoute, View, Viewing, door
from api.fields import Currency, Money, PathId, Seq
from api.invoice_filters import Filtered, Kind, known
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from api.moments import Moment, moment_that_came
from billing.money import format_minor
from projections import invoices, pages
from projections.invoices import InvoiceRow, InvoiceUnknownError, IssuedDocument
from projections.pages import Wanted
from projections.replay import resolve

router = APIRouter(route_class=GuardedRoute, tags=["invoices"])

Sort = Literal["issued", "-issued", "due_for", "-due_for", "net", "-net", "customer", "-customer"]


class InvoiceSummary(BaseModel):
    """An issued document without its lines. It never changes: corrections stand on later documents."""

    number: str = Field(examples=["INV-000042"])
    kind: Kind = Field(description="A document with a negative net is a credit note.")
    customer_id: str = Field(examples=["c-17"])
    currency: Currency
    net: Money = Field(description="Sum of the lines, before tax, in the currency's decimals.")
    due_for: date = Field(description="The issue date that the calculation was made for.")
    issued_on: date = Field(description="The real day of issue; later than due_for where a run was late.")
    lines: int = Field(description="How many lines it has.", ge=1)
    seq: Seq
    computed_at_seq: int = Field(description="The calculation used the facts up to this one.", ge=0)
    recorded_at: datetime


class LineTarget(BaseModel):
    """The issued line that a line corrects."""

    document: str = Field(examples=["INV-000041"])
    line: int = Field(ge=1)


class Standing(BaseModel):
    """What stands of the corrected line after the correction."""

    period_start: date
    period_end: date
    amount: Money


class Entered(BaseModel):
    """What was said of a manual adjustment."""

    text: str = Field(examples=["Goodwill for the late delivery"])
    reason: str
    author: str


class Explanation(BaseModel):
    """How an amount came about: the share of the full amount, rounded once, less what was invoiced."""

    rule: str = Field(description="The step of the rules that made the line.", examples=["new"])
    events: list[tuple[str, str]] = Field(description="Source and id of the events that caused it.")
    price_source: str = Field(examples=["catalog"])
    price_version: tuple[str, str] | None = Field(
        description="Source and id of the event that set the price."
    )
    served_days: int
    full_days: int | None = Field(description="Days of the full period; null for a one-time charge.")
    share: str = Field(description="An exact fraction of the full period.", examples=["7/30"])
    exact_minor: str = Field(
        description="Minor units before rounding, an exact fraction.", examples=["700/1"]
    )
    rounding: str = Field(examples=["half_up"])
    invoiced: Money = Field(description="What was invoiced of it before; already taken off.")
    charged_from: date | None = Field(
        default=None, description="A backdated activation keeps earlier days from being charged."
    )
    entered: Entered | None = Field(default=None, description="Of a manual adjustment alone.")


class InvoiceLine(BaseModel):
    """One line. Periods are half-open: `period_end` is the first day that is not charged."""

    line: int = Field(ge=1)
    service_id: str | None = Field(examples=["svc-1001"], description="Null: an adjustment about none.")
    product_id: str | None = Field(examples=["laptop-standard"], description="Null: an adjustment.")
    price_id: str = Field(examples=["rent"], description="Of an adjustment: its own id.")
    kind: Literal["recurring", "one_time", "adjustment"]
    quantity: str = Field(examples=["1"])
    unit_amount: str = Field(examples=["30.00"])
    period_start: date
    period_end: date
    full_start: date | None
    full_end: date | None
    amount: Money
    reverses: LineTarget | None = Field(description="The line that this one takes back.")
    adjusts: LineTarget | None = Field(description="The line of which this one is the difference.")
    result: Standing | None
    explanation: Explanation


class AccountCredit(BaseModel):
    """The account's credit, and what the document made of it; none of it changes the net."""

    brought_forward: Money = Field(description="The account's credit before the document.")
    applied: Money = Field(description="Of it, set off against the total.")
    paid_out: Money = Field(description="To be paid to the customer.")
    carried_forward: Money = Field(description="The account's credit from here on.")


class Invoice(InvoiceSummary):
    """An issued document with its lines."""

    account_credit: AccountCredit
    amount_due: Money = Field(description="What the customer has to pay.")
    line_items: list[InvoiceLine]
    leaf: str = Field(description="SHA-256 of the fact in the tenant's Merkle tree, in hex.")


def _fetch(view: View, wanted: Wanted) -> list[Fetched[InvoiceSummary]]:
    filters = known(view, wanted.filters or {})
    found = pages.page(view.cursor, view.tenant_id, invoices.LISTING, replace(wanted, filters=filters))
    return [(InvoiceSummary(**summary(InvoiceRow(*one.row))), one.key) for one in found]


INVOICES: Final = Listed("invoices", InvoiceSummary, invoices.LISTING.orders, _fetch)


@router.get(
    "/invoices",
    operation_id="list_invoices",
    summary="List invoices and credit notes",
    response_model=Page[InvoiceSummary],
    **list_door(*READERS, item=InvoiceSummary),
)
def list_invoices(asked: Asked, filters: Filtered, *, sort: Sort = "-issued") -> Response:
    """Issued documents, the latest first. Filters narrow; all that are given must hold."""
    return answer(INVOICES, asked, sort, filters.question())


@router.get(
    "/invoices/{number}",
    operation_id="get_invoice",
    summary="Show an invoice or credit note with its lines",
    **door(*READERS, errors=("invoice_unknown", "as_of_unknown")),
)
def get_invoice(view: Viewing, number: PathId, as_of: Moment | None = None) -> Invoice:
    """Show one document, and for each line which events and which price made it, for which days, and how.

    With `as_of`: only if it was issued by then. A document never changes, so that it is the same.
    """
    found = invoices.document(view.cursor, view.tenant_id, number)
    if as_of is not None:
        seq, _ = resolve(view.cursor, view.tenant_id, moment_that_came(as_of, view), view.clock)
        if found.row.seq > seq:
            raise InvoiceUnknownError(f"document {number!r} was not issued by seq {seq}")
    return whole(found)


def summary(row: InvoiceRow) -> dict[str, Any]:
    """Return what is shown of a document beside its lines."""
    return {
        "number": row.number,
        "kind": row.kind,
        "customer_id": row.customer_id,
        "currency": row.currency,
        "net": format_minor(row.net_minor, row.currency),
        "due_for": row.due_for,
        "issued_on": row.issued_on,
        "lines": row.line_count,
        "seq": row.seq,
        "computed_at_seq": row.computed_at_seq,
        "recorded_at": row.recorded_at,
    }


def whole(found: IssuedDocument) -> Invoice:
    """Return a document as it is shown."""
    lines = [line_of(number, line) for number, line in enumerate(found.lines, start=1)]
    return Invoice(**head(found), line_items=lines)


def head(found: IssuedDocument) -> dict[str, Any]:
    """Return what is shown of a document beside its lines, with what becomes of the account's credit."""
    document = found.issued["document"]
    return {
        **summary(found.row),
        "account_credit": document["account_credit"],
        "amount_due": document["amount_due"],
        "leaf": found.leaf.hex(),
    }


def line_of(number: int, line: Mapping[str, Any]) -> InvoiceLine:
    """Return a line of a fact as it is shown; `number` counts from 1."""
    return InvoiceLine.model_validate({"line": number, **line})
