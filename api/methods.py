"""Methods beside those that routes name: HEAD wherever there is GET, and what `Allow` says of an address."""

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KNOWN: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class HeadAsGet:
    """Answers HEAD as GET without a body (RFC 9110, §9.3.2)."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of the answer to HEAD only its start."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def headless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, headless)


def allowed(request: Request) -> str:
    """Return what `Allow` says: every method that some route has at the request's address."""
    found = [method for method in KNOWN if _is_there(request, method)]
    if "GET" in found:
        found.append("HEAD")
    return ", ".join(sorted(found))


def _is_there(request: Request, method: str) -> bool:
    # What routes note in a scope while they match stays in the copy.
    scope = {**request.scope, "method": method, "fastapi": dict(request.scope.get("fastapi", {}))}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
