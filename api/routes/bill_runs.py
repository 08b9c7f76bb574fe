"""Bill runs: issue what is due for a date, and see how far that is."""

from datetime import date, datetime
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import READERS, Caller, GuardedRoute, View, Viewing, Watching, door
from api.errors import header
from api.fields import MOST_CHARACTERS, SPOKEN, Currency, Money, PathId, Seq
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from projections import accounts, ordered_runs, pages
from projections.billrun import IssueDateInFutureError
from projections.ordered_runs import OrderedRun, Ordering, OrderState, RunDesk
from projections.pages import Wanted

router = APIRouter(route_class=GuardedRoute, tags=["bill runs"])


class BillRunOrder(BaseModel):
    """What is to be billed."""

    model_config = ConfigDict(extra="forbid")

    issue_date: date = Field(
        description="Bill each billing day up to this one, as far as it was not billed yet."
    )
    customer_id: str | None = Field(
        default=None,
        description="One customer only.",
        min_length=1,
        max_length=MOST_CHARACTERS,
        pattern=SPOKEN,
        examples=["c-17"],
    )
    dry_run: bool = Field(default=False, description="Compute the same documents, issue none.")
    off_cycle: bool = Field(
        default=False, description="Bill on the date itself, whatever the customers' billing days are."
    )


class RunTotal(BaseModel):
    """The documents of one kind and currency."""

    kind: Literal["invoice", "credit_note"]
    currency: Currency
    documents: int
    lines: int
    net: Money


class SetAside(BaseModel):
    """A customer that could not be billed; all others were."""

    customer_id: str
    reason: str


class Outcome(BaseModel):
    """How a run ended."""

    computed_at_seq: int | None = None
    totals: list[RunTotal] = Field(default_factory=list)
    set_aside: list[SetAside] = Field(default_factory=list)
    code: str | None = Field(default=None, description="Why it failed.")
    detail: str | None = None


class BillRun(BaseModel):
    """An order and how far it is."""

    run_id: str = Field(examples=["6f3c1a9e-4a53-4f57-9d3c-8a8b8f0f5f0e"])
    issue_date: date
    customer_id: str | None
    dry_run: bool
    off_cycle: bool
    state: OrderState = Field(
        description="interrupted: its process ended; order it again, nothing is ever issued twice."
    )
    customers_done: int
    customers_total: int | None = Field(description="null: not counted yet.")
    ordered_by: str = Field(description="The key's id.")
    ordered_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None


class CompletedRun(BaseModel):
    """A run that is done, however it was started: the fact that says so."""

    seq: Seq
    issue_date: date
    customer_id: str | None = Field(description="null: all customers.")
    documents: int = Field(description="How many were issued.")
    set_aside: list[SetAside]
    recorded_at: datetime


def _fetch(view: View, wanted: Wanted) -> list[Fetched[BillRun]]:
    found = pages.page(view.cursor, view.tenant_id, ordered_runs.LISTING, wanted)
    return [
        (_shown(ordered_runs.ordered_run(view.cursor, view.tenant_id, one.row)), one.key) for one in found
    ]


def _fetch_completed(view: View, wanted: Wanted) -> list[Fetched[CompletedRun]]:
    found = pages.page(view.cursor, view.tenant_id, accounts.RUNS, wanted)
    return [(_completed(accounts.CompletedRun.of(one.row)), one.key) for one in found]


RUNS: Final = Listed("bill-runs", BillRun, ordered_runs.LISTING.orders, _fetch, is_watched=True)
COMPLETED: Final = Listed("completed-bill-runs", CompletedRun, accounts.RUNS.orders, _fetch_completed)


@router.post(
    "/bill-runs",
    operation_id="order_bill_run",
    summary="Order a bill run",
    status_code=202,
    **door(
        "finance",
        "admin",
        errors=("issue_date_in_future", "body_too_large", "media_type_unsupported"),
        answers={
            202: {
                "description": "Ordered, and not yet done.",
                "headers": {
                    "Location": header("Where to see how far it is.", example="/v1/bill-runs/6f3c1a9e-4a53")
                },
            }
        },
    ),
)
def order_bill_run(
    order: BillRunOrder, request: Request, response: Response, key: Caller, view: Viewing
) -> BillRun:
    """Issue what is due up to a date, in the background; `Location` is where to see how far it is.

    Ordering the same again issues nothing twice.
    """
    today = view.today()
    if order.issue_date > today:
        raise IssueDateInFutureError(
            f"issue_date {order.issue_date.isoformat()} has not come yet: the ledger's clock has "
            f"{today.isoformat()}; give that day or an earlier one"
        )
    desk: RunDesk = request.app.state.run_desk
    run = desk.order(
        Ordering(
            key.tenant_id,
            key.key_id,
            order.issue_date,
            order.customer_id,
            dry_run=order.dry_run,
            off_cycle=order.off_cycle,
        )
    )
    response.headers["Location"] = f"/v1/bill-runs/{run.run_id}"
    return _shown(run)


@router.get(
    "/bill-runs",
    operation_id="list_bill_runs",
    summary="List ordered bill runs",
    response_model=Page[BillRun],
    **list_door(*READERS, item=BillRun),
)
def list_bill_runs(asked: Asked, sort: Literal["ordered", "-ordered"] = "-ordered") -> Response:
    """List the runs that were ordered by HTTP, the latest first, and how far each is."""
    return answer(RUNS, asked, sort, {})


@router.get(
    "/bill-runs/completed",
    operation_id="list_completed_bill_runs",
    summary="List completed bill runs",
    response_model=Page[CompletedRun],
    **list_door(*READERS, item=CompletedRun),
)
def list_completed_bill_runs(asked: Asked, sort: Literal["seq", "-seq"] = "-seq") -> Response:
    """List the runs that are done, however they were started: each is a fact of the ledger."""
    return answer(COMPLETED, asked, sort, {})


@router.get(
    "/bill-runs/{run_id}",
    operation_id="get_bill_run",
    summary="Show an ordered bill run",
    **door(*READERS, errors=("bill_run_unknown",)),
)
def get_bill_run(view: Watching, run_id: PathId) -> BillRun:
    """Show how far a run is, and once it has ended, what it issued and who was set aside."""
    return _shown(ordered_runs.ordered(view.cursor, view.tenant_id, run_id))


def _shown(run: OrderedRun) -> BillRun:
    return BillRun(
        run_id=run.run_id,
        issue_date=run.issue_date,
        customer_id=run.customer_id,
        dry_run=run.dry_run,
        off_cycle=run.off_cycle,
        state=run.state,
        customers_done=run.customers_done,
        customers_total=run.customers_total,
        ordered_by=run.ordered_by,
        ordered_at=run.ordered_at,
        ended_at=run.ended_at,
        outcome=None if run.outcome is None else Outcome.model_validate(run.outcome),
    )


def _completed(run: accounts.CompletedRun) -> CompletedRun:
    return CompletedRun(
        seq=run.seq,
        issue_date=run.issue_date,
        customer_id=run.customer_id,
        documents=run.documents,
        set_aside=[SetAside.model_validate(one) for one in run.set_aside],
        recorded_at=run.recorded_at,
    )
