"""Makes the application: routes, errors, entity tags, compression, and the life of its pool."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from api import errors, openapi
from api.bodies import BodyLimit
from api.caching import EntityTags
from api.console.routes import console
from api.methods import HeadAsGet
from api.routes import (
    about,
    adjustments,
    anomalies,
    bill_runs,
    catalog,
    crediting,
    customers,
    dead_letters,
    events,
    facts,
    forecast,
    health,
    impact,
    invoice_files,
    invoice_totals,
    invoices,
    preview,
    services,
)
from api.segments import WholeSegments
from api.settings import Context
from api.watched_runs import WatchedDesk

GZIP_BYTES: Final = 1_000
RESOURCES: Final = (
    events.router,
    catalog.router,
    customers.router,
    preview.router,
    forecast.router,
    impact.router,
    services.router,
    invoice_totals.router,  # before the routes that read what follows as a number
    invoices.router,
    invoice_files.router,
    crediting.router,
    adjustments.router,
    bill_runs.router,
    anomalies.router,
    dead_letters.router,
    facts.router,
    about.router,
)


def create_app(
    context: Context, *, middleware: Sequence[Middleware] = (), routers: Sequence[APIRouter] = ()
) -> FastAPI:
    """Return the application; its pool is opened when it starts and closed when it ends.

    `middleware` stands outside of ours and sees every request first; `routers` are added beside `/v1`.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        context.pool.open(wait=False)  # a database that is away is waited for by each request
        try:
            yield
        finally:
            await run_in_threadpool(context.pool.close)

    app = FastAPI(
        title=openapi.TITLE,
        version=openapi.VERSION,
        lifespan=lifespan,
        openapi_url=None,  # the document is behind a key, like all else: /v1/openapi.json
        redirect_slashes=False,  # an address is what it is; a redirect would trust the Host header
        strict_content_type=False,  # a body that does not say what it is is read as JSON
        middleware=[
            *middleware,
            Middleware(HeadAsGet),
            Middleware(GZipMiddleware, minimum_size=GZIP_BYTES),
            Middleware(EntityTags),
            Middleware(BodyLimit),
            Middleware(WholeSegments),
        ],
    )
    app.state.context = context
    app.state.run_desk = WatchedDesk(
        context.connect, clock=context.clock, workers=context.settings.run_workers
    )
    errors.install(app)
    app.include_router(health.router)
    for router in RESOURCES:
        app.include_router(router, prefix="/v1")
    app.include_router(console())
    for router in routers:
        app.include_router(router)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    made: dict[str, Any] = {}

    def described() -> dict[str, Any]:
        if not made:
            made.update(openapi.document(app))
        return made

    app.openapi = described  # type: ignore[method-assign]  # the way that FastAPI documents
