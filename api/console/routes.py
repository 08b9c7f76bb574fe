"""All pages of the console under one address."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from api.console import static_files
from api.console.doors import PageRoute, open_door, page_door
from api.console.pages import (
    adjustments,
    anomalies,
    bill_runs,
    catalog,
    customers,
    dead_letters,
    events,
    forecast,
    invoices,
    login,
    overview,
    services,
)
from api.console.rendering import HOME
from api.errors import NotFoundError
from api.segments import as_sent

PAGES: Final = (
    overview.router,
    forecast.router,
    invoices.router,
    catalog.router,
    anomalies.router,
    events.router,
    customers.router,
    adjustments.router,
    services.router,
    dead_letters.router,
    bill_runs.router,
)


def console() -> APIRouter:
    """Return the console's routes; `/` leads to it."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)

    @router.get("/", **open_door())
    def home() -> Response:
        return RedirectResponse(HOME)

    for part in (login.router, static_files.router, *PAGES):
        router.include_router(part, prefix=HOME)

    @router.get(HOME + "/{path:path}", **page_door())
    def nowhere(path: str) -> Response:
        if not path:
            return RedirectResponse(HOME)
        raise NotFoundError(f"{HOME}/{as_sent(path)}: the console has no such page")

    return router
