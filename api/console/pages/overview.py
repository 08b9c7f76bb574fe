"""The overview: what was issued, what will be, and what needs somebody's eye."""

from fastapi import APIRouter, Request, Response

from api.access import Viewing
from api.console.doors import PageRoute, page_door
from api.console.rendering import page

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("", **page_door())
def overview(request: Request, view: Viewing) -> Response:
    """Show this month and the next, the forecast, and what is open."""
    return page(request, "overview.html", place="Overview", today=view.today())
