"""Customers: found by id; and one, with what it holds, what it was billed and what it will be."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from api.access import Caller, Contextual, View, Viewing
from api.console.bars import Bars, bars
from api.console.doors import PageRoute, address, page_door
from api.console.rendering import page
from api.fields import PathId, QueryId
from api.invoice_filters import InvoiceFilters
from api.lists import QueryCursor, page_of
from api.moments import Moment
from api.routes.adjustments import ADJUSTMENTS
from api.routes.customers import CUSTOMERS, Customer, get_customer
from api.routes.forecast import ForecastMonth, get_forecast
from api.routes.invoices import INVOICES, InvoiceLine
from api.routes.preview import Draft, get_customer_as_of, get_preview
from api.routes.services import SERVICES
from billing.explanation import arithmetic
from billing.line import Line
from ledger.personal import is_commitment
from projections import bookmarks, customers
from projections.service_list import ServiceFilter
from projections.services import count_held_by

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Customers"
ROWS: Final = 50
FIRST: Final = 20
"""So many services and documents stand on a customer's page; its lists have all."""

FIRST_ENTERED: Final = 8
LARGE: Final = 500
"""From so many services on, what is to come is computed when somebody asks: a page may not take so long."""

MOST_LINES: Final = 200
"""So many lines of a draft, and so much of each kind that was known, stand on a page."""


@dataclass(frozen=True, slots=True)
class ShownDraft:
    """A draft with the first of its lines, each with its arithmetic in words."""

    draft: Draft
    lines: Sequence[tuple[InvoiceLine, str]]
    left: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """The months of one currency in which there is anything, and all of them drawn."""

    months: Sequence[ForecastMonth]
    bars: Bars


@router.get("/customers", **page_door())
def list_customers(
    request: Request, view: Viewing, *, prefix: QueryId = None, cursor: QueryCursor = None
) -> Response:
    """List customers by id."""
    asked = {"prefix": prefix}
    found = page_of(CUSTOMERS, view, sort="customer_id", filters=asked, cursor=cursor, limit=ROWS)
    return page(
        request,
        "customers.html",
        place=PLACE,
        items=found.items,
        erased=_erased(view, found.items),
        asked=asked,
        more=found.next and address("/customers", {**asked, "cursor": found.next}),
    )


@router.get("/customers/{customer_id}", **page_door())
def show_customer(
    request: Request,
    view: Viewing,
    customer_id: PathId,
    *,
    fact: Annotated[int | None, Query(ge=1, description="The fact that a form just made.")] = None,
) -> Response:
    """Show who a customer is, and what there is of it; the figures to come are loaded behind the page."""
    customer = get_customer(view, customer_id)
    documents = InvoiceFilters(customer_id=customer_id).question()
    held = asdict(ServiceFilter(customer_id=customer_id))
    services = page_of(SERVICES, view, sort="service_id", filters=held, cursor=None, limit=FIRST)
    issued = page_of(INVOICES, view, sort="-issued", filters=documents, cursor=None, limit=FIRST)
    entered = page_of(
        ADJUSTMENTS,
        view,
        sort="-entered",
        filters={"customer_id": customer_id},
        cursor=None,
        limit=FIRST_ENTERED,
    )
    return page(
        request,
        "customer.html",
        place=PLACE,
        customer=customer,
        erased=_erased(view, [customer])[customer_id],
        path=address(_path(customer_id)),
        today=view.today(),
        fact=fact,
        is_seen=fact is None or bookmarks.read(view.cursor, view.tenant_id).seq >= fact,
        services=services,
        is_large=count_held_by(view.cursor, view.tenant_id, customer_id, most=LARGE) == LARGE,
        all_services=address("/services", {"customer_id": customer_id}),
        documents=issued,
        all_documents=address("/invoices", {"customer_id": customer_id}),
        adjustments=entered,
        all_adjustments=address(f"{_path(customer_id)}/adjustments"),
    )


@router.get("/customers/{customer_id}/preview", **page_door())
def show_preview(request: Request, view: Viewing, customer_id: PathId) -> Response:
    """Show the next invoices, if nothing more is heard."""
    found = get_preview(view, customer_id)
    return page(
        request,
        "customer_preview.html",
        place=PLACE,
        customer=get_customer(view, customer_id),
        preview=found,
        drafts=list(_drafts(found.drafts)),
    )


@router.get("/customers/{customer_id}/forecast", **page_door())
def show_forecast(request: Request, view: Viewing, customer_id: PathId) -> Response:
    """Show what will be invoiced, month by month."""
    customer = get_customer(view, customer_id)
    found = get_forecast(view, customer_id=customer_id)
    return page(
        request,
        "customer_forecast.html",
        place=PLACE,
        customer=customer,
        forecast=found,
        outlooks=list(_outlooks(found.months, found.first_month)),
    )


@router.get("/customers/{customer_id}/history", **page_door())
def show_history(
    request: Request,
    context: Contextual,
    key: Caller,
    view: Viewing,
    customer_id: PathId,
    *,
    as_of: Moment | None = None,
) -> Response:
    """Show what was known at a time, today's end by default, folded from the facts heard by then."""
    customer = get_customer(view, customer_id)
    wanted = as_of or view.today().isoformat()
    found = get_customer_as_of(context, key, view, customer_id, wanted)
    return page(
        request,
        "customer_history.html",
        place=PLACE,
        customer=customer,
        path=address(_path(customer_id)),
        as_of=wanted,
        found=found,
        most=MOST_LINES,
        drafts=list(_drafts(found.drafts)),
    )


def _path(customer_id: str) -> str:
    return f"/customers/{quote(customer_id, safe='')}"


def _erased(view: View, shown: Sequence[Customer]) -> dict[str, frozenset[str]]:
    """Return for each customer which values were sent and are gone; others it never had."""
    known = customers.of_customers(view.cursor, view.tenant_id, [one.customer_id for one in shown])
    today = view.today()
    found = {}
    for one in shown:
        party = customers.in_force(known[one.customer_id], today)
        found[one.customer_id] = frozenset(
            field for field, value in party.items() if is_commitment(value) and getattr(one, field) is None
        )
    return found


def _drafts(drafts: Sequence[Draft]) -> Iterator[ShownDraft]:
    for draft in drafts:
        lines = [(line, _sentence(line, draft.currency)) for line in draft.lines[:MOST_LINES]]
        yield ShownDraft(draft, lines, max(len(draft.lines) - MOST_LINES, 0))


def _sentence(line: InvoiceLine, currency: str) -> str:
    data = line.model_dump(mode="json")
    given = {name: value for name, value in data["explanation"].items() if value is not None}
    data["explanation"] = {"full_days": None, "price_version": None, **given}
    return arithmetic(Line.from_data(data, currency), currency)


def _outlooks(months: Sequence[ForecastMonth], now: str) -> Iterator[Outlook]:
    for currency in sorted({one.currency for one in months}):
        ahead = {one.month: one for one in months if one.currency == currency}
        drawn = bars(currency, ahead, issued={}, ahead=ahead, now=now)
        busy = [ahead[column.month] for column in drawn.columns if any(column.amounts.values())]
        if busy:
            yield Outlook(busy, drawn)
