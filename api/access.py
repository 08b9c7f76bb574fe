"""Who comes in: every route below `/v1` looks at the key before it looks at anything else."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from psycopg import Cursor
from starlette.concurrency import run_in_threadpool

from api.bodies import media_types, refuse_unread
from api.errors import RoleInsufficientError, documented
from api.parameters import declared, refuse_unknown
from api.settings import Context
from ledger import keys
from ledger.facts import Clock
from ledger.keys import ApiKey, KeyRefusedError, KeyRole
from projections import policies
from projections.session import reading

ROLES: Final = "x-roles"
SCHEME: Final = "apiKey"
READERS: Final[tuple[KeyRole, ...]] = ("finance", "auditor", "admin")
EVERYBODY: Final[tuple[KeyRole, ...]] = ("publisher", *READERS)


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """The one who knows keys: for a request with a bearer token, and for a session that began with a key."""

    context: Context

    def verify(self, token: str) -> ApiKey:
        """Return the key that a text is. Raises KeyRefusedError."""
        with self.context.pool.connection() as connection:
            return keys.verify(connection, token, clock=self.context.clock)

    def recheck(self, key_id: str) -> ApiKey:
        """Return a key verified earlier, if it still opens doors. Raises KeyRefusedError."""
        with self.context.pool.connection() as connection:
            return keys.recheck(connection, key_id, clock=self.context.clock)


class GuardedRoute(APIRoute):
    """A route that says whom it lets in; one that doesn't can't be made.

    Key and role are looked at before parameters and body are read, so that a stranger learns nothing of them.
    A query parameter that the route does not declare is refused, and so is a body that it does not read.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the gatekeeper."""
        roles = (self.openapi_extra or {}).get(ROLES)
        assert roles, f"{self.path} does not say who may come in"
        handle = super().get_route_handler()
        parameters, bodies = declared(self.dependant), media_types(self)

        async def guarded(request: Request) -> Response:
            request.state.key = await run_in_threadpool(_admitted, request, roles)
            refuse_unknown(request, parameters)
            refuse_unread(request, bodies)
            return await handle(request)

        return guarded


def door(
    *roles: KeyRole,
    errors: tuple[str, ...] = (),
    answers: Mapping[int | str, dict[str, Any]] | None = None,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a route's decorator takes: who may come in, and what it answers with beside its model.

    `body` describes a body that the route reads as bytes.
    """
    read = {} if body is None else {"requestBody": body}
    return {
        "openapi_extra": {"security": [{SCHEME: []}], ROLES: list(roles), **read},
        "responses": {**documented(*errors), **(answers or {})},
    }


def context_of(request: Request) -> Context:
    """Return what requests work with."""
    context: Context = request.app.state.context
    return context


def caller(request: Request) -> ApiKey:
    """Return the key with which the request came in."""
    key: ApiKey = request.state.key
    return key


Contextual = Annotated[Context, Depends(context_of)]
Caller = Annotated[ApiKey, Depends(caller)]


@dataclass(frozen=True, slots=True)
class View:
    """One tenant's data at one moment: a read-only transaction that sees no other tenant's."""

    cursor: Cursor[Any]
    tenant_id: str
    clock: Clock

    def today(self) -> date:
        """Return the tenant's day by the ledger's clock."""
        return self.clock().astimezone(policies.zone_of_tenant(self.cursor, self.tenant_id)).date()


def view(context: Contextual, key: Caller) -> Iterator[View]:
    """Open the caller's view; the connection goes back before the answer is sent."""
    with context.pool.connection() as connection, reading(connection, key.tenant_id) as cursor:
        yield View(cursor, key.tenant_id, context.clock)


def watch(context: Contextual, key: Caller) -> Iterator[View]:
    """Open a view each look of which sees what is so then, for what is watched while it goes on."""
    with context.pool.connection() as connection, reading(connection, key.tenant_id, afresh=True) as cursor:
        yield View(cursor, key.tenant_id, context.clock)


Viewing = Annotated[View, Depends(view, scope="function")]
Watching = Annotated[View, Depends(watch, scope="function")]


def _admitted(request: Request, roles: list[KeyRole]) -> ApiKey:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise KeyRefusedError(
            "no key: send the header Authorization: Bearer, and a key that billing keys create printed"
        )
    key = Gatekeeper(context_of(request)).verify(token.strip())
    if key.role not in roles:
        needed = " or ".join(roles)
        raise RoleInsufficientError(f"a key of role {key.role} can't do this; it takes {needed}")
    return key
