"""Reads the sums that a forecast is made of: of a tenant by calendar, of customers from their own rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Cursor

from billing.days import Day
from billing.periods import month_of
from projections.flows import ONCE, WEEK
from projections.issue_months import By, Placed, Spread, class_of

# What is due by `settled` at the latest, whoever it is for, comes in one row for each phase: its place is
# -1 - phase, and `moment` is the sum of amount x position, from which the number of periods follows.
PLACED: Final[LiteralString] = """
    SELECT calendar, done, class, currency, product_id, step, lag, anchor, place, service_month,
           sum(amount_minor), coalesce(sum(amount_minor * position) FILTER (WHERE place < 0), 0)
    FROM (
        SELECT calendar, done, class, currency, product_id, step, lag, anchor, position, amount_minor,
            CASE WHEN step = 0 AND position <= %(settled_day)s THEN 0
                WHEN step = 7 AND position <= %(settled_week)s THEN -1 - position %% 7
                WHEN step NOT IN (0, 7) AND position < %(settled_month)s THEN -1 - position %% step
                ELSE position END AS place,
            CASE WHEN %(by_service)s THEN service_month ELSE 0 END AS service_month
        FROM flows) AS placed
    GROUP BY calendar, done, class, currency, product_id, step, lag, anchor, place, service_month
    HAVING sum(amount_minor) <> 0 OR sum(amount_minor * position) FILTER (WHERE place < 0) <> 0"""
TOTALS: Final[LiteralString] = """
    WITH totals AS NOT MATERIALIZED (
        SELECT * FROM forecast_totals_v2
        WHERE tenant_id = %(tenant_id)s AND (%(products)s::text[] IS NULL OR product_id = ANY(%(products)s))),
    """
# What begins after today is due from this month on; a day of what repeats by the week is a larger number.
TENANT_FLOWS: Final[LiteralString] = """
    flows AS (
        SELECT *, NULL::integer AS done, kind AS class FROM totals WHERE part = 'repeated'
        UNION ALL
        SELECT *, NULL::integer, 'ending' FROM totals WHERE part = 'ending'
        UNION ALL
        SELECT *, NULL::integer, 'scheduled' FROM totals
        WHERE part = 'open' AND position >= %(this_month)s AND activates > %(today)s)"""
# Of what is due once, whole months that are settled are read as such, the rest day by day. Each amount moves
# to the month in which it is issued: that of its calendar's first billing day on or after the day it is due.
TENANT_ONCE: Final[LiteralString] = """
    issued AS MATERIALIZED (
        SELECT calendar, days::integer[] AS days, months::integer[] AS months
        FROM unnest(%(calendars)s::text[], %(days)s::text[], %(months)s::text[])
            AS named (calendar, days, months)),
    once AS (
        SELECT *, kind AS class FROM totals WHERE part = 'once_by_month' AND position < %(open_from)s
        UNION ALL
        SELECT *, kind FROM totals WHERE part = 'once' AND position >= %(open_from)s
        UNION ALL
        SELECT *, 'ending' FROM totals WHERE part = 'ending_once' AND position > %(settled_day)s
        UNION ALL
        SELECT *, 'scheduled' FROM totals
        WHERE part = 'open_once' AND position > %(settled_day)s AND activates > %(today)s)
    SELECT month, currency, product_id, class, is_late, sum(amount_minor)
    FROM (
        SELECT currency, product_id, class, amount_minor, position <= %(settled_day)s AS is_late,
            CASE WHEN %(by_service)s THEN service_month
                ELSE months[width_bucket(position - 1, days) + 1] END AS month
        FROM once LEFT JOIN issued USING (calendar)) AS placed
    WHERE month <= %(last_month)s
    GROUP BY month, currency, product_id, class, is_late
    HAVING sum(amount_minor) <> 0"""
CUSTOMER_FLOWS: Final[LiteralString] = """
    WITH asked AS (
        SELECT named.customer_id, done, coalesce(calendar, '') AS calendar
        FROM unnest(%(customers)s::text[], %(days)s::int[]) AS named (customer_id, done)
        LEFT JOIN forecast_calendars_v2 c
            ON c.tenant_id = %(tenant_id)s AND c.customer_id = named.customer_id),
    flows AS (
        SELECT calendar, done, CASE WHEN kind <> 'recurring' THEN kind WHEN ending THEN 'ending'
               WHEN activates > %(today)s THEN 'scheduled' ELSE kind END AS class, currency, product_id, step,
               lag, anchor, position, service_month, amount_minor::numeric AS amount_minor
        FROM asked JOIN forecast_flows_v1 f
            ON f.tenant_id = %(tenant_id)s AND f.customer_id = asked.customer_id
        WHERE %(products)s::text[] IS NULL OR product_id = ANY(%(products)s)
        UNION ALL
        SELECT calendar, done, kind, currency, product_id, 0, 0, 0, position, service_month, amount_minor
        FROM asked JOIN forecast_invoiced_v1 i
            ON i.tenant_id = %(tenant_id)s AND i.customer_id = asked.customer_id
        WHERE %(products)s::text[] IS NULL OR product_id = ANY(%(products)s))"""
REPEATED_OF_TENANT: Final[LiteralString] = TOTALS + TENANT_FLOWS + PLACED
ONCE_OF_TENANT: Final[LiteralString] = TOTALS + TENANT_ONCE
OF_CUSTOMERS: Final[LiteralString] = CUSTOMER_FLOWS + PLACED


TOLD_APART: Final = ("scheduled", "ending")


class Sum(NamedTuple):
    """Flows of one kind added up; `place` below zero stands for all that is settled, by phase."""

    calendar: str
    done: int | None
    kind: str
    currency: str
    product_id: str
    step: int
    lag: int
    anchor: int
    place: int
    service_month: int
    amount_minor: int
    moment: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the sums are read for."""

    tenant_id: str
    today: date
    last_month: int
    by: By
    product_ids: Sequence[str] | None

    def query(self, settled: Day) -> dict[str, object]:
        """Return the parameters of the statements; all that is asked for is done through `settled`."""
        on = date.fromordinal(max(settled, 1))
        # By service month, each period of what repeats stands in its own.
        is_summed = self.by == "issue"
        return {
            "tenant_id": self.tenant_id,
            "today": self.today.toordinal(),
            "last_month": self.last_month,
            "this_month": self.today.year * 12 + self.today.month - 1,
            "settled_day": on.toordinal(),
            "settled_week": on.toordinal() if is_summed else 0,
            "settled_month": on.year * 12 + on.month - 1 if is_summed else 0,
            "open_from": on.replace(day=1).toordinal(),
            "by_service": self.by == "service",
            "products": None if self.product_ids is None else list(self.product_ids),
        }


class TenantSums(NamedTuple):
    """What a tenant's customers are charged: what is due once is placed already.

    What is scheduled or ending is part of what is recurring; here it stands once more.
    """

    once: list[Placed]
    repeated: list[Sum]
    told_apart: list[Sum]


def of_tenant(
    cursor: Cursor[Any], asked: Asked, settled: Day, issued_on: Mapping[str, Sequence[Day]]
) -> TenantSums:
    """Return the sums over all customers, as if all were done through `settled`.

    `issued_on` holds the billing days of every calendar after that, in order, as far as anybody asks.
    """
    query = asked.query(settled)
    repeated = _sums(cursor.execute(REPEATED_OF_TENANT, query, binary=True))
    query["calendars"] = list(issued_on)
    query["days"] = [_array(days) for days in issued_on.values()]
    query["months"] = [_array(map(month_of, days)) for days in issued_on.values()]
    cursor.execute(ONCE_OF_TENANT, query, binary=True)
    once = [
        ((month, currency, product_id, class_of(kind, late=is_late)), int(amount))
        for month, currency, product_id, kind, is_late, amount in cursor.fetchall()
    ]
    return TenantSums(
        once,
        [item for item in repeated if item.kind not in TOLD_APART],
        [item for item in repeated if item.kind in TOLD_APART],
    )


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def of_customers(cursor: Cursor[Any], asked: Asked, settled: Day, done: Mapping[str, Day]) -> list[Sum]:
    """Return the sums over some customers, by calendar and the day through which they are done."""
    query = {**asked.query(settled), "customers": list(done), "days": list(done.values())}
    return _sums(cursor.execute(OF_CUSTOMERS, query, binary=True))


def add(spread: Spread, sums: Iterable[Sum], settled: Day, *, sign: int = 1) -> None:
    """Lay sums that have one calendar on the months."""
    repeated: dict[tuple[str, str, str, int, int, int, int], dict[int, int]] = {}
    for item in sums:
        name = (item.currency, item.product_id, item.kind)
        amount = sign * item.amount_minor
        if item.step == ONCE:
            spread.once(*name, item.place, item.service_month, amount)
            continue
        place = item.place
        if place < 0:
            place = _last_settled(item.step, -1 - place, settled)
            periods = (item.amount_minor * place - item.moment) // item.step
            spread.once(*name, 0, 0, sign * periods)
        phase = place % item.step
        changes = repeated.setdefault((*name, item.step, item.lag, item.anchor, phase), {})
        changes[place] = changes.get(place, 0) + amount
    for (currency, product_id, kind, step, lag, anchor, _), changes in repeated.items():
        spread.repeated(currency, product_id, kind, (step, lag, anchor), changes)


def _last_settled(step: int, phase: int, settled: Day) -> int:
    """Return the last position of a phase that stands for what is settled, as the statements count it."""
    on = date.fromordinal(max(settled, 1))
    limit = on.toordinal() if step == WEEK else on.year * 12 + on.month - 2
    return limit - (limit - phase) % step


def _sums(cursor: Cursor[Any]) -> list[Sum]:
    return [Sum._make((*row[:10], int(row[10]), int(row[11]))) for row in cursor.fetchall()]
