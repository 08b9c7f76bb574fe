"""What became of an event: where it stands in the ledger, why it was refused, which charges it caused."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from api.access import Viewing
from api.console.doors import PageRoute, page_door
from api.console.meanings import ANOMALIES
from api.console.rendering import page
from api.errors import EventUnknownError
from api.fields import MOST_CHARACTERS, SPOKEN
from api.routes.events import EventFate, get_event
from schemas.reasons import DESCRIPTIONS

router = APIRouter(route_class=PageRoute, include_in_schema=False)
CHARGES: Final = 200
"""So many of its charges stand on the page; the invoices of its service have all."""

Named = Annotated[str | None, Query(min_length=1, max_length=MOST_CHARACTERS * 4, pattern=SPOKEN)]


@router.get("/events", **page_door())
def show_event(
    request: Request,
    view: Viewing,
    source: Named = None,
    id: Named = None,  # noqa: A002 - the event's own name for it
) -> Response:
    """Ask for an event, and say what became of it."""
    fate: EventFate | None = None
    wrong, status = "", HTTPStatus.OK
    if source and id:
        try:
            fate = get_event(view, source, id)
        except EventUnknownError as error:
            wrong, status = str(error), HTTPStatus.NOT_FOUND
    elif source or id:
        wrong = "give both: an id names an event only together with its source"
    return page(
        request,
        "event.html",
        status=status,
        source=source,
        id=id,
        fate=fate,
        wrong=wrong,
        charges=fate.charges[:CHARGES] if fate else [],
        anomalies=ANOMALIES,
        reasons=DESCRIPTIONS,
    )
