"""Migrations: each once, whole or not at all, never changed after; two at a time wait for each other."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from cli.main import main
from ledger.errors import MigrationError
from ledger.migrate import Migration, migrate, migrations
from tests.ledger.samples import connect

pytestmark = pytest.mark.postgres
FIRST = Migration(1, "0001_a.sql", "CREATE TABLE a (); CREATE TABLE b ()", "1")
SECOND = Migration(2, "0002_b.sql", "CREATE TABLE c ()", "2")


@pytest.fixture
def empty(postgres, request):
    """The URL of a database that has nothing in it."""
    name = sql.Identifier("empty")
    with connect(postgres.url()) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield postgres.url("empty")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_what_is_missing_is_applied_once(empty):
    with connect(empty) as connection:
        assert migrate(connection, [FIRST]) == ("0001_a.sql",)
        assert migrate(connection, [FIRST, SECOND]) == ("0002_b.sql",)
        assert migrate(connection, [FIRST, SECOND]) == ()
        assert connection.execute("SELECT to_regclass('b'), to_regclass('c')").fetchone() == ("b", "c")


def test_a_file_that_fails_leaves_nothing_of_itself(empty):
    broken = replace(SECOND, statements="CREATE TABLE c (); CREATE TABLE a ()")
    with connect(empty) as connection:
        with pytest.raises(psycopg.errors.DuplicateTable):
            migrate(connection, [FIRST, broken])
        assert connection.execute("SELECT to_regclass('c')").fetchone() == (None,)
        assert migrate(connection, [FIRST, SECOND]) == ("0002_b.sql",)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([replace(FIRST, checksum="other"), SECOND], "0001_a.sql is not the 0001_a.sql that was applied"),
        ([replace(FIRST, name="0001_z.sql"), SECOND], "0001_z.sql is not the 0001_a.sql"),
        ([FIRST], "the database has 0002_b.sql, which this program does not know"),
    ],
    ids=["a changed file", "a renamed file", "a database ahead of the program"],
)
def test_another_history_is_refused(empty, wanted, message):
    with connect(empty) as connection:
        migrate(connection, [FIRST, SECOND])
        with pytest.raises(MigrationError, match=message):
            migrate(connection, wanted)


def test_two_at_once_apply_each_file_once(empty):
    def run(_):
        with connect(empty) as connection:
            return migrate(connection)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    assert sorted(first + second) == [migration.name for migration in migrations()]


def test_the_command_applies_and_says_so(empty, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", empty)
    assert main(["migrate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"applied": [migration.name for migration in migrations()]}
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "nothing to apply: the ledger's tables are up to date\n"
