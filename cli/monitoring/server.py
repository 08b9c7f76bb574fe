"""`/metrics` and `/health` of a process that has no other door: on a port that is off unless it is set."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, disable_created_metrics, make_wsgi_app

from cli.faults import WrongUseError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from cli.settings import Settings

LATE_SECONDS: Final = 120.0
"""After so long without a sign of life a process is stuck: the slowest batch takes a few seconds."""

CLIENT_SECONDS: Final = 5.0
"""A client that says nothing for so long is hung up on."""

Beat = Callable[[], float]
"""How many seconds ago the process gave its last sign of life."""


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each client on a thread of its own: one that dawdles keeps nobody else waiting, nor our end."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that went away or fell silent is no news."""


class _Silent(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: a scrape every few seconds is no news."""


def application(registry: CollectorRegistry, beat: Beat) -> "WSGIApplication":
    """Return what answers: `/metrics`, `/health` (503 where the process is stuck), and 404.

    No series says since when a counter counts: the library would add one to each.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    metrics = make_wsgi_app(registry)

    def answer(environ: "WSGIEnvironment", start: "StartResponse") -> Any:
        match environ["PATH_INFO"]:
            case "/metrics":
                return metrics(environ, start)
            case "/health":
                seconds = beat()
                is_well = seconds < LATE_SECONDS
                said = {
                    "status": "ok" if is_well else "stuck",
                    "seconds_since_sign_of_life": round(seconds, 1),
                }
                start(
                    "200 OK" if is_well else "503 Service Unavailable", [("Content-Type", "application/json")]
                )
                return [json.dumps(said).encode() + b"\n"]
            case _:
                start("404 Not Found", [("Content-Type", "text/plain")])
                return [b"try /metrics or /health\n"]

    return answer


@contextmanager
def watched(settings: "Settings", registry: CollectorRegistry, beat: Beat) -> Iterator[None]:
    """Serve both while the block lasts, if BILLING_METRICS_PORT is set. Raises WrongUseError."""
    if settings.metrics_port is None:
        yield
        return
    address = (settings.metrics_address, settings.metrics_port)
    try:
        server = make_server(*address, application(registry, beat), _Server, _Silent)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"BILLING_METRICS_PORT: {address[0]}:{address[1]}: {reason}; name one that is free"
        raise WrongUseError(message) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
