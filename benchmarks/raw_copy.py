"""The limit: one connection that copies facts, encoded beforehand, into the same table, batch by batch."""

from collections.abc import Sequence
from time import perf_counter
from typing import Final, LiteralString

import psycopg

ROWS: LiteralString = """
    COPY (SELECT * FROM ledger.fact WHERE tenant_id = %s AND seq > %s ORDER BY seq)
    TO STDOUT (FORMAT BINARY)"""
INTO: LiteralString = "COPY ledger.fact FROM STDIN (FORMAT BINARY)"
APPENDER: LiteralString = "SET LOCAL ROLE billing_appender"
HEADER_BYTES: Final = 19
TRAILER: Final = b"\xff\xff"


def encoded_batches(database_url: str, tenant_id: str, after_seq: int, batch_rows: int) -> list[bytes]:
    """Return the facts of a ledger as binary COPY input, `batch_rows` rows a piece. Needs a superuser."""
    rows: list[bytes] = []
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        header = b""
        with cursor.copy(ROWS, (tenant_id, after_seq)) as copy:
            for message in copy:
                row = bytes(message)
                if not header:
                    header, row = row[:HEADER_BYTES], row[HEADER_BYTES:]
                if row and row != TRAILER:
                    rows.append(row)
    return [
        header + b"".join(rows[start : start + batch_rows]) + TRAILER
        for start in range(0, len(rows), batch_rows)
    ]


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
