"""Packs facts into the bytes of PostgreSQL's binary COPY; what a row and its leaf share is packed once."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, LiteralString

from psycopg import Cursor
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from ledger.facts import NewFact
from ledger.leaf import LEAF_VERSION, LENGTH, NUMBERS, leaf_hash, prefixed

COPY: LiteralString = """
    COPY ledger.fact (seq, recorded_at, version, schema_version, tenant_id, source, event_id, stream, type,
        origin, customer_id, payload, leaf) FROM STDIN (FORMAT BINARY)"""
COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
COPY_TRAILER: Final = b"\xff\xff"
COLUMNS: Final = 13
ROW: Final = struct.Struct("!hiqiqiqii")
NULL: Final = b"\xff\xff\xff\xff"
LEAF_LENGTH: Final = LENGTH.pack(32)
ROWS_A_WRITE: Final = 256

TEXT_ARRAY_OID: Final = 1009
TEXT_ARRAY: Final = struct.Struct("!iiIii")
NO_TEXTS: Final = struct.pack("!iiI", 0, 0, 25)
TEXT_OID: Final = 25


@dataclass(frozen=True, slots=True)
class Numbered:
    """A new fact with what only the ledger can give it; `recorded_at` in leaf.microseconds."""

    fact: NewFact
    tenant_id: str
    seq: int
    recorded_at: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class TextArray:
    """A text[] parameter, packed."""

    packed: bytes


class TextArrayDumper(Dumper):
    """Hands a packed text[] to the server as it is."""

    format = Format.BINARY
    oid = TEXT_ARRAY_OID

    def dump(self, obj: TextArray) -> Buffer:
        """Return the array's bytes."""
        return obj.packed


def text_array(texts: Sequence[str]) -> TextArray:
    """Pack texts for a cursor that `take_arrays` prepared; psycopg packs a list far slower."""
    if not texts:
        return TextArray(NO_TEXTS)
    return TextArray(TEXT_ARRAY.pack(1, 0, TEXT_OID, len(texts), 1) + b"".join(map(prefixed, texts)))


def take_arrays(cursor: Cursor[Any]) -> None:
    """Teach a cursor to take `text_array` parameters."""
    cursor.adapters.register_dumper(TextArray, TextArrayDumper)


def copy_facts(cursor: Cursor[Any], rows: Iterable[Numbered]) -> None:
    """Copy facts into the ledger; the server works on one piece while the next is packed."""
    with cursor.copy(COPY) as copy:
        copy.write(COPY_HEADER)
        pieces = map(row_bytes, rows)
        while piece := b"".join(islice(pieces, ROWS_A_WRITE)):
            copy.write(piece)
        copy.write(COPY_TRAILER)


def row_bytes(row: Numbered) -> bytes:
    """Return the fact's row for COPY, its leaf included."""
    fact, seq, payload = row.fact, row.seq, row.fact.payload
    texts = b"".join(
        (
            _often(row.tenant_id), _often(fact.source), prefixed(fact.event_id), prefixed(fact.stream),
            _often(fact.type), prefixed(fact.origin),
        )
    )  # fmt: skip
    numbers = NUMBERS.pack(0, LEAF_VERSION, seq, row.recorded_at, fact.schema_version)
    version = seq if fact.version is None else fact.version
    customer = NULL if fact.customer_id is None else prefixed(fact.customer_id)
    return b"".join(
        (
            ROW.pack(COLUMNS, 8, seq, 8, row.recorded_at, 8, version, 4, fact.schema_version),
            texts, customer, LENGTH.pack(len(payload)), payload,
            LEAF_LENGTH, leaf_hash(numbers, row.payload_hash, texts),
        )
    )  # fmt: skip


_often = lru_cache(maxsize=4096)(prefixed)
"""Tenants, sources and types come again and again."""
