"""The leaf of a fact in the Merkle log: the same bytes in Python and in SQL.

SHA-256 over 0x00 (RFC 9162 §2.1.1) and, in this order: the version byte 0x01; seq (8 bytes); recorded_at in
microseconds since 2000-01-01T00:00:00Z (8 bytes, PostgreSQL's own form); schema version (4 bytes); the
payload's SHA-256 (32 bytes); then tenant, source, event id, stream, type and origin, each as its length in
bytes (4 bytes) and its UTF-8. Integers are big-endian and signed.
"""

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, LiteralString

from ledger.facts import Fact

LEAF_VERSION: Final = 1
POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
NUMBERS: Final = struct.Struct("!BBqqi")
LENGTH: Final = struct.Struct("!I")

LEAF_SQL: LiteralString = """
    sha256('\\x0001'::bytea || int8send(seq) || timestamptz_send(recorded_at) || int4send(schema_version)
        || sha256(payload)
        || substring(array_send(ARRAY[tenant_id, source, event_id, stream, type, origin]) from 21))"""
"""The leaf as an expression over the columns of ledger.fact. `array_send` writes 20 bytes about the array and
then each text as length and bytes, in the client's encoding: the connection must speak UTF8."""


def microseconds(moment: datetime) -> int:
    """Return an aware instant as PostgreSQL stores it: microseconds since 2000-01-01T00:00:00Z."""
    return (moment - POSTGRES_EPOCH) // MICROSECOND


def prefixed(text: str) -> bytes:
    """Return a text's UTF-8 after its length; PostgreSQL's binary COPY wants the same form."""
    encoded = text.encode()
    return LENGTH.pack(len(encoded)) + encoded


def leaf_hash(numbers: bytes, payload_hash: bytes, texts: bytes) -> bytes:
    """Return the leaf of a header whose numbers (`NUMBERS`) and prefixed texts are packed already."""
    return sha256(b"".join((numbers, payload_hash, texts))).digest()


def leaf_of(fact: Fact) -> bytes:
    """Return the leaf that `fact`'s header and payload give: `fact.leaf`, unless somebody changed it."""
    texts = (fact.tenant_id, fact.source, fact.event_id, fact.stream, fact.type, fact.origin)
    numbers = NUMBERS.pack(0, LEAF_VERSION, fact.seq, microseconds(fact.recorded_at), fact.schema_version)
    return leaf_hash(numbers, sha256(fact.payload).digest(), b"".join(map(prefixed, texts)))
