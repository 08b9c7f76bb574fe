"""Dead letters: messages that name the tenant and were refused; listed, shown, driven again."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.access import EVERYBODY, Contextual, GuardedRoute, View, Viewing, door
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from consumers.dead_letters import COLUMNS, DeadLetter, State, redrive
from consumers.errors import DeadLetterError
from projections import pages
from projections.pages import Listing, Order, Wanted
from schemas.reasons import Reason

router = APIRouter(route_class=GuardedRoute, tags=["dead letters"])
LARGEST_ID: Final = 2**63 - 1
LetterId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

LISTING: Final = Listing(
    COLUMNS,
    "ledger.quarantine",
    {"id": Order(("id",), ("bigint",))},
    {
        "state": "state = %(state)s",
        "states": "state = ANY(%(states)s)",
        "reason": "reason = %(reason)s",
        "id": "id = %(id)s",
    },
)


class DeadLetterSummary(BaseModel):
    """A refused message, without its content."""

    id: int
    state: State = Field(description="waiting and published are open; redriven and discarded are settled.")
    origin: str = Field(examples=["kafka:billing.events/3/1042"])
    reason: str = Field(description="Listed in docs/reference/errors.md.", examples=["schema_invalid"])
    place: str | None = Field(description="The field that is wrong.", examples=["data.effective"])
    detail: str
    recorded_at: datetime


class Header(BaseModel):
    """A header as it was sent; bytes that are no UTF-8 are shown as escapes."""

    name: str
    value: str | None


class DeadLetterDetail(DeadLetterSummary):
    """A refused message as it was sent."""

    note: str = Field(description="Why it was discarded.")
    key: str | None
    headers: list[Header]
    value: str | None = Field(description="As text; bytes that are no UTF-8 are shown as escapes.")
    value_base64: str | None = Field(description="As bytes, in base64.")


class Redriven(BaseModel):
    """What became of it: refused again, it stays open, with the new reason."""

    id: int
    fate: Literal["booked", "duplicate", "refused"]
    seq: int | None = Field(description="Where it stands in the ledger.")
    reason: str | None
    detail: str


def _fetch(view: View, wanted: Wanted) -> list[Fetched[DeadLetterSummary]]:
    found = pages.page(view.cursor, view.tenant_id, LISTING, wanted)
    return [(DeadLetterSummary(**_summary(DeadLetter(*one.row))), one.key) for one in found]


DEAD_LETTERS: Final = Listed("dead-letters", DeadLetterSummary, LISTING.orders, _fetch)


@router.get(
    "/dead-letters",
    operation_id="list_dead_letters",
    summary="List dead letters",
    response_model=Page[DeadLetterSummary],
    **list_door(*EVERYBODY, item=DeadLetterSummary),
)
def list_dead_letters(
    asked: Asked,
    state: State | None = None,
    reason: Annotated[Reason | None, Query(description="Why they were refused.")] = None,
    sort: Literal["id", "-id"] = "id",
) -> Response:
    """List refused messages that name the tenant, the oldest first; what names none is the operator's."""
    filters = {"state": state, "reason": None if reason is None else str(reason)}
    return answer(DEAD_LETTERS, asked, sort, filters)


@router.get(
    "/dead-letters/{letter_id}",
    operation_id="get_dead_letter",
    summary="Show a dead letter as it was sent",
    **door("admin", errors=("dead_letter",)),
)
def get_dead_letter(view: Viewing, letter_id: LetterId) -> DeadLetterDetail:
    """Show a refused message with its content, which may hold personal data."""
    letter = letter_of(view, letter_id)
    headers = [Header(name=name, value=_text(value)) for name, value in letter.original_headers()]
    return DeadLetterDetail(
        **_summary(letter),
        note=letter.note,
        key=_text(letter.key),
        headers=headers,
        value=_text(letter.value),
        value_base64=None if letter.value is None else b64encode(letter.value).decode(),
    )


@router.post(
    "/dead-letters/{letter_id}/redrive",
    operation_id="redrive_dead_letter",
    summary="Drive a dead letter again",
    **door("admin", errors=("dead_letter", "dead_letter_settled")),
)
def redrive_dead_letter(context: Contextual, view: Viewing, letter_id: LetterId) -> Redriven:
    """Read a refused message again and book it; refused again, it stays, with the new reason."""
    letter_of(view, letter_id)  # of another tenant: unknown
    with context.pool.connection() as connection:
        done = redrive(
            connection,
            letter_id,
            tenant_sources=context.settings.tenant_sources,
            clock=context.clock,
        )
    return Redriven.model_validate(done, from_attributes=True)


def letter_of(view: View, letter_id: int) -> DeadLetter:
    """Return a refused message of the tenant. Raises DeadLetterError."""
    wanted = Wanted("id", 1, filters={"id": letter_id})
    for found in pages.page(view.cursor, view.tenant_id, LISTING, wanted):
        return DeadLetter(*found.row)
    raise DeadLetterError(f"there is no dead letter {letter_id}; see /v1/dead-letters")


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "state": letter.state,
        "origin": letter.origin,
        "reason": letter.reason,
        "place": letter.place,
        "detail": letter.detail,
        "recorded_at": letter.recorded_at,
    }


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="backslashreplace")
