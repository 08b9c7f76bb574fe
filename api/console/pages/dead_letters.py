"""Dead letters: messages that were refused, why, what helps, and driving one again."""

from http import HTTPStatus
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.access import Contextual, View, Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.json_text import indented
from api.console.meanings import REMEDIES
from api.console.rendering import page
from api.lists import QueryCursor, page_of
from api.routes.dead_letters import (
    DEAD_LETTERS,
    LetterId,
    get_dead_letter,
    letter_of,
    redrive_dead_letter,
)
from api.settings import Context
from consumers.dead_letters import OPEN_STATES, STATES, DeadLetter, Fate, State
from consumers.decode import decode
from projections import event_fate
from schemas.reading import Unreadable
from schemas.reasons import DESCRIPTIONS, Reason

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Dead letters"
ROWS: Final = 50
SHOWN: Final = 65_536
"""So many characters of a message stand on its page; the API has the whole."""


@router.get("/dead-letters", **page_door())
def list_dead_letters(
    request: Request,
    view: Viewing,
    *,
    state: State | Literal["open", "all"] = "open",
    reason: Reason | None = None,
    cursor: QueryCursor = None,
) -> Response:
    """List refused messages, the oldest first."""
    asked = {"state": state, "reason": reason}
    states = {"open": OPEN_STATES, "all": STATES}.get(state, (state,))
    filters = {"states": list(states), "reason": None if reason is None else str(reason)}
    found = page_of(DEAD_LETTERS, view, sort="id", filters=filters, cursor=cursor, limit=ROWS)
    return page(
        request,
        "dead_letters.html",
        place=PLACE,
        items=found.items,
        asked=asked,
        states=STATES,
        reasons=DESCRIPTIONS,
        more=found.next and address("/dead-letters", {**asked, "cursor": found.next}),
    )


@router.get("/dead-letters/{letter_id}", **page_door("admin"))
def show_dead_letter(
    request: Request, context: Contextual, view: Viewing, letter_id: LetterId, *, again: Fate | None = None
) -> Response:
    """Show a message as it was sent, why it was refused, and what helps; `again`: just driven again."""
    letter = letter_of(view, letter_id)
    shown = get_dead_letter(view, letter_id)
    named = _named(letter, context)
    value = shown.value or ""
    return page(
        request,
        "dead_letter.html",
        place=PLACE,
        letter=shown,
        again=again,
        is_open=letter.state in OPEN_STATES,
        meaning=DESCRIPTIONS[Reason(letter.reason)],
        remedy=REMEDIES[Reason(letter.reason)],
        named=named,
        fact=_fact(view, named),
        value=value[:SHOWN] if len(value) > SHOWN else indented(value) or value,
        is_cut=len(value) > SHOWN,
        size=len(letter.value or b""),
    )


@router.post("/dead-letters/{letter_id}/redrive", **page_door("admin"))
def redrive(context: Contextual, view: Viewing, letter_id: LetterId) -> Response:
    """Drive a message again, and show what became of it."""
    done = redrive_dead_letter(context, view, letter_id)
    return RedirectResponse(address(f"/dead-letters/{letter_id}", {"again": done.fate}), HTTPStatus.SEE_OTHER)


def _named(letter: DeadLetter, context: Context) -> tuple[str, str] | None:
    """Return source and id of the event that a message holds, None where they can't be read."""
    found = decode(letter.original_headers(), letter.value, tenant_sources=context.settings.tenant_sources)
    attributes = (found.envelope or {}) if isinstance(found, Unreadable) else found.attributes
    source, event_id = attributes.get("source"), attributes.get("id")
    return (source, event_id) if source and event_id else None


def _fact(view: View, named: tuple[str, str] | None) -> int | None:
    """Return where the ledger has an event, None where it hasn't."""
    fate = event_fate.of(view.cursor, view.tenant_id, *named) if named else None
    return fate.booked.seq if fate and fate.booked else None
