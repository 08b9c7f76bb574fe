"""Which products each document charges: what finds the documents of a product or of a service type."""

from collections.abc import Iterable
from typing import Any, Final, LiteralString

from psycopg import Cursor

from projections.session import copy_rows
from projections.tables import Table

TABLE: Final = Table(
    "invoice_products_v1",
    """
    CREATE TABLE invoice_products_v1 (
        tenant_id  text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        period     date NOT NULL,
        seq        bigint NOT NULL,
        PRIMARY KEY (tenant_id, product_id, period, seq)
    )""",
)
COPY: Final[LiteralString] = """
    COPY invoice_products_v1 (tenant_id, product_id, period, seq) FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "text", "date", "int8")

OF_PRODUCT: Final[LiteralString] = """
    EXISTS (
        SELECT FROM invoice_products_v1 p
        WHERE p.tenant_id = %(tenant_id)s AND p.product_id = %(product_id)s
            AND p.period = invoices_v3.period AND p.seq = invoices_v3.seq)"""
OF_PRODUCTS: Final[LiteralString] = """
    EXISTS (
        SELECT FROM invoice_products_v1 p
        WHERE p.tenant_id = %(tenant_id)s AND p.product_id = ANY(%(product_ids)s)
            AND p.period = invoices_v3.period AND p.seq = invoices_v3.seq)"""
OF_SERVICE: Final[LiteralString] = """
    number = ANY (ARRAY (
        SELECT l.number FROM invoice_lines_v2 l
        WHERE l.tenant_id = %(tenant_id)s AND l.service_id = %(service_id)s))"""
"""Conditions on a row of `invoices_v3`."""


def write(cursor: Cursor[Any], rows: Iterable[tuple[object, ...]]) -> None:
    """Write (tenant, product, period, seq) of new documents, each once."""
    copy_rows(cursor, COPY, TYPES, dict.fromkeys(rows))
