"""Health: is the process alive, and is it ready to answer. Without a key, and without a tenant's data."""

from typing import Annotated, Any, Final, Literal

import psycopg
from fastapi import APIRouter, Depends, Response
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field

from api.access import context_of
from api.settings import Context
from ledger.migrate import migrations
from projections import bookmarks
from projections.session import writing

router = APIRouter(prefix="/health", tags=["health"])
PATIENCE_SECONDS: Final = 2.0
UNKEPT: Final = {"Cache-Control": "no-store"}


class Live(BaseModel):
    """The process runs."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """Whether requests can be answered, and what is missing where they can't."""

    status: Literal["ready", "not_ready"]
    database: Literal["up", "away"]
    migrations: Literal["applied", "missing", "unknown"] = Field(
        description="`billing migrate` applies them."
    )
    read_models: Literal["present", "missing", "unknown"] = Field(description="`billing project` makes them.")
    facts_behind: int | None = Field(
        description="Facts that the read models have not taken in yet, of all tenants."
    )


@router.get("/live", operation_id="get_live", summary="Is the process alive")
def live(response: Response) -> Live:
    """Answer as long as the process runs; the database is not asked."""
    response.headers.update(UNKEPT)
    return Live()


@router.get(
    "/ready",
    operation_id="get_ready",
    summary="Can requests be answered",
    responses={503: {"model": Ready, "description": "Not ready: the fields say what is missing."}},
)
def ready(context: Annotated[Context, Depends(context_of)], response: Response) -> Ready:
    """Look at the database, its migrations and the read models; 503 while one is missing."""
    found = _look(context)
    response.headers.update(UNKEPT)
    response.status_code = 200 if found.status == "ready" else 503
    return found


def _look(context: Context) -> Ready:
    try:
        with context.pool.connection(timeout=PATIENCE_SECONDS) as connection:
            count = _applied(connection)
            if count < len(migrations()):
                return _not_ready("missing", "unknown")
            with writing(connection) as cursor:
                try:
                    behind = bookmarks.behind(cursor)
                except psycopg.errors.UndefinedTable:
                    behind = None
    except (psycopg.OperationalError, PoolTimeout):
        return Ready(
            status="not_ready",
            database="away",
            migrations="unknown",
            read_models="unknown",
            facts_behind=None,
        )
    if behind is None:
        return _not_ready("applied", "missing")
    return Ready(
        status="ready",
        database="up",
        migrations="applied",
        read_models="present",
        facts_behind=sum(behind.values()),
    )


def _not_ready(applied: Literal["applied", "missing"], models: Literal["missing", "unknown"]) -> Ready:
    return Ready(status="not_ready", database="up", migrations=applied, read_models=models, facts_behind=None)


def _applied(connection: psycopg.Connection[Any]) -> int:
    try:
        row = connection.execute("SELECT count(*) FROM ledger.migration").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0
    assert row is not None
    return int(row[0])
