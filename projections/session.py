"""In which role, for which tenant and on which set of tables a transaction works."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, LiteralString

from psycopg import Connection, Cursor, IsolationLevel

Schema = Literal["read", "read_next"]
LIVE: Final = "read"
NEXT: Final = "read_next"

Connect = Callable[[], Connection[Any]]

ENTER: Final[LiteralString] = """
    SELECT set_config('role', %(role)s, true), set_config('search_path', %(schema)s, true),
           set_config('app.tenant_id', %(tenant_id)s, true)"""


@contextmanager
def writing(connection: Connection[Any], schema: Schema = LIVE) -> Iterator[Cursor[Any]]:
    """Run one transaction as the projector, with the read models of `schema`; it may see every tenant."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(ENTER, {"role": "billing_projector", "schema": schema, "tenant_id": ""})
        yield cursor


@contextmanager
def reading(connection: Connection[Any], tenant_id: str) -> Iterator[Cursor[Any]]:
    """Run one read-only REPEATABLE READ transaction that sees one tenant, whoever is logged in."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(ENTER, {"role": "billing_app", "schema": LIVE, "tenant_id": tenant_id})
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
