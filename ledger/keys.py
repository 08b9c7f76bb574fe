"""API keys: who may come through the HTTP doors, for which tenant and in which role."""

import hmac
import re
import secrets
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, LiteralString, get_args

from psycopg import Connection, Cursor
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row

from billing.errors import LedgerError
from ledger.errors import TenantNotOpenError
from ledger.facts import Clock

KeyRole = Literal["publisher", "finance", "auditor", "admin"]
KEY_ROLES: Final[tuple[KeyRole, ...]] = get_args(KeyRole)
PREFIX: Final = "blk"
"""What every key begins with, so that scanners for leaked secrets can find it."""
TOKEN: Final = re.compile(r"blk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
ID_BYTES: Final = 8
SECRET_BYTES: Final = 32
USE_NOTED_EVERY: Final = timedelta(minutes=1)
NOBODYS_HASH: Final = sha256(b"").digest()

ENTER: LiteralString = "SELECT set_config('role', %s, true)"
SELECT: LiteralString = """
    SELECT key_id, tenant_id, name, role, created_at, expires_at, last_used_at, revoked_at, secret_hash
    FROM ledger.api_key"""
FIND: LiteralString = SELECT + " WHERE key_id = %s"
LIST: LiteralString = (
    SELECT
    + """
    WHERE %(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s ORDER BY tenant_id, created_at, key_id"""
)
ADD: LiteralString = """
    INSERT INTO ledger.api_key (key_id, tenant_id, name, role, created_at, expires_at, secret_hash)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    RETURNING key_id, tenant_id, name, role, created_at, expires_at, last_used_at, revoked_at, secret_hash"""
NOTE_USE: LiteralString = "UPDATE ledger.api_key SET last_used_at = %s WHERE key_id = %s"
REVOKE: LiteralString = """
    UPDATE ledger.api_key SET revoked_at = coalesce(revoked_at, %s) WHERE key_id = %s
    RETURNING key_id, tenant_id, name, role, created_at, expires_at, last_used_at, revoked_at, secret_hash"""


class KeyRefusedError(LedgerError):
    """No key was shown, or one that is unknown, expired or revoked."""

    code = "key_refused"


class KeyUnknownError(LedgerError):
    """No key has this id."""

    code = "key_unknown"


class KeyExpiryError(LedgerError):
    """A key would have expired before it was made."""

    code = "key_expiry"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key without its secret; instants are aware. `expires_at` None: it lasts until it is revoked."""

    key_id: str
    tenant_id: str
    name: str
    role: KeyRole
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    secret_hash: bytes

    def __repr__(self) -> str:
        """Name the key; nothing of its secret, not even the hash, gets into a log."""
        return f"ApiKey({self.key_id}, {self.tenant_id}, {self.role})"

    def state(self, moment: datetime) -> Literal["valid", "expired", "revoked"]:
        """Return whether the key opens a door at an instant."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= moment else "valid"


def create(
    connection: Connection[Any],
    tenant_id: str,
    *,
    name: str,
    role: KeyRole,
    clock: Clock,
    expires_at: datetime | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, which exists nowhere else from then on.

    Raises TenantNotOpenError, and KeyExpiryError for an `expires_at` that has passed.
    """
    now = clock()
    if expires_at is not None and expires_at <= now:
        raise KeyExpiryError(
            f"expires {expires_at.isoformat()} has passed: the ledger's clock says {now.isoformat()}; "
            "give a later time"
        )
    key_id = b32encode(random(ID_BYTES)).decode().lower()[:12]
    secret = _text(random(SECRET_BYTES))
    row = (key_id, tenant_id, name, role, now, expires_at, _hash(secret))
    with connection.transaction(), connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        cursor.execute(ENTER, ("billing_keysmith",))
        try:
            made = cursor.execute(ADD, row).fetchone()
        except ForeignKeyViolation:
            raise TenantNotOpenError(
                f"tenant {tenant_id!r} has no ledger; send its tenant.configured"
            ) from None
    assert made is not None, "an insert returns its row"
    return made, f"{PREFIX}_{key_id}_{secret}"


def keys(connection: Connection[Any], tenant_id: str | None = None) -> list[ApiKey]:
    """Return the keys of a tenant or of all, by tenant and age, also those that open nothing any more."""
    with connection.transaction(), connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        cursor.execute(ENTER, ("billing_keysmith",))
        return cursor.execute(LIST, {"tenant_id": tenant_id}).fetchall()


def revoke(connection: Connection[Any], key_id: str, *, clock: Clock) -> ApiKey:
    """Take a key back from now on, for good; once more changes nothing. Raises KeyUnknownError."""
    with connection.transaction(), connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        cursor.execute(ENTER, ("billing_keysmith",))
        found = cursor.execute(REVOKE, (clock(), key_id)).fetchone()
    if found is None:
        raise KeyUnknownError(f"there is no key {key_id!r}; see: billing keys list")
    return found


def verify(connection: Connection[Any], token: str, *, clock: Clock) -> ApiKey:
    """Return the key that `token` is, and note its use. Raises KeyRefusedError.

    Who does not hold the secret learns nothing: an unknown id and a wrong secret give the same answer, after
    the same comparison. Who holds it is told that the key expired or was revoked.
    """
    shown = TOKEN.fullmatch(token)
    with _looking(connection) as cursor:
        found = None if shown is None else cursor.execute(FIND, (shown[1],)).fetchone()
        offered = _hash("" if shown is None else shown[2])
        kept = NOBODYS_HASH if found is None else found.secret_hash
        if not hmac.compare_digest(offered, kept) or found is None:
            raise KeyRefusedError("this is no key of ours; an operator makes one with: billing keys create")
        return _used(cursor, found, clock())


def recheck(connection: Connection[Any], key_id: str, *, clock: Clock) -> ApiKey:
    """Return a key that was verified before, as it is now. Raises KeyRefusedError once it opens nothing."""
    with _looking(connection) as cursor:
        found = cursor.execute(FIND, (key_id,)).fetchone()
        if found is None:
            raise KeyRefusedError("the key of this session does not exist; log in again")
        return _used(cursor, found, clock())


@contextmanager
def _looking(connection: Connection[Any]) -> Iterator[Cursor[ApiKey]]:
    with connection.transaction(), connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        cursor.execute(ENTER, ("billing_doorkeeper",))
        yield cursor


def _used(cursor: Cursor[ApiKey], found: ApiKey, now: datetime) -> ApiKey:
    state = found.state(now)
    if state != "valid":
        raise KeyRefusedError(f"key {found.key_id} is {state}; an operator makes a new one")
    if found.last_used_at is None or now - found.last_used_at >= USE_NOTED_EVERY:
        cursor.execute(NOTE_USE, (now, found.key_id))
    return found


def _text(secret: bytes) -> str:
    return urlsafe_b64encode(secret).decode().rstrip("=")


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
