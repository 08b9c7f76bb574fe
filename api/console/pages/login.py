"""Log in with an API key, and out again."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.status import HTTP_303_SEE_OTHER, HTTP_401_UNAUTHORIZED, HTTP_403_FORBIDDEN

from api.access import READERS, Contextual
from api.console.doors import (
    COOKIE,
    PageRoute,
    forget_session,
    open_door,
    page_door,
    set_session,
)
from api.console.rendering import HOME, LOGIN, page
from ledger import keys, sessions
from ledger.keys import KeyRefusedError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST_CHARACTERS: Final = 2_000
PUBLISHERS: Final = "this is a publisher's key: it sends events and sees none; ask for one of role finance"


@router.get("/login", **open_door())
def show_login(
    request: Request, wanted: Annotated[str, Query(alias="next", max_length=MOST_CHARACTERS)] = ""
) -> Response:
    """Ask for a key."""
    return page(request, "login.html", wanted=wanted, refused="")


@router.post("/login", **open_door())
def log_in(
    request: Request,
    context: Contextual,
    token: Annotated[str, Form(alias="key", max_length=MOST_CHARACTERS)] = "",
    wanted: Annotated[str, Form(alias="next", max_length=MOST_CHARACTERS)] = "",
) -> Response:
    """Begin a session with a key and go on to the page that was wanted."""
    with context.pool.connection() as connection:
        try:
            key = keys.verify(connection, token.strip(), clock=context.clock)
        except KeyRefusedError as error:
            refused = str(error)
            return page(request, "login.html", status=HTTP_401_UNAUTHORIZED, wanted=wanted, refused=refused)
        if key.role not in READERS:
            return page(request, "login.html", status=HTTP_403_FORBIDDEN, wanted=wanted, refused=PUBLISHERS)
        sessions.end(connection, request.cookies.get(COOKIE, ""))  # a browser has one session
        session = sessions.begin(connection, key, clock=context.clock)
    answer = RedirectResponse(_within(wanted), HTTP_303_SEE_OTHER)
    set_session(answer, request, session)
    return answer


@router.post("/logout", **page_door())
def log_out(request: Request, context: Contextual) -> Response:
    """End the session, here and in the database."""
    with context.pool.connection() as connection:
        sessions.end(connection, request.cookies[COOKIE])
    answer = RedirectResponse(LOGIN, HTTP_303_SEE_OTHER)
    forget_session(answer)
    return answer


def _within(wanted: str) -> str:
    """Return an address of the console; nobody is sent elsewhere by a link to the login."""
    inside = wanted == HOME or wanted.startswith((f"{HOME}/", f"{HOME}?"))
    return wanted if inside and "\\" not in wanted else HOME
