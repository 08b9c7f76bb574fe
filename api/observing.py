"""Sees every request: its trace, its line in the log, its counts. Names routes and numbers, never content."""

import logging
import time
from collections.abc import MutableMapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from ledger.trace import Trace, new_trace, read_traceparent

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE: Final = "(none)"
HEALTH: Final = "/health/"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
log = logging.getLogger(__name__)


class RequestCounts:
    """Counts answers by route: the template, so that no id becomes a label."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answered = Counter(
            "billing_http_requests",
            "Requests answered since this process began.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "billing_http_request_seconds",
            "From the request's first byte to the end of the answer.",
            ("method", "route"),
            buckets=SECONDS,
            registry=registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._answered.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Observed:
    """ASGI middleware, outside of all others. `trace_of_request` gives routes the caller's trace."""

    def __init__(self, app: ASGIApp, *, counts: RequestCounts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request be answered; see what it was and what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        trace = _caller_trace(scope)
        scope.setdefault("state", {})["trace"] = trace
        scope.setdefault(
            "fastapi", {}
        )  # shared with copies of the scope, so that the route is seen from here

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # a plain number, also where a route names an HTTPStatus
            await send(message)

        with bound_contextvars(trace_id=(trace or new_trace()).trace_id):
            try:
                await self._app(scope, receive, noting)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = _template(scope)
        self._counts.answered(method, route, status, seconds)
        if not route.startswith(HEALTH):  # asked every few seconds, by machines
            extra = {"method": method, "route": route, "status": status, "seconds": round(seconds, 4)}
            log.info("request.answered", extra=extra)


def trace_of_request(state: MutableMapping[str, Any]) -> Trace | None:
    """Return the trace that the caller named, from the request's state (`scope["state"]`)."""
    trace: Trace | None = state.get("trace")
    return trace


def _template(scope: Scope) -> str:
    """Return the route's whole template; what the router knows of a route alone lacks the prefix."""
    included = scope.get("fastapi", {}).get("effective_route_context")
    template: str = getattr(included or scope.get("route"), "path", NO_ROUTE)
    return template


def _caller_trace(scope: Scope) -> Trace | None:
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    return read_traceparent(found[0].decode("latin-1")) if len(found) == 1 else None
