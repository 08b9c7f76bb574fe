"""What each role may do: facts are never changed, one tenant never sees another."""

import pytest
from psycopg import errors

from ledger.append import append
from ledger.personal import ENTER_ERASER
from ledger.read import each_fact, enter_tenant, heads
from tests.ledger.samples import MOMENT, book, connect, opening, service

pytestmark = pytest.mark.postgres
TENANT_TABLES = ["head", "fact", "quarantine", "number_series", "personal_key", "personal_data"]


ROWS = {
    "quarantine": """(consumer_group, topic, partition, "offset", tenant_id, reason, recorded_at)
        VALUES ('g', 't', 0, length('{tenant}'), '{tenant}', 'schema', now())""",
    "number_series": "(tenant_id, series) VALUES ('{tenant}', 'INV-')",
    "personal_key": "(tenant_id, subject, key, created_at) VALUES ('{tenant}', 's', sha256(''), now())",
    "personal_data": """(tenant_id, commitment, subject, field, ciphertext)
        VALUES ('{tenant}', 'personal:{tenant}', 's', 'name', '')""",
}


@pytest.fixture(scope="module")
def ledger_url(module_database):
    """Two tenants with a row in each of their tables."""
    with connect(module_database) as connection:
        for tenant in ("acme", "other"):
            book(connection, [opening(tenant), service("a", tenant=tenant)], tenant)
            for table, row in ROWS.items():
                connection.execute(f"INSERT INTO ledger.{table} {row.format(tenant=tenant)}")
    return module_database


@pytest.fixture
def connection(ledger_url):
    """A superuser's connection, inside a transaction that will never have happened."""
    with connect(ledger_url) as opened, opened.transaction(force_rollback=True):
        yield opened


CHANGES = {
    "update": "UPDATE ledger.fact SET payload = ''",
    "delete": "DELETE FROM ledger.fact",
    "truncate": "TRUNCATE ledger.fact",
    "truncate by cascade": "TRUNCATE ledger.fact CASCADE",
}


@pytest.mark.parametrize("replica", [False, True], ids=["plain session", "session_replication_role replica"])
@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_even_a_superuser_is_stopped_by_the_triggers(connection, statement, replica):
    if replica:
        connection.execute("SET session_replication_role = replica")
    with pytest.raises(errors.InsufficientPrivilege, match="facts are immutable"):
        connection.execute(statement)


APPENDER_MAY_NOT = {
    **CHANGES,
    "turn the triggers off": "ALTER TABLE ledger.fact DISABLE TRIGGER ALL",
    "delete a head": "DELETE FROM ledger.head",
    "rename a head": "UPDATE ledger.head SET tenant_id = 'x'",
    "delete an offset": "DELETE FROM ledger.ingest_offset",
    "delete from quarantine": "DELETE FROM ledger.quarantine",
    "rewrite quarantine": "UPDATE ledger.quarantine SET value = ''",
    "delete a series": "DELETE FROM ledger.number_series",
    "change a key": "UPDATE ledger.personal_key SET key = sha256('')",
    "delete a key": "DELETE FROM ledger.personal_key",
    "change a migration": "UPDATE ledger.migration SET checksum = ''",
    "make a table": "CREATE TABLE ledger.mine ()",
}


@pytest.mark.parametrize("statement", APPENDER_MAY_NOT.values(), ids=APPENDER_MAY_NOT)
def test_the_appender_appends_and_nothing_else(connection, statement):
    connection.execute("SET ROLE billing_appender")
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


READER_MAY_NOT = {
    **CHANGES,
    "insert": "INSERT INTO ledger.fact SELECT * FROM ledger.fact",
    "copy in": "COPY ledger.fact FROM STDIN",
    "move a head": "UPDATE ledger.head SET size = 0",
    "make a table": "CREATE TABLE ledger.mine AS SELECT * FROM ledger.fact",
    "erase": "DELETE FROM ledger.personal_key",
}


@pytest.mark.parametrize("statement", READER_MAY_NOT.values(), ids=READER_MAY_NOT)
def test_the_reader_reads_and_nothing_else(connection, statement):
    enter_tenant(connection, "acme")
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_tenant_sees_its_own_rows_and_no_others(connection, table):
    seen = f"SELECT DISTINCT tenant_id FROM ledger.{table}"
    connection.execute("SET ROLE billing_app")
    assert connection.execute(seen).fetchall() == []
    enter_tenant(connection, "acme")
    assert connection.execute(seen).fetchall() == [("acme",)]
    enter_tenant(connection, "nobody")
    assert connection.execute(seen).fetchall() == []
    connection.execute("RESET ROLE")
    assert {("acme",), ("other",)} <= set(connection.execute(seen).fetchall())


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_the_owner_of_the_tables_is_held_to_its_tenant_too(connection, table):
    connection.execute("CREATE ROLE plain_owner")
    connection.execute("GRANT USAGE ON SCHEMA ledger TO plain_owner")
    connection.execute(f"ALTER TABLE ledger.{table} OWNER TO plain_owner")
    connection.execute("SET ROLE plain_owner")
    assert connection.execute(f"SELECT count(*) FROM ledger.{table}").fetchone() == (0,)


def test_reading_by_the_ledgers_functions_obeys_the_tenant(connection):
    with connection.transaction():
        enter_tenant(connection, "acme")
        assert [one.tenant_id for one in heads(connection)] == ["acme"]
        assert [fact.tenant_id for fact in each_fact(connection, "other")] == []
        assert len(list(each_fact(connection, "acme"))) == 2


def test_the_role_ends_with_the_transaction(ledger_url):
    with connect(ledger_url) as connection:
        with connection.transaction(force_rollback=True):
            append(connection, {"acme": [service("b")]}, clock=lambda: MOMENT)
            assert connection.execute("SELECT current_user").fetchone() == ("billing_appender",)
        assert connection.execute("SELECT current_user").fetchone() == ("postgres",)


def test_the_eraser_reaches_one_tenants_personal_data_and_nothing_else(connection):
    connection.execute(ENTER_ERASER, ("acme",))
    assert connection.execute("DELETE FROM ledger.personal_key").rowcount == 1
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute("SELECT count(*) FROM ledger.fact")
    connection.execute("RESET ROLE")
    assert connection.execute("SELECT tenant_id FROM ledger.personal_key").fetchall() == [("other",)]


def test_a_login_that_is_only_a_member_appends_by_entering_the_role(connection):
    connection.execute("CREATE ROLE plain_login LOGIN")
    connection.execute("GRANT billing_appender TO plain_login WITH INHERIT FALSE")
    connection.execute("SET SESSION AUTHORIZATION plain_login")
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute("SELECT count(*) FROM ledger.fact")
    book(connection, [service("by a login")])
    connection.execute("RESET SESSION AUTHORIZATION")
    assert len(list(each_fact(connection, "acme"))) == 3
