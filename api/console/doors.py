"""Who comes in: every page but the login looks for a session, and every form for the token of its session."""

import hmac
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import psycopg
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from psycopg.errors import UndefinedTable
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.access import READERS, ROLES, context_of
from api.console.rendering import HOME, LOGIN, error_page, left_page, mistake_page, protect
from api.errors import (
    DatabaseAwayError,
    FormRefusedError,
    InvalidRequestError,
    RoleInsufficientError,
    rebuild_needed,
    sentence_of,
)
from billing.errors import LedgerError
from ledger import sessions
from ledger.keys import ApiKey, KeyRefusedError, KeyRole
from ledger.sessions import LASTS

log = logging.getLogger(__name__)
COOKIE: Final = "billing_session"
FORM_TOKEN: Final = "form_token"  # noqa: S105 - the field's name
SALT_CHARACTERS: Final = 16
TOKEN_CHARACTERS: Final = 64
CHANGING: Final = frozenset({"POST"})


class PageRoute(APIRoute):
    """A page: behind a session and a role, unless it is open; what goes wrong is answered as a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the doorkeeper."""
        roles = (self.openapi_extra or {}).get(ROLES)
        assert roles is not None, f"{self.path} does not say who may come in"
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.scope["query_string"] = _asked(request.scope["query_string"])
            try:
                if request.method in CHANGING:
                    _from_here(request)
                if roles:
                    await _admit(request, roles)
                answer = await handle(request)
            except KeyRefusedError:
                return _to_login(request)
            except LedgerError as error:
                answer = error_page(request, error)
            except RequestValidationError as error:
                answer = error_page(request, InvalidRequestError(sentence_of(error)))
            except UndefinedTable:
                answer = error_page(request, rebuild_needed())
            except (psycopg.OperationalError, PoolTimeout):
                answer = error_page(request, DatabaseAwayError("the database does not answer for now"))
            except HTTPException as error:
                answer = error_page(request, InvalidRequestError(str(error.detail)))
            except ClientDisconnect:
                raise
            except Exception:
                log.exception("request.failed", extra={"method": request.method, "path": self.path})
                answer = mistake_page(request)
            protect(answer)
            return answer

        return guarded


def page_door(*roles: KeyRole) -> dict[str, Any]:
    """Return what a page's decorator takes: who may come in; the readers, where nobody is named."""
    return {"openapi_extra": {ROLES: list(roles or READERS)}}


def open_door() -> dict[str, Any]:
    """Return what the decorator of a page takes that is open to strangers: the login, and static files."""
    return {"openapi_extra": {ROLES: []}}


def set_session(answer: Response, request: Request, token: str) -> None:
    """Give the browser its session; over HTTPS it is never sent without."""
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(LASTS.total_seconds()),
        path=HOME,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def forget_session(answer: Response) -> None:
    """Let the browser forget its session."""
    answer.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="lax")


def form_token(session_token: str, salt: str | None = None) -> str:
    """Return what a form of a session carries, and no other site can know.

    It is another one on every page: nobody learns it from how well pages with it compress (BREACH).
    """
    salt = salt or secrets.token_hex(SALT_CHARACTERS // 2)
    mark = hmac.new(session_token.encode(), b"form" + salt.encode(), sha256).hexdigest()
    return f"{salt}{mark}"[:TOKEN_CHARACTERS]


def address(path: str, query: Mapping[str, object] | None = None) -> str:
    """Return an address of the console; parameters that are None or empty are left out."""
    given = {name: value for name, value in (query or {}).items() if value not in {None, ""}}
    words = "&".join(f"{quote(name)}={quote(str(value), safe='')}" for name, value in given.items())
    return f"{HOME}{path}{'?' if words else ''}{words}"


def _asked(query: bytes) -> bytes:
    """Return a query without the fields that were left empty: they ask nothing."""
    return b"&".join(field for field in query.split(b"&") if field.partition(b"=")[2].strip(b"+"))


async def _admit(request: Request, roles: list[KeyRole]) -> None:
    token = request.cookies.get(COOKIE, "")
    key = await run_in_threadpool(_key_of, request, token)
    request.state.key = key
    request.state.form_token = form_token(token)
    if request.method in CHANGING:
        given = str((await request.form()).get(FORM_TOKEN) or "")
        expected = form_token(token, given[:SALT_CHARACTERS] or None)
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise FormRefusedError("the form is from another session; load its page again and repeat it")
    if key.role not in roles:
        needed = " or ".join(roles)
        raise RoleInsufficientError(f"a key of role {key.role} can't do this; it takes {needed}")


def _key_of(request: Request, token: str) -> ApiKey:
    if not token:
        raise KeyRefusedError("no session; log in")
    context = context_of(request)
    with context.pool.connection() as connection:
        return sessions.resume(connection, token, clock=context.clock)


def _from_here(request: Request) -> None:
    """Refuse a form that another site sends; browsers name the origin with every form."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise FormRefusedError(f"the form comes from {origin[:100]}: send it from the console's own page")


def _to_login(request: Request) -> Response:
    """Send a browser to the login, and back from there; a part of a page is replaced by the whole.

    Who sent a form, or loaded a part, comes back to the page that it stands on.
    """
    is_part = "hx-request" in request.headers
    if request.method == "GET" and not is_part:
        wanted = request.scope["raw_path"].decode("latin-1")
        wanted += f"?{request.url.query}" if request.url.query else ""
    else:
        wanted = left_page(request) or ""
    where = f"{LOGIN}?next={quote(wanted, safe='')}" if wanted else LOGIN
    if is_part:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": where})
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)
