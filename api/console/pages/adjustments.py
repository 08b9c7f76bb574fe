"""Adjustments: entered in two steps, the first of which says what it comes to; and taken back."""

from datetime import date
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.status import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_422_UNPROCESSABLE_CONTENT

from api.access import Caller, Contextual, View, Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.rendering import page, told
from api.errors import ServiceUnknownError
from api.fields import PathId
from api.lists import QueryCursor, page_of
from api.routes.adjustments import (
    ADJUSTMENTS,
    Adjustment,
    NewAdjustment,
    Withdrawal,
    enter_adjustment,
    proposed,
    shown,
    withdraw_adjustment,
)
from api.routes.customers import Customer, get_customer
from api.routes.services import get_service
from billing.errors import InvalidAmountError, LedgerError
from projections import adjustments
from projections.adjusting import AdjustmentInvalidError, AdjustmentUnknownError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Customers"
ROWS: Final = 50
Text = Annotated[str, Field(max_length=2_000)]
REMEDIES: Final = {
    "amount": "write 12.50 to charge, -12.50 to credit",
    "currency": "write three capitals, like EUR",
    "effective": "write a day, like 2026-07-02",
    "reason": "say why, in at most 500 characters",
    "text": "write at most 500 characters",
    "service_id": "write the id of a service, or nothing",
}
"""For each field, what to do where it can't be read."""


class AdjustmentForm(BaseModel):
    """What a person wrote; `adjustment_id` is made with the first step, so that sending twice enters once."""

    amount: Text = ""
    currency: Text = ""
    effective: Text = ""
    service_id: Text = ""
    text: Text = ""
    reason: Text = ""
    adjustment_id: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] = ""
    step: Literal["check", "enter", "edit"] = "check"


@router.get("/customers/{customer_id}/adjustments", **page_door())
def list_adjustments(
    request: Request, view: Viewing, customer_id: PathId, *, cursor: QueryCursor = None
) -> Response:
    """List what was entered by hand for a customer, the last first."""
    customer = get_customer(view, customer_id)
    found = page_of(
        ADJUSTMENTS, view, sort="-entered", filters={"customer_id": customer_id}, cursor=cursor, limit=ROWS
    )
    return page(
        request,
        "adjustments.html",
        place=PLACE,
        customer=customer,
        items=found.items,
        more=found.next and address(f"{_path(customer_id)}/adjustments", {"cursor": found.next}),
    )


@router.get("/customers/{customer_id}/adjust", **page_door("finance", "admin"))
def ask_adjustment(request: Request, view: Viewing, customer_id: PathId) -> Response:
    """Ask what is to be charged or credited."""
    return _form(request, view, get_customer(view, customer_id), AdjustmentForm(), {})


@router.post("/customers/{customer_id}/adjust", **page_door("finance", "admin"))
def enter(
    request: Request,
    context: Contextual,
    key: Caller,
    view: Viewing,
    customer_id: PathId,
    form: Annotated[AdjustmentForm, Form()],
) -> Response:
    """Say what an adjustment comes to; then enter it, or ask again with what was written."""
    customer = get_customer(view, customer_id)
    if form.step != "enter" and form.adjustment_id and _rows(view, customer_id, form.adjustment_id):
        return _to_customer(customer_id, None)
    if form.step == "edit":
        return _form(request, view, customer, form, {})
    given = {name: value.strip() for name, value in form.model_dump(exclude={"step"}).items()}
    try:
        wanted = NewAdjustment.model_validate({name: value for name, value in given.items() if value})
        if wanted.service_id is not None:
            get_service(view, wanted.service_id)
        event = proposed(view, key, customer_id, wanted)
    except (ValidationError, ServiceUnknownError, AdjustmentInvalidError, InvalidAmountError) as error:
        return _form(request, view, customer, form, _wrong(error))
    if form.step == "enter":
        return _to_customer(customer_id, enter_adjustment(context, key, view, customer_id, wanted).seq)
    given["adjustment_id"] = f"adj-{uuid4().hex[:12]}"
    return page(
        request, "adjust_check.html", place=PLACE, customer=customer, given=given, says=_says(event["data"])
    )


@router.get("/customers/{customer_id}/adjustments/{adjustment_id}", **page_door())
def show_adjustment(request: Request, view: Viewing, customer_id: PathId, adjustment_id: PathId) -> Response:
    """Show an adjustment, and ask why it is to be taken back."""
    customer = get_customer(view, customer_id)
    return _one(request, customer, _found(view, customer_id, adjustment_id), "", "")


@router.post("/customers/{customer_id}/adjustments/{adjustment_id}/withdraw", **page_door("finance", "admin"))
def withdraw(
    request: Request,
    context: Contextual,
    key: Caller,
    view: Viewing,
    customer_id: PathId,
    adjustment_id: PathId,
    *,
    reason: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Take an adjustment back."""
    customer = get_customer(view, customer_id)
    found = _found(view, customer_id, adjustment_id)
    try:
        why = Withdrawal(reason=reason.strip())
    except ValidationError:
        return _one(request, customer, found, reason, REMEDIES["reason"])
    entered = withdraw_adjustment(context, key, view, customer_id, adjustment_id, why)
    return _to_customer(customer_id, entered.seq)


def _form(
    request: Request, view: View, customer: Customer, form: AdjustmentForm, wrong: dict[str, str]
) -> Response:
    return page(
        request,
        "adjust.html",
        place=PLACE,
        status=HTTP_422_UNPROCESSABLE_CONTENT if wrong else HTTP_200_OK,
        customer=customer,
        given={**form.model_dump(), "effective": form.effective or view.today().isoformat()},
        wrong=wrong,
    )


def _wrong(error: Exception) -> dict[str, str]:
    """Return what to say beside which field."""
    if isinstance(error, ValidationError):
        return {str(one["loc"][0]): REMEDIES[str(one["loc"][0])] for one in error.errors()}
    assert isinstance(error, LedgerError)
    return {"service_id" if isinstance(error, ServiceUnknownError) else "amount": told(error)}


def _one(request: Request, customer: Customer, found: Adjustment, reason: str, wrong: str) -> Response:
    return page(
        request,
        "adjustment.html",
        place=PLACE,
        status=HTTP_422_UNPROCESSABLE_CONTENT if wrong else HTTP_200_OK,
        customer=customer,
        one=found,
        reason=reason,
        wrong=wrong,
    )


def _says(data: dict[str, Any]) -> dict[str, Any]:
    """Return what an adjustment comes to: what was left open is filled in as the ledger would."""
    return {
        **data,
        "text": data.get("text", data["reason"]),
        "amount": data["amount"].removeprefix("-"),
        "service_id": data.get("service_id"),
        "effective": date.fromisoformat(data["effective"]),
        "is_credit": data["amount"].startswith("-"),
    }


def _rows(view: View, customer_id: str, adjustment_id: str) -> list[Adjustment]:
    """Return what was entered under an id; what counts stands first."""
    found = adjustments.adjustments(
        view.cursor, view.tenant_id, customer_id=customer_id, adjustment_id=adjustment_id
    )
    return sorted((shown(one) for one in found), key=lambda one: not one.is_live)


def _found(view: View, customer_id: str, adjustment_id: str) -> Adjustment:
    found = _rows(view, customer_id, adjustment_id)
    if not found:
        raise AdjustmentUnknownError(f"customer {customer_id!r} has no adjustment {adjustment_id!r}")
    return found[0]


def _to_customer(customer_id: str, fact: int | None) -> Response:
    return RedirectResponse(address(_path(customer_id), {"fact": fact}), HTTP_303_SEE_OTHER)


def _path(customer_id: str) -> str:
    return f"/customers/{quote(customer_id, safe='')}"
