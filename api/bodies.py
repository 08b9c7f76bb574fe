"""Bodies of requests: which are read at an address, and never more than is read anywhere."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLargeError, MediaTypeUnsupportedError, problem

MOST_BYTES: Final = 8 << 20
JSON: Final = "application/json"
MOST_SHOWN: Final = 100


async def body_of(request: Request) -> bytes:
    """Return the body of a request as it was sent."""
    return await request.body()


def media_types(route: APIRoute) -> tuple[str, ...]:
    """Return the media types of bodies that a route reads; none, if it reads no body."""
    described = (route.openapi_extra or {}).get("requestBody", {}).get("content", {})
    return tuple(described) or ((JSON,) if route.body_field is not None else ())


def media_type_of(request: Request) -> str:
    """Return the media type of a request's body; JSON, where it does not say."""
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


def refuse_unread(request: Request, taken: Collection[str]) -> None:
    """Raise MediaTypeUnsupportedError for a body of a media type that is not among those that are taken."""
    media = media_type_of(request)
    if taken and media not in taken:
        raise MediaTypeUnsupportedError(f"content-type {media[:MOST_SHOWN]!r}: send {' or '.join(taken)}")


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Refuses bodies of more than 8 MiB, as soon as that is known: by their header, else while they come."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its body is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"")
        if said.isdigit() and int(said) > MOST_BYTES:
            await _refusal()(scope, receive, send)
            return
        size_bytes = 0
        is_begun = is_refused = False

        async def counted() -> Message:
            nonlocal size_bytes, is_refused
            message = await receive()
            if message["type"] == "http.request":
                size_bytes += len(message.get("body", b""))
                if size_bytes > MOST_BYTES:
                    is_refused = True
                    raise ClientDisconnect
            return message

        async def watched(message: Message) -> None:
            nonlocal is_begun
            is_begun = is_begun or not is_refused
            if not is_refused:
                await send(message)

        try:
            await self.app(scope, counted, watched)
        except ClientDisconnect:
            if not is_refused:
                raise
        if is_refused and not is_begun:
            await _refusal()(scope, receive, send)


def _refusal() -> ASGIApp:
    return problem(BodyTooLargeError(f"the body is longer than {MOST_BYTES} bytes: send it in several parts"))
