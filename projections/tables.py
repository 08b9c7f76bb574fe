"""Makes and drops the tables of the read models, each closed to other tenants; nothing is migrated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, LiteralString

from psycopg import Cursor, sql

from billing.errors import LedgerError
from projections.session import LIVE, NEXT, Schema


class RebuildNeededError(LedgerError):
    """The code reads tables of a version that the database doesn't have yet."""

    code = "rebuild_needed"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name with version, and the statements that make it in the first schema of the path."""

    name: LiteralString
    create: LiteralString


@dataclass(frozen=True, slots=True)
class ReadModel:
    """One read model: the name that `billing rebuild` knows, and its tables."""

    name: str
    tables: tuple[Table, ...]


GUARD: Final[LiteralString] = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
    CREATE POLICY one_tenant ON {table} USING (tenant_id = current_setting('app.tenant_id', true));
    GRANT SELECT ON {table} TO billing_app"""

EXISTING: Final[LiteralString] = """
    SELECT relname::text FROM pg_class
    WHERE relnamespace = to_regnamespace(%(schema)s) AND relkind = 'r'"""

ONE_MAKER: Final[LiteralString] = "SELECT pg_advisory_xact_lock(hashtextextended('billing read models', 0))"


class Tables:
    """The tables of all models in one schema."""

    schema: ClassVar[Schema] = LIVE

    def __init__(self, models: Iterable[ReadModel]) -> None:
        self.models = tuple(models)

    def existing(self, cursor: Cursor[Any], schema: Schema) -> frozenset[str]:
        """Return the names of the tables that stand in `schema`."""
        return frozenset(name for (name,) in cursor.execute(EXISTING, {"schema": schema}).fetchall())

    def missing(self, cursor: Cursor[Any], schema: Schema = LIVE) -> tuple[str, ...]:
        """Return the models that lack a table of this version of the code."""
        existing = self.existing(cursor, schema)
        return tuple(m.name for m in self.models if any(t.name not in existing for t in m.tables))

    def create(self, cursor: Cursor[Any], schema: Schema) -> None:
        """Make every table in `schema`, which is empty."""
        for model in self.models:
            for table in model.tables:
                cursor.execute(table.create)
                name = sql.Identifier(schema, table.name)
                cursor.execute(sql.SQL(GUARD).format(table=name))

    def ensure(self, cursor: Cursor[Any]) -> None:
        """Make the live tables in an empty world; raise RebuildNeededError where only some are missing."""
        missing = self.missing(cursor)
        if not missing:
            return
        cursor.execute(ONE_MAKER)
        existing = self.existing(cursor, LIVE)
        if not existing:
            self.create(cursor, LIVE)
            return
        missing = self.missing(cursor)
        if missing:
            names = ", ".join(missing)
            raise RebuildNeededError(f"tables of {names} are of another version; run: billing rebuild all")

    def clear(self, cursor: Cursor[Any], schema: Schema) -> None:
        """Drop every table of `schema`."""
        for name in sorted(self.existing(cursor, schema)):
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(schema, name)))

    def analyze(self, cursor: Cursor[Any], schema: Schema, name: str) -> None:
        """Tell the planner what a table of `schema` holds."""
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, name)))

    def take_over(self, cursor: Cursor[Any], names: Iterable[str]) -> None:
        """Put the next tables of the models `names` in the place of the live ones of any version."""
        live = self.existing(cursor, LIVE)
        wanted = frozenset(names)
        for model in self.models:
            if model.name not in wanted:
                continue
            for table in model.tables:
                stem = table.name.rpartition("_v")[0]
                for old in sorted(live):
                    if old.rpartition("_v")[0] == stem:
                        drop = sql.SQL("DROP TABLE {} CASCADE")
                        cursor.execute(drop.format(sql.Identifier(LIVE, old)))
                cursor.execute(
                    sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                        sql.Identifier(NEXT, table.name), sql.Identifier(LIVE)
                    )
                )
