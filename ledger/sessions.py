"""Sessions of the console: begun with an API key, ended by logging out, by time, or with the key."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, LiteralString

from psycopg import Connection

from ledger import keys
from ledger.facts import Clock
from ledger.keys import ApiKey, KeyRefusedError

LASTS: Final = timedelta(hours=12)
TOKEN_BYTES: Final = 32
MOST_CHARACTERS: Final = 100

ENTER: LiteralString = "SET LOCAL ROLE billing_doorkeeper"
SWEEP: LiteralString = "DELETE FROM ledger.console_session WHERE expires_at <= %s"
BEGIN: LiteralString = """
    INSERT INTO ledger.console_session (token_hash, key_id, created_at, expires_at) VALUES (%s, %s, %s, %s)"""
FIND: LiteralString = """
    SELECT key_id FROM ledger.console_session WHERE token_hash = %s AND expires_at > %s"""
END: LiteralString = "DELETE FROM ledger.console_session WHERE token_hash = %s"


def begin(
    connection: Connection[Any],
    key: ApiKey,
    *,
    clock: Clock,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """Begin a session of twelve hours with a verified key and return its token, which is kept nowhere."""
    token = urlsafe_b64encode(random(TOKEN_BYTES)).decode().rstrip("=")
    now = clock()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(ENTER)
        cursor.execute(SWEEP, (now,))
        cursor.execute(BEGIN, (_hash(token), key.key_id, now, now + LASTS))
    return token


def resume(connection: Connection[Any], token: str, *, clock: Clock) -> ApiKey:
    """Return the key of a session. Raises KeyRefusedError once the session or its key has ended."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(ENTER)
        found = cursor.execute(FIND, (_hash(token[:MOST_CHARACTERS]), clock())).fetchone()
    if found is None:
        raise KeyRefusedError("the session has ended; log in again")
    return keys.recheck(connection, found[0], clock=clock)


def end(connection: Connection[Any], token: str) -> None:
    """End a session; one that has ended already stays so."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(ENTER)
        cursor.execute(END, (_hash(token[:MOST_CHARACTERS]),))


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
