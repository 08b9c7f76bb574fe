"""Numbers of documents: ascending, without gaps, drawn from a locked row and lost with its transaction."""

from datetime import date
from typing import Any, LiteralString

from psycopg import Connection

from ledger.errors import IssueDateError

DRAW: LiteralString = """
    INSERT INTO ledger.number_series AS series (tenant_id, series, last_number, last_issued_on)
    VALUES (%(tenant_id)s, %(series)s, %(count)s, %(issued_on)s)
    ON CONFLICT (tenant_id, series) DO UPDATE
        SET last_number = series.last_number + excluded.last_number, last_issued_on = excluded.last_issued_on
        WHERE series.last_issued_on IS NULL OR series.last_issued_on <= excluded.last_issued_on
    RETURNING last_number"""
LAST: LiteralString = (
    "SELECT tenant_id, series, last_number FROM ledger.number_series ORDER BY tenant_id, series"
)


def draw_numbers(
    connection: Connection[Any], tenant_id: str, series: str, count: int, *, issued_on: date
) -> range:
    """Return the next `count` numbers of a series (the first is 1), in the append's transaction.

    Call `append.lock_heads` before: heads come before series in the order of locks. Numbers ascend and issue
    dates never descend: raises IssueDateError where the series has numbers of a later date than `issued_on`.
    """
    assert count > 0, count
    parameters = {"tenant_id": tenant_id, "series": series, "count": count, "issued_on": issued_on}
    row = connection.execute(DRAW, parameters).fetchone()
    if row is None:
        raise IssueDateError(
            f"series {series!r} of {tenant_id!r} has numbers of a day after {issued_on.isoformat()}; "
            "issue with that day or a later one"
        )
    last: int = row[0]
    return range(last - count + 1, last + 1)


def last_numbers(connection: Connection[Any]) -> list[tuple[str, str, int]]:
    """Return the last number of each series that is visible, by tenant and series: how many were issued."""
    return connection.execute(LAST).fetchall()
