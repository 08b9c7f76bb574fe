"""`billing serve`: answer HTTP requests until stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

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

    from cli.logs import set_up_logs
    from cli.monitoring.serving import watched_sums

    settings = read_settings()
    settings.database()  # what is wrong with it is said before anything listens
    set_up_logs(settings, command="serve")
    stop_on_signals()  # the server raises the signal again once it is done: then it is an end, and no failure
    with watched_sums(settings):
        uvicorn.run(
            "cli.commands.serve:application",
            factory=True,
            host=host or settings.api_host,
            port=port or settings.api_port,
            workers=workers or settings.api_workers,
            log_config=None,
            access_log=False,  # ours names no query: it may hold what is nobody's business
            server_header=False,
            timeout_graceful_shutdown=30,
        )


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
