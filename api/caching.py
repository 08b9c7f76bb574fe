"""ETag and If-None-Match on every whole answer to a GET (RFC 9110, §8.8.3 and §13.1.2)."""

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TAG_CHARACTERS: Final = 32
KEPT: Final = frozenset({"etag", "cache-control", "vary", "content-location", "date", "expires"})
"""What a 304 repeats of the answer that it stands for."""


@dataclass(frozen=True, slots=True)
class EntityTags:
    """Names each whole answer by its content; who has it already gets 304 and no body.

    What says `no-store` is not tagged: nobody may have it already. Tags are weak, as the same answer may be
    sent compressed or not. Streams have none: they aren't known before they are sent.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and look at the answer."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_kept(message):
                start = message
                return
            if start is not None:
                held, start = start, None
                if not message.get("more_body", False):
                    message = _tag(held, message, asked)
                await send(held)
            await send(message)

        await self.app(scope, receive, tagged)


def _is_kept(start: Message) -> bool:
    said = Headers(raw=start["headers"]).get("cache-control", "")
    return bool(start["status"] == HTTPStatus.OK and "no-store" not in said)


def _tag(start: Message, body: Message, asked: str) -> Message:
    """Add the tag to an answer's start, or make it a 304; return the body that goes with it."""
    tag = f'W/"{sha256(body.get("body", b"")).hexdigest()[:TAG_CHARACTERS]}"'
    headers = MutableHeaders(raw=start["headers"])
    headers.setdefault("cache-control", "private, no-cache")
    headers["etag"] = tag
    start["headers"] = headers.raw
    known = {text.strip().removeprefix("W/") for text in asked.split(",")}
    if tag.removeprefix("W/") not in known and known != {"*"}:
        return body
    start["status"] = 304
    start["headers"] = [pair for pair in headers.raw if pair[0].decode("latin-1").lower() in KEPT]
    return {"type": "http.response.body", "body": b"", "more_body": False}
