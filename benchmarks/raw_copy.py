"""The limit: one connection that copies rows, encoded beforehand, into the same tables, batch by batch."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from projections.group import TABLES
from projections.session import LIVE, writing

FACTS: LiteralString = """
    COPY (SELECT * FROM ledger.fact WHERE tenant_id = %s AND seq > %s ORDER BY seq)
    TO STDOUT (FORMAT BINARY)"""
TABLE: LiteralString = "COPY (SELECT * FROM {} ORDER BY ctid) TO STDOUT (FORMAT BINARY)"
INTO: LiteralString = "COPY ledger.fact FROM STDIN (FORMAT BINARY)"
INTO_TABLE: LiteralString = "COPY {} FROM STDIN (FORMAT BINARY)"
APPENDER: LiteralString = "SET LOCAL ROLE billing_appender"
HEADER_BYTES: Final = 19
TRAILER: Final = b"\xff\xff"

TableBatch = dict[str, bytes]
"""Binary COPY input for some read-model tables, by table."""


def encoded_batches(database_url: str, tenant_id: str, after_seq: int, batch_rows: int) -> list[bytes]:
    """Return the facts of a ledger as binary COPY input, `batch_rows` rows a piece. Needs a superuser."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        header, rows = _encoded(cursor, FACTS, (tenant_id, after_seq))
    return [_input(header, rows[start : start + batch_rows]) for start in range(0, len(rows), batch_rows)]


def copy_batches(database_url: str, batches: Sequence[bytes]) -> float:
    """Copy each batch in a transaction of its own, in the role that appends; return the seconds it took."""
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1")
        connection.commit()
        start = perf_counter()
        for batch in batches:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(APPENDER)
                with cursor.copy(INTO) as copy:
                    copy.write(batch)
        return perf_counter() - start


def empty_tables(database_url: str) -> list[str]:
    """Return the read-model tables that hold no row."""
    with psycopg.connect(database_url) as connection, writing(connection) as cursor:
        names = sorted(TABLES.existing(cursor, LIVE))
        return [name for name in names if not _has_rows(cursor, name)]


def encoded_tables(database_url: str, tables: Sequence[str], batches: int) -> list[TableBatch]:
    """Return all rows of read-model tables as binary COPY input, each table in equal parts, one a batch."""
    found: list[TableBatch] = [{} for _ in range(batches)]
    with psycopg.connect(database_url) as connection, writing(connection) as cursor:
        for name in tables:
            header, rows = _encoded(cursor, sql.SQL(TABLE).format(sql.Identifier(name)))
            for number, batch in enumerate(found):
                part = rows[len(rows) * number // batches : len(rows) * (number + 1) // batches]
                if part:
                    batch[name] = _input(header, part)
    return found


def copy_tables(database_url: str, batches: Sequence[TableBatch]) -> float:
    """Copy each batch into the live tables in a transaction of its own, as the projector; return seconds."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        with writing(connection) as cursor:
            cursor.execute("SELECT 1")
        start = perf_counter()
        for batch in batches:
            with writing(connection) as cursor:
                for name, rows in batch.items():
                    with cursor.copy(sql.SQL(INTO_TABLE).format(sql.Identifier(name))) as copy:
                        copy.write(rows)
        return perf_counter() - start


def _has_rows(cursor: psycopg.Cursor[Any], table: str) -> bool:
    cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table)))
    row = cursor.fetchone()
    assert row is not None
    return bool(row[0])


def _encoded(
    cursor: psycopg.Cursor[Any], statement: LiteralString | sql.Composed, values: Sequence[object] = ()
) -> tuple[bytes, list[bytes]]:
    """Return the header of a binary COPY, and each row of it."""
    rows: list[bytes] = []
    header = b""
    with cursor.copy(statement, values) as copy:
        for message in copy:
            row = bytes(message)
            if not header:
                header, row = row[:HEADER_BYTES], row[HEADER_BYTES:]
            if row and row != TRAILER:
                rows.append(row)
    return header, rows


def _input(header: bytes, rows: Sequence[bytes]) -> bytes:
    return header + b"".join(rows) + TRAILER
