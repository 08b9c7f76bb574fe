"""Packs facts into the bytes of PostgreSQL's binary COPY; what a row and its leaf share is packed once."""

import struct
from collections.abc import Iterable, Iterator, Sequence
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


Numbered = tuple[NewFact, int, bytes]
"""A new fact, its seq, and its payload's SHA-256."""


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


def copy_facts(cursor: Cursor[Any], rows: Iterator[bytes]) -> None:
    """Copy packed rows into the ledger; the server works on one piece while the next is packed."""
    with cursor.copy(COPY) as copy:
        copy.write(COPY_HEADER)
        while piece := b"".join(islice(rows, ROWS_A_WRITE)):
            copy.write(piece)
        copy.write(COPY_TRAILER)


def packed_rows(tenant_id: str, recorded_at: int, facts: Iterable[Numbered]) -> Iterator[bytes]:
    """Yield a tenant's new facts as rows for COPY, with leaves; `recorded_at` as leaf.microseconds has it."""
    tenant = prefixed(tenant_id)
    for fact, seq, payload_hash in facts:
        payload, schema_version, customer_id = fact.payload, fact.schema_version, fact.customer_id
        texts = b"".join(
            (
                tenant, _often(fact.source), prefixed(fact.event_id), prefixed(fact.stream),
                _often(fact.type), prefixed(fact.origin),
            )
        )  # fmt: skip
        numbers = NUMBERS.pack(0, LEAF_VERSION, seq, recorded_at, schema_version)
        version = seq if fact.version is None else fact.version
        yield b"".join(
            (
                ROW.pack(COLUMNS, 8, seq, 8, recorded_at, 8, version, 4, schema_version),
                texts,
                NULL if customer_id is None else prefixed(customer_id),
                LENGTH.pack(len(payload)),
                payload,
                LEAF_LENGTH,
                leaf_hash(numbers, payload_hash, texts),
            )
        )


_often = lru_cache(maxsize=4096)(prefixed)
"""Sources and types come again and again."""
