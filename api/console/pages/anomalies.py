"""Anomalies: facts that make no sense yet, what each code means, and whom it concerns."""

from typing import Final

from fastapi import APIRouter, Request, Response

from api.access import Viewing
from api.console.doors import PageRoute, address, page_door
from api.console.meanings import ANOMALIES as MEANINGS
from api.console.rendering import page
from api.fields import QueryId
from api.lists import QueryCursor, page_of
from api.routes.anomalies import ANOMALIES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
PLACE: Final = "Anomalies"
ROWS: Final = 50


@router.get("/anomalies", **page_door())
def list_anomalies(
    request: Request,
    view: Viewing,
    *,
    code: QueryId = None,
    subject: QueryId = None,
    cursor: QueryCursor = None,
) -> Response:
    """List what can't be rated or makes no sense yet, by what it is about."""
    asked = {"code": code, "subject": subject}
    found = page_of(ANOMALIES, view, sort="subject", filters=asked, cursor=cursor, limit=ROWS)
    return page(
        request,
        "anomalies.html",
        place=PLACE,
        items=found.items,
        asked=asked,
        meanings=MEANINGS,
        more=found.next and address("/anomalies", {**asked, "cursor": found.next}),
    )
