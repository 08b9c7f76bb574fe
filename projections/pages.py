"""Pages of a read model: filtered, in one of its orders, from where the page before ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, NamedTuple

from psycopg import Cursor, sql


@dataclass(frozen=True, slots=True)
class Order:
    """An order: its columns, the last of which make a row unique, with their PostgreSQL types.

    An index must begin with `tenant_id` and these columns, so that a page costs its own rows alone.
    """

    columns: tuple[LiteralString, ...]
    types: tuple[LiteralString, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed: columns of a table, the orders by name, and the filters, each on `%(name)s`."""

    columns: LiteralString
    table: LiteralString
    orders: Mapping[str, Order]
    filters: Mapping[str, LiteralString]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One page: filters with their values, an order, and that order's values in the last row that was seen.

    A filter whose value is None is not applied; `after` None is the beginning.
    """

    order: str
    limit: int
    descending: bool = False
    filters: Mapping[str, object] | None = None
    after: Sequence[object] | None = None


class Found(NamedTuple):
    """A row, and the values of the order's columns in it: where the next page begins."""

    row: tuple[Any, ...]
    key: tuple[Any, ...]


def page(cursor: Cursor[Any], tenant_id: str, listing: Listing, wanted: Wanted) -> list[Found]:
    """Return at most `limit` rows in order.

    Rows that are inserted meanwhile neither repeat others nor hide them: a page begins behind a row's own
    values, not behind a count.
    """
    order = listing.orders[wanted.order]
    where, values = conditions(tenant_id, listing, wanted.filters or {})
    values["limit"] = wanted.limit
    names = [sql.Identifier(name) for name in order.columns]
    if wanted.after is not None:
        values |= {f"after_{place}": value for place, value in enumerate(wanted.after)}
        where.append(_behind(order, names, descending=wanted.descending))
    direction = sql.SQL(" DESC" if wanted.descending else "")
    statement = sql.SQL("SELECT {columns}, {keys} FROM {table} WHERE {where} ORDER BY {by} LIMIT %(limit)s")
    rows = cursor.execute(
        statement.format(
            columns=sql.SQL(listing.columns),
            keys=sql.SQL(", ").join(names),
            table=sql.SQL(listing.table),
            where=sql.SQL(" AND ").join(where),
            by=sql.SQL(", ").join(name + direction for name in names),
        ),
        values,
    ).fetchall()
    return [Found(row[: -len(names)], row[-len(names) :]) for row in rows]


def conditions(
    tenant_id: str, listing: Listing, filters: Mapping[str, object]
) -> tuple[list[sql.Composable], dict[str, object]]:
    """Return the conditions that filters set on the rows of a tenant, and the values that they name."""
    given = {name: value for name, value in filters.items() if value is not None}
    where: list[sql.Composable] = [sql.SQL("tenant_id = %(tenant_id)s")]
    where += [sql.SQL(listing.filters[name]) for name in given]
    return where, {**given, "tenant_id": tenant_id}


def _behind(order: Order, names: Sequence[sql.Identifier], *, descending: bool) -> sql.Composable:
    """Return the condition that a row stands behind the values `after_0` and so on."""
    last = [
        sql.SQL("{}::{}").format(sql.Placeholder(f"after_{place}"), sql.SQL(kind))
        for place, kind in enumerate(order.types)
    ]
    comma, sign = sql.SQL(", "), sql.SQL("<" if descending else ">")
    return sql.SQL("({}) {} ({})").format(comma.join(names), sign, comma.join(last))
