"""Brings the ledger's own tables up to date: numbered SQL files, each applied once, never changed after."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final, LiteralString

from psycopg import Connection

from ledger.errors import MigrationError

ADVISORY_LOCK: Final = 0x62696C6C696E67
"""One migration at a time in a database."""

LOCK: LiteralString = "SELECT pg_advisory_xact_lock(%s)"
BOOK: LiteralString = """
    CREATE SCHEMA IF NOT EXISTS ledger;
    CREATE TABLE IF NOT EXISTS ledger.migration (
        number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now())"""
APPLIED: LiteralString = "SELECT number, name, checksum FROM ledger.migration ORDER BY number"
RECORD: LiteralString = "INSERT INTO ledger.migration (number, name, checksum) VALUES (%s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; `checksum` is the hex SHA-256 of its bytes."""

    number: int
    name: str
    statements: str
    checksum: str


def migrations() -> tuple[Migration, ...]:
    """Return the program's migrations in order; their numbers are 1, 2, 3 … without gaps."""
    found = []
    for file in files("ledger").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            content = file.read_bytes()
            number = int(file.name.partition("_")[0])
            found.append(Migration(number, file.name, content.decode(), sha256(content).hexdigest()))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return tuple(found)


def migrate(connection: Connection, wanted: Sequence[Migration] | None = None) -> tuple[str, ...]:
    """Apply what is missing, each file in a transaction of its own, and return the names of those files.

    `connection` must be in no transaction. Two at once wait for each other. Raises MigrationError where a
    file that was applied reads otherwise now, or where the database is ahead of the program.
    """
    wanted = migrations() if wanted is None else wanted
    applied = []
    while (name := _apply_next(connection, wanted)) is not None:
        applied.append(name)
    return tuple(applied)


def _apply_next(connection: Connection, wanted: Sequence[Migration]) -> str | None:
    with connection.transaction():
        connection.execute(LOCK, (ADVISORY_LOCK,))
        connection.execute(BOOK)
        done = connection.execute(APPLIED).fetchall()
        _check(done, wanted)
        if len(done) == len(wanted):
            return None
        migration = wanted[len(done)]
        # Without parameters the server takes a whole file at once.
        connection.execute(migration.statements.encode())
        connection.execute(RECORD, (migration.number, migration.name, migration.checksum))
        return migration.name


def _check(done: Sequence[tuple[int, str, str]], wanted: Sequence[Migration]) -> None:
    if len(done) > len(wanted):
        raise MigrationError(
            f"the database has {done[-1][1]}, which this program does not know; use a newer one"
        )
    for (number, name, checksum), migration in zip(done, wanted, strict=False):
        if (number, name, checksum) != (migration.number, migration.name, migration.checksum):
            raise MigrationError(
                f"{migration.name} is not the {name} that was applied; restore it, add a new file"
            )
