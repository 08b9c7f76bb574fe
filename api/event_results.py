"""What became of an event that came by HTTP, as answers and problems show it."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from consumers.receive import Received
from schemas.reading import Unreadable


class EventResult(BaseModel):
    """What became of one event of a request."""

    place: int = Field(description="Its place in the request, from 0.", ge=0)
    fate: Literal["booked", "duplicate", "refused", "valid"] = Field(
        description="valid: in a dry run, it would be booked."
    )
    source: str | None = Field(description="null where it could not be read.")
    id: str | None
    seq: int | None = Field(description="Where it stands in the ledger; null: nowhere.")
    reason: str | None = Field(description="Why it was refused: docs/reference/errors.md.")
    field: str | None = Field(description="The field that is wrong.", examples=["data.effective"])
    detail: str | None = Field(
        description="What is wrong, and the remedy; or, in a dry run, which event of the request it repeats."
    )


def result_of(one: Received, *, place: int = 0, dry_run: bool = False) -> EventResult:
    """Return what became of the event at a place of a request."""
    named: Any = one.event.attributes if one.event is not None else {}
    if one.unreadable is not None and not named:
        named = one.unreadable.envelope or {}
    why = one.unreadable
    detail = None if why is None else why.detail
    if one.same_as is not None:
        detail = f"the same as the event at place {one.same_as} of the same request"
    return EventResult(
        place=place,
        fate="valid" if dry_run and one.fate == "booked" else one.fate,
        source=named.get("source"),
        id=named.get("id"),
        seq=one.seq,
        reason=None if why is None else str(why.reason),
        field=None if why is None else why.place,
        detail=detail,
    )


def refusal_of(why: Unreadable) -> EventResult:
    """Return the refusal of the one event of a request."""
    return result_of(Received("refused", None, None, why))
