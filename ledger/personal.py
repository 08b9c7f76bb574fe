"""Personal data: kept out of the facts by commitments, readable while the subject's key is kept.

commitment = sha256(salt ‖ value), salt = HMAC-SHA-256(key, field ‖ 0x00 ‖ value), value = the canonical JSON
of what was sent. Equal content gives equal commitments, so that a redelivered event is a duplicate; without
the key a commitment can't be guessed at. The value is encrypted under the same key (AES-256-GCM) in
ledger.personal_data. Deleting the key forgets it, and leaves every leaf and proof valid.
"""

import hmac
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, LiteralString

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection

from ledger.canonical import canonical
from ledger.facts import Clock

PREFIX: Final = "personal:sha256:"
"""How a commitment begins; the hash follows in hex."""
CUSTOMER_FIELDS: Final[tuple[str, ...]] = ("name", "address", "email", "phone")
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ENCRYPTION: Final = b"encryption"

KEYS: LiteralString = """
    SELECT tenant_id, subject, key FROM ledger.personal_key
    JOIN unnest(%s::text[], %s::text[]) AS asked (tenant_id, subject) USING (tenant_id, subject)"""
ADD_KEYS: LiteralString = """
    INSERT INTO ledger.personal_key (tenant_id, subject, key, created_at)
    SELECT asked.tenant_id, asked.subject, asked.key, %s
    FROM unnest(%s::text[], %s::text[], %s::bytea[]) AS asked (tenant_id, subject, key)
    ORDER BY tenant_id, subject
    ON CONFLICT (tenant_id, subject) DO NOTHING"""
STORE: LiteralString = """
    INSERT INTO ledger.personal_data (tenant_id, commitment, subject, field, ciphertext)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[])
        AS given (tenant_id, commitment, subject, field, ciphertext)
    ORDER BY tenant_id, commitment
    ON CONFLICT (tenant_id, commitment) DO NOTHING"""
REVEAL: LiteralString = """
    SELECT commitment, subject, field, ciphertext, key
    FROM ledger.personal_data JOIN ledger.personal_key USING (tenant_id, subject)
    WHERE tenant_id = %s AND commitment = ANY(%s)"""
ENTER_ERASER: LiteralString = """
    SELECT set_config('role', 'billing_eraser', true), set_config('app.tenant_id', %s, true)"""
FORGET_KEY: LiteralString = "DELETE FROM ledger.personal_key WHERE tenant_id = %s AND subject = %s"
FORGET_DATA: LiteralString = "DELETE FROM ledger.personal_data WHERE tenant_id = %s AND subject = %s"
MARKED: LiteralString = """
    SELECT DISTINCT ON (tenant_id) tenant_id, payload FROM ledger.fact
    WHERE tenant_id = ANY(%s) AND stream = 'tenant'
        AND position('"personal_attributes":'::bytea in payload) > 0
    ORDER BY tenant_id, seq DESC"""

Subject = tuple[str, str]
"""Tenant id, and whose data it is: `customer/<id>` or `service/<id>`."""


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """One concealed value, encrypted, to be stored beside the fact that holds its commitment."""

    tenant_id: str
    subject: str
    field: str
    commitment: str
    ciphertext: bytes


def is_commitment(value: object) -> bool:
    """Whether a value in a payload stands for a personal one."""
    return isinstance(value, str) and value.startswith(PREFIX)


def subject_of(event: Mapping[str, Any], marked: Collection[str] = ()) -> Subject | None:
    """Return whose personal data an event brings, or None; `marked` are the tenant's personal attributes."""
    data = event["data"]
    if event["type"].startswith("customer."):
        if any(data.get(field) is not None for field in CUSTOMER_FIELDS):
            return event["tenantid"], f"customer/{data['customer_id']}"
    elif marked and event["type"].startswith("service."):
        attributes = data.get("attributes") or {}
        if any(attributes.get(field) is not None for field in marked):
            return event["tenantid"], f"service/{data['service_id']}"
    return None


def conceal(
    event: Mapping[str, Any], subject: Subject, *, key: bytes, marked: Collection[str] = ()
) -> tuple[dict[str, Any], tuple[PersonalValue, ...]]:
    """Return the event with commitments in place of personal values, and the values to store once booked."""
    tenant_id, name = subject
    data = dict(event["data"])
    if name.startswith("customer/"):
        holder, fields = data, CUSTOMER_FIELDS
    else:
        holder = data["attributes"] = dict(data["attributes"])
        fields = tuple(marked)
    values = []
    for field in fields:
        if holder.get(field) is not None:
            value = _seal(tenant_id, name, field, canonical(holder[field]), key)
            holder[field] = value.commitment
            values.append(value)
    return {**event, "data": data}, tuple(values)


def subject_keys(
    connection: Connection[Any],
    subjects: Iterable[Subject],
    *,
    clock: Clock,
    random: Callable[[int], bytes] = os.urandom,
) -> dict[Subject, bytes]:
    """Return the key of each subject, made now for those that have none.

    As billing_appender, and before the heads are locked.
    """
    wanted = sorted(set(subjects))
    if not wanted:
        return {}
    found = _keys(connection, wanted)
    missing = [subject for subject in wanted if subject not in found]
    if missing:
        made = [random(KEY_BYTES) for _ in missing]
        connection.execute(ADD_KEYS, (clock(), *map(list, zip(*missing, strict=True)), made))
        found |= _keys(connection, missing)  # another transaction may have been first
    return found


def store(connection: Connection[Any], values: Iterable[PersonalValue]) -> None:
    """Store the values of booked facts, in the append's transaction."""
    rows = [(one.tenant_id, one.commitment, one.subject, one.field, one.ciphertext) for one in values]
    if rows:
        connection.execute(STORE, [list(column) for column in zip(*rows, strict=True)])


def reveal(connection: Connection[Any], tenant_id: str, commitments: Collection[str]) -> dict[str, Any]:
    """Return the JSON value behind each commitment; those whose subject was forgotten are left out."""
    if not commitments:
        return {}
    found = connection.execute(REVEAL, (tenant_id, list(commitments))).fetchall()
    return {
        commitment: orjson.loads(_open(tenant_id, subject, field, commitment, ciphertext, key))
        for commitment, subject, field, ciphertext, key in found
    }


def forget(connection: Connection[Any], tenant_id: str, subject: str) -> bool:
    """Delete a subject's key and values for good; return whether there were any. A transaction of its own."""
    with connection.transaction():
        connection.execute(ENTER_ERASER, (tenant_id,))
        values = connection.execute(FORGET_DATA, (tenant_id, subject)).rowcount
        keys = connection.execute(FORGET_KEY, (tenant_id, subject)).rowcount
    return values + keys > 0


def marked_attributes(connection: Connection[Any], tenant_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Return, per tenant, the service attributes that its last configuration marks as personal."""
    marked = dict.fromkeys(tenant_ids, frozenset[str]())
    for tenant_id, payload in connection.execute(MARKED, (list(tenant_ids),)):
        marked[tenant_id] = frozenset(orjson.loads(payload)["data"]["personal_attributes"])
    return marked


def _keys(connection: Connection[Any], subjects: Collection[Subject]) -> dict[Subject, bytes]:
    columns = [list(column) for column in zip(*subjects, strict=True)]
    return {(tenant_id, name): key for tenant_id, name, key in connection.execute(KEYS, columns)}


def _seal(tenant_id: str, subject: str, field: str, value: bytes, key: bytes) -> PersonalValue:
    salt = hmac.digest(key, field.encode() + b"\x00" + value, "sha256")
    commitment = PREFIX + sha256(salt + value).hexdigest()
    # The nonce follows from the content: the same one comes again for the same value only.
    nonce = hmac.digest(key, b"nonce\x00" + salt, "sha256")[:NONCE_BYTES]
    sealed = _cipher(key).encrypt(nonce, value, _bound(tenant_id, subject, field, commitment))
    return PersonalValue(tenant_id, subject, field, commitment, nonce + sealed)


def _open(tenant_id: str, subject: str, field: str, commitment: str, ciphertext: bytes, key: bytes) -> bytes:
    nonce, sealed = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
    return _cipher(key).decrypt(nonce, sealed, _bound(tenant_id, subject, field, commitment))


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, ENCRYPTION, "sha256"))


def _bound(*texts: str) -> bytes:
    return canonical(list(texts))
