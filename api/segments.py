"""Ids in addresses: a slash that is part of one is sent as `%2F`, and splits no path."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

ENCODED: Final = re.compile(rb"%2f", re.IGNORECASE)
KEPT: Final = "\x1f"
"""Stands for such a slash while a route is looked for; no id holds a control character."""


@dataclass(frozen=True, slots=True)
class WholeSegments:
    """Lets routes see each segment of a path as one, whatever it holds.

    Servers decode a path before it is split (ASGI), so that the id `2026/07` would be two segments.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with a path whose slashes are all between segments."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%" in raw:
            path = unquote(ENCODED.sub(b"%1F", raw.partition(b"?")[0]).decode("latin-1"))
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)


def as_sent(segment: str) -> str:
    """Return a segment's text, its slashes among it."""
    return segment.replace(KEPT, "/")
