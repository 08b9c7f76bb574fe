"""Totals over the documents that filters let through: how many, how many lines, which net."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, LiteralString

from psycopg import Cursor, sql

from projections import invoices, issued_months
from projections.pages import conditions

SUMMED: Final = replace(
    invoices.LISTING, columns="currency, kind, count(*), sum(line_count), sum(net_minor)", orders={}
)
TOTALS: Final[LiteralString] = """
    SELECT {columns} FROM {table} WHERE {where} GROUP BY currency, kind ORDER BY currency, kind DESC"""


@dataclass(frozen=True, slots=True)
class InvoiceTotal:
    """Documents of one currency and kind added up; net in minor units."""

    currency: str
    kind: str
    documents: int
    lines: int
    net_minor: int


def totals(cursor: Cursor[Any], tenant_id: str, filters: Mapping[str, object]) -> list[InvoiceTotal]:
    """Return the totals of the documents that `invoices.LISTING` lists with the same filters.

    By currency, invoices before credit notes; none where no document is listed. A filter whose value is None
    is not applied. Where only month, kind and currency are asked for, the sums of the months answer, however
    many documents there are; else the documents that the filters leave are added up.
    """
    named = {name for name, value in filters.items() if value is not None}
    listing = issued_months.SUMMED if named <= issued_months.SUMMED.filters.keys() else SUMMED
    where, values = conditions(tenant_id, listing, filters)
    statement = sql.SQL(TOTALS).format(
        columns=sql.SQL(listing.columns), table=sql.SQL(listing.table), where=sql.SQL(" AND ").join(where)
    )
    rows = cursor.execute(statement, values).fetchall()
    return [InvoiceTotal(currency, kind, *map(int, sums)) for currency, kind, *sums in rows]
