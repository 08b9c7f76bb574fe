"""Bill runs: compute what is due, look at it, issue it, and watch how far that is."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.access import Caller, View, Watching
from api.console.doors import PageRoute, address, page_door
from api.console.rendering import day, page
from api.errors import STATUSES, InvalidRequestError
from api.fields import MOST_CHARACTERS, PathId
from api.lists import QueryCursor, page_of
from api.routes import customers as api_customers
from api.routes.bill_runs import COMPLETED, RUNS, BillRun, BillRunOrder, get_bill_run, order_bill_run
from billing.errors import LedgerError
from projections import bookmarks
from projections.billrun import IssueDateInFutureError
from projections.ordered_runs import OrderState

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Bill runs"
ROWS: Final = 20
SET_ASIDE: Final = 200
"""So many customers that were set aside stand on a run's page; the API has all."""
AHEAD: Final[tuple[OrderState, ...]] = ("waiting", "running")
LONGEST_FIELD: Final = 2_000
LOOKED_THROUGH: Final = 200
"""So many orders, the latest, are looked through for the one that issued what was computed."""

Field = Annotated[str, Form(max_length=LONGEST_FIELD)]


@router.get("/bill-runs", **page_door())
def list_bill_runs(
    request: Request, view: Watching, *, cursor: QueryCursor = None, completed: QueryCursor = None
) -> Response:
    """List what was ordered and what is done, each from its own cursor on."""
    return _list(request, view, cursor=cursor, completed=completed)


@router.post("/bill-runs", **page_door("finance", "admin"))
def compute(
    request: Request,
    view: Watching,
    key: Caller,
    *,
    issue_date: Field = "",
    customer_id: Field = "",
    off_cycle: Annotated[bool, Form()] = False,
) -> Response:
    """Order a run that issues nothing, and show what it would issue."""
    asked = {"issue_date": issue_date, "customer_id": customer_id, "off_cycle": off_cycle}
    try:
        order = _order(issue_date, customer_id.strip(), off_cycle=off_cycle)
    except InvalidRequestError as error:
        return _list(request, view, asked=asked, wrong=error, said=str(error))
    try:
        run = order_bill_run(order, request, Response(), key, view)
    except IssueDateInFutureError as error:
        said = f"{day(order.issue_date)} has not come yet: today is {day(view.today())}; give an earlier day"
        return _list(request, view, asked=asked, wrong=error, said=said)
    return _see(run.run_id)


@router.get("/bill-runs/{run_id}", **page_door())
def show_bill_run(request: Request, view: Watching, run_id: PathId) -> Response:
    """Show how far a run is; once it has ended, what it issued or would issue, and who was set aside."""
    run = get_bill_run(view, run_id)
    outcome = run.outcome
    set_aside = outcome.set_aside[:SET_ASIDE] if outcome else []
    concerned = {one.customer_id for one in set_aside} | ({run.customer_id} if run.customer_id else set())
    named = api_customers.shown(view, sorted(concerned))
    computed_at = outcome.computed_at_seq if outcome else None
    return page(
        request,
        "bill_run.html",
        place=PLACE,
        run=run,
        set_aside=set_aside,
        is_ahead=run.state in AHEAD,
        issued=_issued(view, run),
        names={one.customer_id: one.name for one in named},
        documents=address("/invoices", {"period": f"{run.issue_date:%Y-%m}", "customer_id": run.customer_id}),
        heard_since=0
        if computed_at is None
        else max(0, bookmarks.read(view.cursor, view.tenant_id).seq - computed_at),
    )


@router.post("/bill-runs/{run_id}/issue", **page_door("finance", "admin"))
def issue(request: Request, view: Watching, key: Caller, run_id: PathId) -> Response:
    """Order the real run of one that was computed; sent twice, the second leads to the first's."""
    run = get_bill_run(view, run_id)
    if not run.dry_run or run.state != "done":
        raise InvalidRequestError("only what was computed to its end is issued; compute it first")
    before = _issued(view, run)
    if before is not None:
        return _see(before.run_id)
    order = BillRunOrder(issue_date=run.issue_date, customer_id=run.customer_id, off_cycle=run.off_cycle)
    return _see(order_bill_run(order, request, Response(), key, view).run_id)


def _issued(view: View, computed: BillRun) -> BillRun | None:
    """Return the real run that was ordered for the same since a dry run, and has not come to nothing."""
    if not computed.dry_run or computed.outcome is None:
        return None
    wanted = (computed.issue_date, computed.customer_id, computed.off_cycle)
    seen = computed.outcome.computed_at_seq or 0
    latest = page_of(RUNS, view, sort="-ordered", filters={}, cursor=None, limit=LOOKED_THROUGH).items
    for one in latest:
        if one.ordered_at < computed.ordered_at:
            break
        if one.dry_run or (one.issue_date, one.customer_id, one.off_cycle) != wanted:
            continue
        if one.state in AHEAD or (one.outcome and (one.outcome.computed_at_seq or -1) >= seen):
            return one
    return None


def _see(run_id: str) -> Response:
    return RedirectResponse(address(f"/bill-runs/{run_id}"), HTTPStatus.SEE_OTHER)


def _order(issue_date: str, customer_id: str, *, off_cycle: bool) -> BillRunOrder:
    """Return what a form asks for. Raises InvalidRequestError."""
    try:
        due = date.fromisoformat(issue_date)
    except ValueError:
        raise InvalidRequestError(
            f"{issue_date[:40]!r} is no day: write the issue date like 2026-07-02"
        ) from None
    try:
        return BillRunOrder(
            issue_date=due, customer_id=customer_id or None, dry_run=True, off_cycle=off_cycle
        )
    except ValidationError:
        raise InvalidRequestError(
            f"this is no customer's id: it has at most {MOST_CHARACTERS} characters, and no NUL"
        ) from None


def _list(
    request: Request,
    view: View,
    *,
    cursor: str | None = None,
    completed: str | None = None,
    asked: dict[str, object] | None = None,
    wrong: LedgerError | None = None,
    said: str = "",
) -> Response:
    ordered = page_of(RUNS, view, sort="-ordered", filters={}, cursor=cursor, limit=ROWS)
    done = page_of(COMPLETED, view, sort="-seq", filters={}, cursor=completed, limit=ROWS)
    today = view.today().isoformat()
    return page(
        request,
        "bill_runs.html",
        place=PLACE,
        status=STATUSES[wrong.code] if wrong else HTTPStatus.OK,
        ordered=ordered.items,
        completed=done.items,
        today=today,
        asked=asked or {"issue_date": today, "customer_id": "", "off_cycle": False},
        wrong=said,
        more_ordered=ordered.next and address("/bill-runs", {"cursor": ordered.next}),
        more_completed=done.next and address("/bill-runs", {"completed": done.next}),
    )
