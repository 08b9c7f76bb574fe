"""Invoices: by billing period, filtered and sorted, exported; and one, with the arithmetic of each line."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from api.access import Caller, Contextual, Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.rendering import page
from api.fields import PathId
from api.invoice_filters import Filtered
from api.issued_documents import IssuedDocuments
from api.lists import CSV, JSON_LINES, Asking, QueryCursor, answer, page_of
from api.routes import customers as api_customers
from api.routes import invoice_files
from api.routes.invoice_totals import get_invoice_totals
from api.routes.invoices import INVOICES, Sort, head, line_of
from billing.explanation import arithmetic
from billing.facts import EventRef
from billing.line import Line
from documents.view import InvoiceView, LineView
from projections import event_fate, invoices
from projections.event_fate import Fate
from projections.invoices import InvoiceUnknownError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Invoices"
ROWS: Final = 50
LINES: Final = 200
"""So many lines of a document stand on one page."""
FORMS: Final = {"csv": CSV, "jsonl": JSON_LINES}


@router.get("/invoices", **page_door())
def list_invoices(
    request: Request,
    view: Viewing,
    filters: Filtered,
    *,
    sort: Sort = "-issued",
    cursor: QueryCursor = None,
    totals: bool = False,
) -> Response:
    """List documents with their totals; the filters are the API's.

    What a product's documents of all months come to may take seconds: that waits until it is asked for.
    """
    asked = asdict(filters)
    is_added_up = totals or filters.period is not None or not (filters.product_id or filters.service_type)
    found = page_of(INVOICES, view, sort=sort, filters=filters.question(), cursor=cursor, limit=ROWS)
    named = api_customers.shown(view, sorted({one.customer_id for one in found.items}))
    return page(
        request,
        "invoices.html",
        place=PLACE,
        items=found.items,
        totals=get_invoice_totals(view, filters).totals if is_added_up else None,
        adding_up=address("/invoices", {**asked, "sort": sort, "totals": "true"}),
        names={one.customer_id: one.name for one in named},
        asked=asked,
        sort=sort,
        narrowed=sum(value is not None for value in asked.values()),
        more=found.next and address("/invoices", {**asked, "sort": sort, "cursor": found.next}),
        orders=_orders(asked, sort),
        exports={form: address(f"/invoices/export/{form}", {**asked, "sort": sort}) for form in FORMS},
    )


@router.get("/invoices/export/{form}", **page_door())
def export_invoices(
    request: Request,
    context: Contextual,
    key: Caller,
    form: Literal["csv", "jsonl"],
    filters: Filtered,
    *,
    sort: Sort = "-issued",
) -> Response:
    """Stream the whole list, as the API does."""
    asking = Asking(request, context, key, ROWS, None)
    return answer(INVOICES, asking, sort, filters.question(), form=FORMS[form])


@router.get("/invoices/{number}", **page_door())
def show_invoice(
    request: Request,
    view: Viewing,
    number: PathId,
    *,
    first: Annotated[int, Query(alias="from", ge=1, le=1_000_000)] = 1,
) -> Response:
    """Show one document: what it is about, its lines, and where it stands in the ledger."""
    found = invoices.document(view.cursor, view.tenant_id, number)
    shown = IssuedDocuments(view.cursor, view.tenant_id).view_of(found)
    last = first + LINES - 1
    behind = f"{address('/invoices/' + quote(number, safe=''))}?from={last + 1}"
    return page(
        request,
        "invoice.html",
        place=PLACE,
        invoice=head(found),
        shown=shown,
        blocks=list(_blocks(shown, first, last)),
        more=behind if last < len(shown.lines) else None,
    )


@router.get("/invoices/{number}/pdf", **page_door())
def download_pdf(context: Contextual, key: Caller, number: PathId) -> Response:
    """Return the PDF that the customer gets."""
    return invoice_files.get_invoice_pdf(context, key, number)


@router.get("/invoices/{number}/csv", **page_door())
def download_csv(view: Viewing, number: PathId) -> Response:
    """Return the lines as CSV."""
    return invoice_files.get_invoice_csv(view, number)


@router.get("/invoices/{number}/lines/{line}", **page_door())
def explain_line(
    request: Request, view: Viewing, number: PathId, line: Annotated[int, Path(ge=1, le=1_000_000)]
) -> Response:
    """Show how one amount came about: the arithmetic, and the events behind it as the ledger holds them."""
    found = invoices.document(view.cursor, view.tenant_id, number)
    if line > len(found.lines):
        raise InvoiceUnknownError(f"document {number!r} has no line {line}; it has {len(found.lines)}")
    currency = found.row.currency
    plain = Line.from_data(found.lines[line - 1], currency)
    named = [*plain.explanation.events]
    price = plain.explanation.price_version
    return page(
        request,
        "line.html",
        place=PLACE,
        invoice=head(found),
        line=line_of(line, found.lines[line - 1]),
        sentence=arithmetic(plain, currency),
        fates=[_fate(view, ref) for ref in named],
        price=None if price is None else _fate(view, price),
    )


def _fate(view: Viewing, ref: EventRef) -> Fate:
    found = event_fate.of(view.cursor, view.tenant_id, ref.source, ref.id)
    assert found is not None, "a line names only what the ledger holds"
    return found


def _blocks(shown: InvoiceView, first: int, last: int) -> Iterator[tuple[str, list[LineView]]]:
    """Yield the lines of one page, by service."""
    for service_id, lines in shown.services():
        inside = [line for line in lines if first <= line.line <= last]
        if inside:
            yield service_id, inside


def _orders(asked: dict[str, Any], sort: str) -> dict[str, tuple[str, str]]:
    """Return for each column that sorts where its heading leads, and how it is sorted now (for readers)."""
    found = {}
    for name in ("issued", "customer", "due_for", "net"):
        now = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
        other = name if now == "descending" else f"-{name}"
        found[name] = (address("/invoices", {**asked, "sort": other}), now)
    return found
