"""How far the projection group has read each tenant's ledger, and who may move that on."""

from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Cursor

from projections.session import Schema
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "bookmarks",
    (
        Table(
            "bookmarks_v1",
            """
            CREATE TABLE bookmarks_v1 (
                tenant_id   text COLLATE "C" PRIMARY KEY,
                seq         bigint NOT NULL,
                catalog_seq bigint NOT NULL,
                tenant_seq  bigint NOT NULL
            ) WITH (fillfactor = 50)""",
        ),
    ),
)

TRY_LOCK: Final[LiteralString] = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0))"
LOCK: Final[LiteralString] = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
READ: Final[LiteralString] = (
    "SELECT seq, catalog_seq, tenant_seq FROM bookmarks_v1 WHERE tenant_id = %(tenant_id)s"
)
MOVE: Final[LiteralString] = """
    INSERT INTO bookmarks_v1 (tenant_id, seq, catalog_seq, tenant_seq)
    VALUES (%(tenant_id)s, %(seq)s, %(catalog_seq)s, %(tenant_seq)s)
    ON CONFLICT (tenant_id) DO UPDATE SET
        seq = excluded.seq, catalog_seq = excluded.catalog_seq, tenant_seq = excluded.tenant_seq"""
TENANTS: Final[LiteralString] = "SELECT tenant_id FROM ledger.head ORDER BY tenant_id"
HEADS: Final[LiteralString] = "SELECT tenant_id, size FROM ledger.head"
CLOSE: Final[LiteralString] = "LOCK TABLE bookmarks_v1 IN ACCESS EXCLUSIVE MODE"
BEHIND: Final[LiteralString] = """
    SELECT h.tenant_id, h.size - coalesce(b.seq, 0)
    FROM ledger.head h LEFT JOIN bookmarks_v1 b USING (tenant_id)
    WHERE h.size > coalesce(b.seq, 0) ORDER BY h.tenant_id"""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The last fact that was read; of those, the last about the catalog and the last about the tenant."""

    seq: int = 0
    catalog_seq: int = 0
    tenant_seq: int = 0


def try_lock(cursor: Cursor[Any], tenant_id: str, schema: Schema) -> bool:
    """Become the one projector of a tenant's tables until the transaction ends; False while another is."""
    row = cursor.execute(TRY_LOCK, {"name": _name(tenant_id, schema)}).fetchone()
    assert row is not None
    return bool(row[0])


def lock(cursor: Cursor[Any], tenant_id: str, schema: Schema) -> None:
    """Become the one projector of a tenant's tables until the transaction ends; waits for the one before."""
    cursor.execute(LOCK, {"name": _name(tenant_id, schema)})


def tenants(cursor: Cursor[Any]) -> list[str]:
    """Return every tenant that has a ledger, in the order in which more than one is locked."""
    return [tenant_id for (tenant_id,) in cursor.execute(TENANTS).fetchall()]


def heads(cursor: Cursor[Any]) -> dict[str, int]:
    """Return how many facts each tenant's ledger has."""
    return dict(cursor.execute(HEADS).fetchall())


def close_gate(cursor: Cursor[Any]) -> None:
    """Wait for the readers of the tables in the search path, and keep others out till the end."""
    cursor.execute(CLOSE)


def _name(tenant_id: str, schema: Schema) -> str:
    return f"billing projector {schema} {tenant_id}"


def read(cursor: Cursor[Any], tenant_id: str) -> Bookmark:
    """Return the tenant's bookmark, at 0 before its first fact."""
    row = cursor.execute(READ, {"tenant_id": tenant_id}).fetchone()
    return Bookmark(*row) if row is not None else Bookmark()


def move(cursor: Cursor[Any], tenant_id: str, bookmark: Bookmark) -> None:
    """Set the tenant's bookmark, in the transaction that wrote the rows."""
    cursor.execute(
        MOVE,
        {
            "tenant_id": tenant_id,
            "seq": bookmark.seq,
            "catalog_seq": bookmark.catalog_seq,
            "tenant_seq": bookmark.tenant_seq,
        },
    )


def behind(cursor: Cursor[Any]) -> dict[str, int]:
    """Return the tenants whose ledger goes on after their bookmark, and by how many facts."""
    return dict(cursor.execute(BEHIND).fetchall())
