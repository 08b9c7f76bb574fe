"""API keys: only their hash is kept, and only a valid one opens a door."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import errors

from ledger import keys
from ledger.errors import TenantNotOpenError
from tests.ledger.samples import book, connect, opening

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 7, 2, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger_url(module_database):
    with connect(module_database) as connection:
        book(connection, [opening("acme")], "acme")
    return module_database


@pytest.fixture
def connection(ledger_url):
    with connect(ledger_url) as opened, opened.transaction(force_rollback=True):
        yield opened


def made(connection, **more):
    return keys.create(connection, "acme", name="one", role="finance", clock=lambda: NOW, **more)


def verified(connection, token, now=NOW):
    return keys.verify(connection, token, clock=lambda: now)


def test_a_key_is_what_its_text_says(connection):
    key, token = made(connection)
    found = verified(connection, token)
    assert (found.key_id, found.tenant_id, found.role) == (key.key_id, "acme", "finance")
    assert token.startswith(f"blk_{key.key_id}_")


def test_nothing_of_the_secret_is_stored_or_shown(connection):
    key, token = made(connection)
    secret = token.removeprefix(f"blk_{key.key_id}_")
    row = connection.execute("SELECT api_key::text FROM ledger.api_key").fetchone()
    assert secret not in row[0]
    assert key.secret_hash.hex() not in repr(key)
    assert secret not in repr(key)


def altered(token):
    return token[:-1] + ("A" if token[-1] != "A" else "B")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(altered, id="another secret"),
        pytest.param(lambda token: token[:4] + "a" * 12 + token[16:], id="another id"),
        pytest.param(lambda token: token[:16], id="no secret"),
        pytest.param(lambda token: token + "x", id="longer"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda token: token.upper(), id="upper case"),
        pytest.param(lambda _: "blk_\0", id="a NUL"),
    ],
)
def test_what_is_no_key_gets_one_answer(connection, change):
    _, token = made(connection)
    with pytest.raises(keys.KeyRefusedError, match="this is no key of ours"):
        verified(connection, change(token))
    assert [key.last_used_at for key in keys.keys(connection)] == [None]


def test_an_expired_key_opens_nothing_from_that_instant_on(connection):
    _, token = made(connection, expires_at=NOW + timedelta(days=1))
    verified(connection, token, NOW + timedelta(days=1, microseconds=-1))
    with pytest.raises(keys.KeyRefusedError, match="is expired"):
        verified(connection, token, NOW + timedelta(days=1))


def test_a_revoked_key_opens_nothing_and_stays_revoked(connection):
    key, token = made(connection)
    first = keys.revoke(connection, key.key_id, clock=lambda: NOW)
    again = keys.revoke(connection, key.key_id, clock=lambda: NOW + timedelta(days=1))
    assert first.revoked_at == again.revoked_at == NOW
    with pytest.raises(keys.KeyRefusedError, match="is revoked"):
        verified(connection, token)
    with pytest.raises(keys.KeyRefusedError, match="is revoked"):
        keys.recheck(connection, key.key_id, clock=lambda: NOW)


def test_a_session_is_checked_without_its_secret(connection):
    key, _ = made(connection)
    assert keys.recheck(connection, key.key_id, clock=lambda: NOW).key_id == key.key_id
    with pytest.raises(keys.KeyRefusedError, match="does not exist"):
        keys.recheck(connection, "a" * 12, clock=lambda: NOW)


def test_use_is_noted_to_the_minute(connection):
    _, token = made(connection)
    for seconds in (0, 59, 60, 61):
        verified(connection, token, NOW + timedelta(seconds=seconds))
    assert [key.last_used_at for key in keys.keys(connection)] == [NOW + timedelta(seconds=60)]


def test_wrong_use_is_named(connection):
    with pytest.raises(keys.KeyExpiryError, match="has passed"):
        made(connection, expires_at=NOW)
    with pytest.raises(keys.KeyUnknownError, match="'nobody'"):
        keys.revoke(connection, "nobody", clock=lambda: NOW)
    with pytest.raises(TenantNotOpenError):
        keys.create(connection, "ghost", name="x", role="admin", clock=lambda: NOW)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        pytest.param("billing_app", "SELECT count(*) FROM ledger.api_key", id="readers see no key"),
        pytest.param("billing_appender", "SELECT count(*) FROM ledger.api_key", id="nor do appenders"),
        pytest.param("billing_projector", "SELECT count(*) FROM ledger.api_key", id="nor projectors"),
        pytest.param(
            "billing_doorkeeper",
            "UPDATE ledger.api_key SET role = 'admin'",
            id="the doorkeeper makes no admin",
        ),
        pytest.param(
            "billing_doorkeeper", "UPDATE ledger.api_key SET revoked_at = NULL", id="nor brings a key back"
        ),
        pytest.param("billing_doorkeeper", "SELECT count(*) FROM ledger.fact", id="nor reads a fact"),
        pytest.param(
            "billing_keysmith", "UPDATE ledger.api_key SET secret_hash = ''", id="the smith alters none"
        ),
        pytest.param("billing_keysmith", "DELETE FROM ledger.api_key", id="nor deletes one"),
        pytest.param("billing_keysmith", "SELECT count(*) FROM ledger.fact", id="nor reads a fact itself"),
    ],
)
def test_each_role_does_its_own_work_alone(connection, role, statement):
    made(connection)
    connection.execute(f"SET ROLE {role}")
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)
