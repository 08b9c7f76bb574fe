"""In which role, for which tenant and on which set of tables a transaction works."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, LiteralString

from psycopg import Connection, Cursor, IsolationLevel
from psycopg.errors import UndefinedTable

from billing.errors import LedgerError
from ledger.read import enter_tenant

Schema = Literal["read", "read_next"]
LIVE: Final = "read"
NEXT: Final = "read_next"


class NothingProjectedError(LedgerError):
    """The read models don't exist yet."""

    code = "nothing_projected"


Connect = Callable[[], Connection[Any]]

WRITE: Final[LiteralString] = """
    SELECT set_config('role', 'billing_projector', true), set_config('search_path', %(schema)s, true),
           set_config('app.tenant_id', '', true)"""
USE: Final[LiteralString] = "SELECT set_config('search_path', %(schema)s, true)"
# The lock comes before the snapshot: a rebuild that takes over waits for it, and no snapshot is older than
# the tables that it reads. Many read at once, so none takes more than one core.
READ: Final[LiteralString] = """
    SET LOCAL ROLE billing_app; SET LOCAL search_path = read; SET LOCAL max_parallel_workers_per_gather = 0;
    LOCK TABLE bookmarks_v1 IN ACCESS SHARE MODE"""
SEE: Final[LiteralString] = "SELECT set_config('app.tenant_id', %(tenant_id)s, true)"


@contextmanager
def writing(connection: Connection[Any], schema: Schema = LIVE) -> Iterator[Cursor[Any]]:
    """Run one transaction as the projector, with the read models of `schema`; it may see every tenant."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(WRITE, {"schema": schema})
        yield cursor


def use(cursor: Cursor[Any], schema: Schema) -> None:
    """Go on with the tables of another schema, in the same transaction."""
    cursor.execute(USE, {"schema": schema})


@contextmanager
def reading_facts(connection: Connection[Any], tenant_id: str) -> Iterator[Cursor[Any]]:
    """Run one read-only REPEATABLE READ transaction that sees the facts of one tenant; no read model."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with connection.transaction(), connection.cursor() as cursor:
            enter_tenant(connection, tenant_id)
            yield cursor
    finally:
        connection.isolation_level = None
        connection.read_only = None


@contextmanager
def reading(connection: Connection[Any], tenant_id: str, *, afresh: bool = False) -> Iterator[Cursor[Any]]:
    """Run one read-only transaction that sees one tenant, whoever is logged in, at one moment.

    `afresh`: each statement sees what is committed when it begins, for what is looked at while it goes on.
    Raises NothingProjectedError where no projector has made the read models yet.
    """
    connection.isolation_level = IsolationLevel.READ_COMMITTED if afresh else IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with connection.transaction(), connection.cursor() as cursor:
            try:
                cursor.execute(READ)
            except UndefinedTable:
                raise NothingProjectedError("there are no read models yet; run: billing project") from None
            cursor.execute(SEE, {"tenant_id": tenant_id})
            yield cursor
    finally:
        connection.isolation_level = None
        connection.read_only = None


def copy_rows(
    cursor: Cursor[Any], statement: LiteralString, types: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Send `rows` by the binary COPY `statement`; `types` are the columns' PostgreSQL types."""
    with cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
