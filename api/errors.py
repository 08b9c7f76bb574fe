"""Errors as answers: the one place that gives a code its HTTP status (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, Final

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg.errors import UndefinedTable
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.event_results import EventResult
from api.methods import allowed
from api.segments import as_sent
from billing.errors import LedgerError
from projections.tables import RebuildNeededError

log = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"
TYPE: Final = "urn:billing-ledger:problem:"

STATUSES: Final[Mapping[str, HTTPStatus]] = {
    "key_refused": HTTPStatus.UNAUTHORIZED,
    "role_insufficient": HTTPStatus.FORBIDDEN,
    "form_refused": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "customer_unknown": HTTPStatus.NOT_FOUND,
    "invoice_unknown": HTTPStatus.NOT_FOUND,
    "product_unknown": HTTPStatus.NOT_FOUND,
    "service_unknown": HTTPStatus.NOT_FOUND,
    "event_unknown": HTTPStatus.NOT_FOUND,
    "adjustment_unknown": HTTPStatus.NOT_FOUND,
    "price_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "impact_too_large": HTTPStatus.UNPROCESSABLE_ENTITY,
    "nothing_to_credit": HTTPStatus.CONFLICT,
    "version_conflict": HTTPStatus.CONFLICT,
    "adjustment_invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "adjustment_taken": HTTPStatus.CONFLICT,
    "fact_unknown": HTTPStatus.NOT_FOUND,
    "bill_run_unknown": HTTPStatus.NOT_FOUND,
    "dead_letter": HTTPStatus.NOT_FOUND,
    "dead_letter_settled": HTTPStatus.CONFLICT,
    "as_of_unknown": HTTPStatus.NOT_FOUND,
    "issue_date_in_future": HTTPStatus.CONFLICT,
    "issue_date_descends": HTTPStatus.CONFLICT,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media_type_unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "event_refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unreadable_batch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "not_acceptable": HTTPStatus.NOT_ACCEPTABLE,
    "invalid_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "parameter_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_amount": HTTPStatus.UNPROCESSABLE_ENTITY,
    "cursor_invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "nothing_projected": HTTPStatus.SERVICE_UNAVAILABLE,
    "rebuild_needed": HTTPStatus.SERVICE_UNAVAILABLE,
    "database_away": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is not named here is our own mistake: 500."""
MOST_SHOWN: Final = 80
"""So many characters of a wrong value are shown."""
NO_OBJECT: Final = frozenset({"model_attributes_type", "model_type", "dict_type"})
"""What pydantic calls a value that should be an object."""
HEADERS: Final[Mapping[HTTPStatus, tuple[str, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", 'Bearer realm="billing"', "How to show a key."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "2", "After so many seconds it is worth another try."),
}
"""The header that a problem of a status has, its value, and what it says."""


class ProblemPlace(BaseModel):
    """One field that is wrong."""

    place: str = Field(description="Where: `query.limit`, `body.date`.", examples=["query.limit"])
    detail: str = Field(description="What is wrong there, and the remedy.")


class Problem(BaseModel):
    """An error, as RFC 9457 has it. `code` is stable; the sentences may change."""

    type: str = Field(examples=["urn:billing-ledger:problem:invoice_unknown"])
    title: str = Field(
        description="What the code means.", examples=["No document of the tenant has this number."]
    )
    status: int = Field(examples=[404])
    code: str = Field(
        description="Listed in docs/reference/errors.md.", examples=["invoice_unknown"], min_length=1
    )
    detail: str = Field(description="What happened here: place, value and remedy.")
    errors: list[ProblemPlace] | None = Field(
        default=None, description="With `invalid_request`: every field that is wrong."
    )
    results: list[EventResult] | None = Field(
        default=None, description="With `event_refused`: why each event was refused."
    )


class InvalidRequestError(LedgerError):
    """The request can't be meant: a parameter or the body is wrong."""

    code: ClassVar[str] = "invalid_request"


class ParameterUnknownError(LedgerError):
    """The address does not take a query parameter of this name."""

    code: ClassVar[str] = "parameter_unknown"


class CursorInvalidError(LedgerError):
    """A cursor that we did not give out, or that belongs to another list, filter or order."""

    code: ClassVar[str] = "cursor_invalid"


class RoleInsufficientError(LedgerError):
    """The key's role does not open this door."""

    code: ClassVar[str] = "role_insufficient"


class FormRefusedError(LedgerError):
    """A form of the console was sent by another site, or belongs to another session."""

    code: ClassVar[str] = "form_refused"


class NotAcceptableError(LedgerError):
    """The answer exists in none of the forms that the Accept header names."""

    code: ClassVar[str] = "not_acceptable"


class ProductUnknownError(LedgerError):
    """No fact publishes the product."""

    code: ClassVar[str] = "product_unknown"


class ServiceUnknownError(LedgerError):
    """No fact names the service."""

    code: ClassVar[str] = "service_unknown"


class EventUnknownError(LedgerError):
    """No event of this source and id was booked, and no message with it refused."""

    code: ClassVar[str] = "event_unknown"


class FactUnknownError(LedgerError):
    """The ledger has no fact of this number."""

    code: ClassVar[str] = "fact_unknown"


class EventRefusedError(LedgerError):
    """None of the events can be booked."""

    code: ClassVar[str] = "event_refused"

    def __init__(self, results: Sequence[EventResult]) -> None:
        """Take what became of each event: all were refused."""
        first, *others = results
        more = f" (and {len(others)} more)" if others else ""
        super().__init__(f"{first.reason}: {first.detail}{more}")
        self.results = tuple(results)


class BodyTooLargeError(LedgerError):
    """The request's body is longer than is read."""

    code: ClassVar[str] = "body_too_large"


class MediaTypeUnsupportedError(LedgerError):
    """The body is of a media type that is not read here."""

    code: ClassVar[str] = "media_type_unsupported"


class NotFoundError(LedgerError):
    """There is nothing at this address."""

    code: ClassVar[str] = "not_found"


class MethodNotAllowedError(LedgerError):
    """The address exists; the method does not."""

    code: ClassVar[str] = "method_not_allowed"


class DatabaseAwayError(LedgerError):
    """The database does not answer for now."""

    code: ClassVar[str] = "database_away"


def problem(error: LedgerError, places: Sequence[ProblemPlace] | None = None) -> JSONResponse:
    """Return the answer for an error that a caller can understand."""
    status = STATUSES[error.code]
    body = Problem(
        type=TYPE + error.code,
        title=title_of(error),
        status=status,
        code=error.code,
        detail=str(error),
        errors=None if places is None else list(places),
    )
    headers = {}
    if status in HEADERS:
        name, value, _ = HEADERS[status]
        headers[name] = value
    content = body.model_dump(exclude_none=True)
    if isinstance(error, EventRefusedError):
        content["results"] = [one.model_dump() for one in error.results]  # with what is null in each
    return JSONResponse(content, status, headers, media_type=PROBLEM)


def title_of(error: LedgerError) -> str:
    """Return what an error's code means, in one sentence."""
    return (type(error).__doc__ or error.code).partition("\n")[0]


def sentence_of(error: RequestValidationError) -> str:
    """Return every field that is wrong, and the remedy, in one sentence."""
    return "; ".join(f"{one.place}: {one.detail}" for one in _places(error))


def install(app: FastAPI) -> None:
    """Let every error of `app` be answered as a problem."""
    app.add_exception_handler(LedgerError, _ledger)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for away in (psycopg.OperationalError, PoolTimeout):
        app.add_exception_handler(away, _away)
    app.add_exception_handler(UndefinedTable, _outdated)
    app.add_exception_handler(Exception, _ours)


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of the errors that a route may answer with, beside those of every route."""
    every = (
        "key_refused",
        "role_insufficient",
        "invalid_request",
        "parameter_unknown",
        "nothing_projected",
        "database_away",
    )
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*every, *codes):
        status = STATUSES[code]
        known = found.setdefault(
            int(status),
            {
                "description": "",
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        if status in HEADERS:
            name, value, said = HEADERS[status]
            known["headers"] = {name: header(said, example=value)}
        known["description"] = ", ".join(filter(None, [known["description"], f"`{code}`"]))
    return found


def header(description: str, *, example: str) -> dict[str, Any]:
    """Return what OpenAPI says of a header that an answer always has."""
    return {"description": description, "required": True, "schema": {"type": "string"}, "example": example}


def _ledger(_: Request, error: Exception) -> Response:
    assert isinstance(error, LedgerError), error
    if error.code not in STATUSES:
        return _ours(_, error)
    return problem(error)


def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), error
    return problem(InvalidRequestError(sentence_of(error)), _places(error))


def _places(error: RequestValidationError) -> list[ProblemPlace]:
    return [_place(one) for one in error.errors()]


def _place(found: Mapping[str, Any]) -> ProblemPlace:
    if found["type"] == "json_invalid":
        where, why = found["loc"][-1], found["ctx"]["error"]
        return ProblemPlace(place="body", detail=f"it is no JSON, by the character at {where}: {why}")
    return ProblemPlace(place=".".join(map(str, found["loc"])), detail=_remedy(found))


def _remedy(found: Mapping[str, Any]) -> str:
    if found["type"] in NO_OBJECT:
        return "write a JSON object: {…}"
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])  # our own check, whose sentence shows the value
    message, given = str(found["msg"]), found.get("input")
    message = message[:1].lower() + message[1:]
    is_shown = isinstance(given, str | int | float) and found["type"] != "missing"
    return f"{str(given)[:MOST_SHOWN]!r}: {message}" if is_shown else message


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), error
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer = problem(
            MethodNotAllowedError(
                f"{request.method} {as_sent(request.url.path)}: see /v1/openapi.json for the methods"
            )
        )
        answer.headers["Allow"] = allowed(request)  # the router names those of one route alone
        return answer
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(NotFoundError(f"{as_sent(request.url.path)}: see /v1/openapi.json for the addresses"))
    if error.status_code == HTTPStatus.BAD_REQUEST:  # the one that FastAPI raises, of a body
        return problem(InvalidRequestError("body: it can't be read; send JSON in UTF-8"))
    return problem(InvalidRequestError(str(error.detail)))


def _away(_: Request, error: Exception) -> Response:
    log.warning("database.away", extra={"error": type(error).__name__})
    return problem(DatabaseAwayError("the database does not answer for now; try again in some seconds"))


def _outdated(_: Request, error: Exception) -> Response:
    log.warning("read_models.outdated", extra={"error": str(error).partition("\n")[0]})
    return problem(rebuild_needed())


def rebuild_needed() -> RebuildNeededError:
    """Return what is wrong where a read model of this version is not there yet."""
    return RebuildNeededError("the read models are of another version; an operator runs: billing rebuild all")


def _ours(request: Request, error: Exception) -> Response:
    """Say that it is our mistake, and nothing of it but to the log."""
    log.error("request.failed", exc_info=error, extra={"method": request.method, "path": request.url.path})
    body = Problem(
        type=TYPE + "internal_error",
        title="We made a mistake.",
        status=500,
        code="internal_error",
        detail="the request could not be answered; the log of the server says why",
    )
    return JSONResponse(body.model_dump(exclude_none=True), 500, media_type=PROBLEM)
