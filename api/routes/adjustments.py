"""Adjustments: one-off charges and credits that a person enters, and takes back."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import READERS, Caller, Contextual, GuardedRoute, View, Viewing, door
from api.errors import EventRefusedError
from api.event_results import result_of
from api.fields import (
    AMOUNT,
    SPOKEN,
    Currency,
    EventRef,
    Money,
    PathId,
    QueryId,
    Seq,
    event_ref,
)
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from api.settings import Context
from consumers.receive import Receiver
from ledger.keys import ApiKey
from projections import adjustments, pages
from projections.adjusting import entered_before, entering, withdrawing
from projections.adjustments import AdjustmentRow
from projections.pages import Wanted

router = APIRouter(route_class=GuardedRoute, tags=["adjustments"])

Words = Annotated[str, Field(min_length=1, max_length=500, pattern=SPOKEN)]
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=SPOKEN)]


class Adjustment(BaseModel):
    """A charge or credit that was entered; `invoiced_on` are the documents that have a line of its id."""

    adjustment_id: str = Field(examples=["adj-7f3a"])
    customer_id: str
    service_id: str | None
    effective: date = Field(description="From this day on it is due.")
    amount: Money = Field(description="A credit is negative.")
    currency: Currency
    text: str = Field(description="What the invoice says.")
    reason: str
    author: str
    seq: Seq
    event: EventRef
    is_live: bool = Field(
        description="Whether it still counts; false once it is withdrawn, or another has its id."
    )
    ended_by: EventRef | None = Field(
        description="The event that withdrew or replaced it, or that stands before it under its id."
    )
    invoiced_on: list[str]


class NewAdjustment(BaseModel):
    """What is to be charged or credited."""

    model_config = ConfigDict(extra="forbid")

    amount: str = Field(description="A credit is negative.", pattern=AMOUNT, examples=["-12.50"])
    reason: Words = Field(description="Why. It stays in the ledger.")
    adjustment_id: Id | None = Field(
        default=None, description="Your own, so that sending it again enters it once; else one is made."
    )
    effective: date | None = Field(default=None, description="Default: today, by the ledger's clock.")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$", description="Default: the tenant's.")
    service_id: Id | None = Field(default=None, description="The service that it is about.")
    text: Words | None = Field(default=None, description="What the invoice says. Default: the reason.")
    author: Id | None = Field(default=None, description="Who decides it: a user's id. Default: the key's id.")


class Withdrawal(BaseModel):
    """Why an adjustment is taken back, and by whom."""

    model_config = ConfigDict(extra="forbid")

    reason: Words
    author: Id | None = None


class Entered(BaseModel):
    """The fact that says so."""

    adjustment_id: str
    seq: Seq


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Adjustment]]:
    found = pages.page(view.cursor, view.tenant_id, adjustments.LISTING, wanted)
    return [(shown(AdjustmentRow(*one.row)), one.key) for one in found]


ADJUSTMENTS: Final = Listed("adjustments", Adjustment, adjustments.LISTING.orders, _fetch)


@router.get(
    "/adjustments",
    operation_id="list_adjustments",
    summary="List adjustments",
    response_model=Page[Adjustment],
    **list_door(*READERS, item=Adjustment),
)
def list_adjustments(
    asked: Asked,
    customer_id: Annotated[QueryId, Query()] = None,
    sort: Literal["entered", "-entered"] = "-entered",
) -> Response:
    """List what was entered by hand, the last first, with the documents that have it."""
    return answer(ADJUSTMENTS, asked, sort, {"customer_id": customer_id})


@router.post(
    "/customers/{customer_id}/adjustments",
    operation_id="enter_adjustment",
    summary="Enter an adjustment",
    status_code=201,
    **door(
        "finance",
        "admin",
        errors=(
            "customer_unknown",
            "adjustment_invalid",
            "adjustment_taken",
            "event_refused",
            "body_too_large",
            "media_type_unsupported",
        ),
    ),
)
def enter_adjustment(
    context: Contextual, key: Caller, view: Viewing, customer_id: PathId, wanted: NewAdjustment
) -> Entered:
    """Enter a one-off charge or credit: a fact, and a line of the customer's next invoice.

    The same under the same `adjustment_id` again is answered as the first time, and entered once.
    """
    event = proposed(view, key, customer_id, wanted)
    return Entered(adjustment_id=event["data"]["adjustment_id"], seq=_book(context, key, event))


def proposed(view: View, key: ApiKey, customer_id: str, wanted: NewAdjustment) -> dict[str, Any]:
    """Return the event that would enter an adjustment, checked; nothing is booked yet.

    Raises what `entering` raises.
    """
    given = wanted.adjustment_id
    before = None if given is None else entered_before(view.cursor, view.tenant_id, given)
    # What was sent without a day means the same on the next day.
    effective = wanted.effective or (before or {}).get("effective") or view.today()
    data: dict[str, Any] = {
        **wanted.model_dump(mode="json", exclude_none=True),
        "customer_id": customer_id,
        "adjustment_id": given or f"adj-{uuid4().hex[:12]}",
        "author": wanted.author or key.key_id,
        "effective": str(effective),
    }
    return entering(view.cursor, view.tenant_id, data)


@router.post(
    "/customers/{customer_id}/adjustments/{adjustment_id}/withdraw",
    operation_id="withdraw_adjustment",
    summary="Withdraw an adjustment",
    **door(
        "finance",
        "admin",
        errors=("adjustment_unknown", "event_refused", "body_too_large", "media_type_unsupported"),
    ),
)
def withdraw_adjustment(
    context: Contextual,
    key: Caller,
    view: Viewing,
    customer_id: PathId,
    adjustment_id: PathId,
    why: Withdrawal,
) -> Entered:
    """Take an adjustment back; what was invoiced for it is reversed on the next invoice."""
    event = withdrawing(
        view.cursor,
        view.tenant_id,
        customer_id,
        adjustment_id,
        reason=why.reason,
        author=why.author or key.key_id,
    )
    return Entered(adjustment_id=adjustment_id, seq=_book(context, key, event))


def _book(context: Context, key: ApiKey, event: Mapping[str, Any]) -> int:
    """Book an event of ours as any other that comes by HTTP; return its seq."""
    receiver = Receiver(key.tenant_id, f"http:{key.key_id}", context.settings.tenant_sources, context.clock)
    with context.pool.connection() as connection:
        (received,) = receiver.receive(connection, [orjson.dumps(event)])
    if received.seq is None:
        assert received.unreadable is not None, received
        raise EventRefusedError([result_of(received)])
    return received.seq


def shown(row: AdjustmentRow) -> Adjustment:
    """Return a row as it is shown."""
    return Adjustment(
        adjustment_id=row.adjustment_id,
        customer_id=row.customer_id,
        service_id=row.service_id or None,
        effective=row.effective,
        amount=row.amount,
        currency=row.currency,
        text=row.text,
        reason=row.reason,
        author=row.author,
        seq=row.heard,
        event=event_ref(row.source, row.event_id),
        is_live=row.is_live,
        ended_by=None if row.ended_source is None else event_ref(row.ended_source, row.ended_id or ""),
        invoiced_on=list(row.numbers),
    )
