"""`billing serve`: answer HTTP requests until stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import ExitCode, WrongUseError
from cli.settings import read_settings
from cli.streams import stop_on_signals

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.settings import Context

app = typer.Typer()


@app.command()
def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Default: BILLING_API_HOST.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65_535, help="Default: BILLING_API_PORT.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; default: BILLING_API_WORKERS.")
    ] = None,
) -> None:
    """Serve the API below /v1 until SIGTERM or Ctrl-C; requests under way are answered first."""
    import uvicorn

    from cli.logs import logged
    from cli.monitoring.serving import watched_sums

    settings = read_settings()
    settings.database()  # what is wrong with it is said before anything listens
    address = (host or settings.api_host, port or settings.api_port)
    stop_on_signals()  # the server raises the signal again once it is done: then it is an end, and no failure
    try:
        with logged(settings, command="serve"), watched_sums(settings):
            check_free(*address)
            uvicorn.run(
                "cli.commands.serve:application",
                factory=True,
                host=address[0],
                port=address[1],
                workers=workers or settings.api_workers,
                log_config=None,
                access_log=False,  # ours names no query: it may hold what is nobody's business
                server_header=False,
                timeout_graceful_shutdown=30,
            )
    except SystemExit as end:  # the web server could not begin and has said why; its exit codes are not ours
        raise typer.Exit(ExitCode.FAILED) from end


def check_free(host: str, port: int) -> None:
    """Raise WrongUseError where nobody could listen there: the web server's own words name no remedy."""
    import errno
    import socket

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            message = f"--port: {host}:{port}: {reason}; give one that is free, or set BILLING_API_PORT"
        else:
            message = (
                f"--host: {host}:{port}: {reason}; give an address of this machine, or set BILLING_API_HOST"
            )
        raise WrongUseError(message) from error


def application() -> "FastAPI":
    """Make the application from the environment: each worker process calls this."""
    from prometheus_client import CollectorRegistry
    from starlette.middleware import Middleware

    from api.app import create_app
    from api.observing import Observed, RequestCounts
    from cli.logs import set_up_logs

    set_up_logs(read_settings(), command="serve")
    counts = RequestCounts(CollectorRegistry())
    return create_app(context(), middleware=[Middleware(Observed, counts=counts)])


def context() -> "Context":
    """Return what the doors work with, as the settings say."""
    from functools import partial

    import psycopg

    from api.settings import ApiSettings, Context, pool_of

    settings = read_settings()
    database = settings.database()
    pool = pool_of(database, connections=settings.api_connections)
    return Context(
        ApiSettings(tenant_sources=settings.allowed_tenant_sources()),
        pool,
        partial(psycopg.connect, database, autocommit=True),
        settings.clock,
    )
