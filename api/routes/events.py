"""Events: publish them by HTTP, and ask what became of one."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.access import EVERYBODY, Caller, Contextual, GuardedRoute, Viewing, door
from api.bodies import JSON, body_of, media_type_of
from api.errors import EventRefusedError, EventUnknownError
from api.event_results import EventResult, result_of
from api.fields import MOST_CHARACTERS, SPOKEN, Currency, EventRef, Money, Seq, event_ref
from api.routes.anomalies import Anomaly
from billing.money import format_minor
from consumers.receive import Received, Receiver, split_batch
from projections import charged_by, event_fate
from projections.charged_by import ChargedLine
from projections.event_fate import Fate

router = APIRouter(route_class=GuardedRoute, tags=["events"])

ONE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
EXAMPLE: Final = {
    "specversion": "1.0",
    "id": "01JZ8Q4T",
    "source": "/fulfilment/eu-1",
    "type": "service.activated",
    "time": "2026-06-24T08:12:31Z",
    "tenantid": "acme",
    "data": {
        "service_id": "svc-1001",
        "customer_id": "c-17",
        "product_id": "laptop-standard",
        "quantity": 1,
        "effective": "2026-06-24",
    },
}


class Published(BaseModel):
    """What became of the events of a request; received = booked + duplicate + refused + valid."""

    received: int
    booked: int
    duplicate: int
    refused: int
    valid: int
    results: list[EventResult]


class Rejection(BaseModel):
    """A refusal, which is a fact of the ledger too. Events that came by HTTP are refused to their sender."""

    seq: Seq
    reason: str
    place: str | None
    origin: str
    recorded_at: datetime


class Charge(BaseModel):
    """A line of an issued document that names the event."""

    number: str = Field(examples=["INV-000042"])
    line: int = Field(ge=1)
    service_id: str | None = Field(description="null: an adjustment about no service.")
    price_id: str = Field(description="Of an adjustment: its own id.")
    amount: Money
    currency: Currency


class EventFate(BaseModel):
    """What became of an event."""

    event: EventRef
    outcome: Literal["booked", "rejected"]
    type: str | None = Field(description="null where it was rejected.")
    seq: int | None
    recorded_at: datetime | None
    origin: str | None
    traceparent: str | None = Field(
        description="The trace that it came by (W3C Trace Context): its own, or that of the message.",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    )
    subject: str | None = Field(description="What it is about.", examples=["service/svc-1001"])
    is_projected: bool = Field(description="Whether anomalies and charges take it into account yet.")
    rejections: list[Rejection] = Field(description="Every time that a message with this id was refused.")
    anomalies: list[Anomaly] = Field(description="Why it has no effect yet, where it has none.")
    charges: list[Charge] = Field(
        description="Issued lines that it caused. For services and adjustments; a price has too many."
    )


@router.post(
    "/events",
    operation_id="publish_events",
    summary="Publish events",
    response_model=Published,
    **door(
        "publisher",
        "admin",
        errors=("event_refused", "unreadable_batch", "body_too_large", "media_type_unsupported"),
        answers={207: {"model": Published, "description": "Some were refused: see each result."}},
        body={
            "required": True,
            "content": {
                ONE: {"schema": {"type": "object"}, "example": EXAMPLE},
                BATCH: {"schema": {"type": "array", "items": {"type": "object"}}, "example": [EXAMPLE]},
                JSON: {"schema": {"type": ["object", "array"]}, "example": EXAMPLE},
            },
        },
    ),
)
def publish_events(
    request: Request,
    context: Contextual,
    key: Caller,
    body: Annotated[bytes, Depends(body_of)],
    *,
    dry_run: Annotated[bool, Query(description="Say what would become of them, and keep nothing.")] = False,
) -> Response:
    """Book one CloudEvent, or a batch, as a consumer of Kafka does: the same checks, ledger and idempotency.

    Sending an event again is harmless. A refused event is answered with its reason and is no dead letter: its
    sender still has it; the others of its batch are booked. Answers: 200, none was refused; 207, some were;
    422, all were.
    """
    media = media_type_of(request)
    is_batch = media == BATCH or (media == JSON and body.lstrip()[:1] == b"[")
    values = split_batch(body) if is_batch else [body]
    receiver = Receiver(
        key.tenant_id,
        f"http:{key.key_id}",
        context.settings.tenant_sources,
        context.clock,
        [(name.decode("latin-1"), value) for name, value in request.headers.raw],
    )
    with context.pool.connection() as connection:
        received = receiver.receive(connection, values, dry_run=dry_run)
    return _answer(received, dry_run=dry_run)


@router.get(
    "/events",
    operation_id="get_event",
    summary="What became of an event",
    **door(*EVERYBODY, errors=("event_unknown",)),
)
def get_event(
    view: Viewing,
    source: Annotated[str, Query(min_length=1, max_length=MOST_CHARACTERS * 4, pattern=SPOKEN)],
    id: Annotated[str, Query(min_length=1, max_length=MOST_CHARACTERS * 4, pattern=SPOKEN)],  # noqa: A002 - the event's own name for it
) -> EventFate:
    """Say whether an event was booked, and where, or refused, and why; and which charges it caused.

    What is refused by HTTP is told in the answer and not kept: it is unknown here.
    """
    fate = event_fate.of(view.cursor, view.tenant_id, source, id)
    if fate is None:
        raise EventUnknownError(
            f"no event of source {source!r} and id {id!r} was booked, nor was a message with it refused: "
            "sent a moment ago, it may still be on its way, and what is refused by HTTP is answered at once "
            "and not kept"
        )
    lines = [] if fate.booked is None else charged_by.lines(view.cursor, fate.booked)
    return _fate(fate, lines)


def _answer(received: Sequence[Received], *, dry_run: bool) -> Response:
    results = [result_of(one, place=place, dry_run=dry_run) for place, one in enumerate(received)]
    fates = [one.fate for one in results]
    counts = {fate: fates.count(fate) for fate in ("booked", "duplicate", "refused", "valid")}
    answer = Published(received=len(results), **counts, results=results)
    if counts["refused"] == len(results):
        raise EventRefusedError(results)
    status = HTTPStatus.MULTI_STATUS if counts["refused"] else HTTPStatus.OK
    return JSONResponse(answer.model_dump(mode="json"), status)


def _fate(fate: Fate, lines: Sequence[ChargedLine]) -> EventFate:
    booked = fate.booked
    return EventFate(
        event=event_ref(fate.source, fate.event_id),
        outcome="rejected" if booked is None else "booked",
        type=None if booked is None else booked.type,
        seq=None if booked is None else booked.seq,
        recorded_at=None if booked is None else booked.recorded_at,
        origin=None if booked is None else booked.origin,
        traceparent=None if fate.trace is None else fate.trace.traceparent,
        subject=fate.subject,
        is_projected=fate.is_projected,
        rejections=[Rejection.model_validate(one, from_attributes=True) for one in fate.rejections],
        anomalies=[Anomaly.of(one) for one in fate.anomalies],
        charges=[
            Charge(
                number=one.number,
                line=one.line_no,
                service_id=one.service_id or None,
                price_id=one.price_id,
                amount=format_minor(one.amount_minor, one.currency),
                currency=one.currency,
            )
            for one in lines
        ],
    )
