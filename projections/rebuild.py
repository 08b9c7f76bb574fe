"""Fills new tables beside the live ones, from the facts alone, and lets them take over in one transaction."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString

from psycopg import Connection, Cursor

from billing.errors import LedgerError
from projections import bookmarks, queue
from projections.folding import fold_queue
from projections.group import MODELS, TABLES, Group
from projections.runner import Report, Runner, analyze
from projections.session import LIVE, NEXT, Connect, Schema, use, writing

ALL: Final = "all"
READABLE: Final = tuple(model.name for model in MODELS if model.name not in ("queue", "parked", "bookmarks"))
"""What can be rebuilt by name; queue, parked and bookmarks go with `all`."""


TRY_ALONE: Final[LiteralString] = "SELECT pg_try_advisory_lock(hashtextextended('billing rebuild', 0))"
NOT_ALONE: Final[LiteralString] = "SELECT pg_advisory_unlock(hashtextextended('billing rebuild', 0))"


class RebuildRunningError(LedgerError):
    """Another rebuild fills the new tables already."""

    code = "rebuild_running"


class ModelUnknownError(LedgerError):
    """No read model has this name."""

    code = "read_model_unknown"


def rebuild(
    connection: Connection[Any],
    name: str,
    *,
    report: Report | None = None,
    workers: int = 1,
    connect: Connect | None = None,
) -> tuple[str, ...]:
    """Build a read model (`all`: every one) from the facts; return what took over.

    Readers and the live projector go on meanwhile; each service is folded once, by `workers` processes, of
    which this is one: the others `connect`. Where the code wants tables of a version that is not there,
    everything is rebuilt. Raises ModelUnknownError, RebuildRunningError, FolderLostError.
    """
    names = _names(connection, name)
    with _alone(connection):
        with writing(connection, NEXT) as cursor:
            TABLES.clear(cursor, NEXT)
            TABLES.create(cursor, NEXT)
        Runner(connection, NEXT, only_queue=True).catch_up_all(report)
        if workers > 1:
            assert connect is not None, "other processes have connections of their own"
            fold_queue(connection, connect, workers - 1, report)
        Runner(connection, NEXT).catch_up_all(report)
        analyze(connection, NEXT)
        _take_over(connection, names)
    return names


@contextmanager
def _alone(connection: Connection[Any]) -> Iterator[None]:
    """Be the only rebuild of the database; the connection's end would also give way to the next."""
    row = connection.execute(TRY_ALONE).fetchone()
    if row is None or not row[0]:
        raise RebuildRunningError("another rebuild is under way; wait for it")
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute(NOT_ALONE)


def _names(connection: Connection[Any], name: str) -> tuple[str, ...]:
    if name != ALL and name not in READABLE:
        raise ModelUnknownError(f"{name!r} is no read model; there are {', '.join((*READABLE, ALL))}")
    with writing(connection) as cursor:
        missing = TABLES.missing(cursor)
    return (name,) if name != ALL and not missing else tuple(model.name for model in MODELS)


def _take_over(connection: Connection[Any], names: Collection[str]) -> None:
    """Stop projectors and readers for a moment, read the last facts, and put the new tables in place."""
    whole = bookmarks.MODEL.name in names
    with writing(connection, NEXT) as cursor:
        tenants = bookmarks.tenants(cursor)
        for tenant_id in tenants:
            bookmarks.lock(cursor, tenant_id, LIVE)
        if bookmarks.MODEL.tables[0].name in TABLES.existing(cursor, LIVE):
            use(cursor, LIVE)
            bookmarks.close_gate(cursor)
        if not whole:
            for tenant_id in tenants:
                _level(cursor, tenant_id)
            queue.put_next(cursor)
        TABLES.take_over(cursor, names)
        TABLES.clear(cursor, NEXT)


def _level(cursor: Cursor[Any], tenant_id: str) -> None:
    """Bring the live and the new tables to the same seq."""
    positions: dict[Schema, int] = {}
    for schema in (LIVE, NEXT):
        use(cursor, schema)
        positions[schema] = bookmarks.read(cursor, tenant_id).seq
    last = max(positions.values())
    for schema, seq in positions.items():
        if seq < last:
            use(cursor, schema)
            Group().apply(cursor, tenant_id, facts_limit=0, queue_limit=0, up_to=last)
