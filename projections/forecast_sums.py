"""Reads the sums that a forecast is made of: of a tenant by calendar, of customers from their own rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import Cursor

from billing.days import Day
from projections.flows import ONCE, WEEK
from projections.issue_months import By, Spread

# What is due by `settled` at the latest, whoever it is for, comes in one row for each phase: its place is
# -1 - phase, and `moment` is the sum of amount x position, from which the number of periods follows.
PLACED: Final[LiteralString] = """
    SELECT calendar, done, class, currency, product_id, step, lag, anchor, place, service_month,
           sum(amount_minor), sum(amount_minor * position)
    FROM (
        SELECT calendar, done, class, currency, product_id, step, lag, anchor, position, amount_minor,
            CASE WHEN step = 0 AND position <= %(settled_day)s THEN 0
                WHEN step = 7 AND position <= %(settled_day)s THEN -1 - position %% 7
                WHEN step NOT IN (0, 7) AND position < %(settled_month)s THEN -1 - position %% step
                ELSE position END AS place,
            CASE WHEN %(by_service)s THEN service_month ELSE 0 END AS service_month
        FROM flows) AS placed
    GROUP BY calendar, done, class, currency, product_id, step, lag, anchor, place, service_month
    HAVING sum(amount_minor) <> 0 OR sum(amount_minor * position) <> 0"""
TENANT_FLOWS: Final[LiteralString] = """
    WITH known AS MATERIALIZED (
        SELECT calendar, part, currency, product_id, kind, step, lag, anchor, position, service_month,
               amount_minor
        FROM forecast_totals_v1
        WHERE tenant_id = %(tenant_id)s AND part = 'ending'
            AND (%(products)s::text[] IS NULL OR product_id = ANY(%(products)s))
        UNION ALL
        SELECT calendar, part, currency, product_id, kind, step, lag, anchor, position, service_month,
               amount_minor
        FROM forecast_totals_v1
        WHERE tenant_id = %(tenant_id)s AND part = 'open' AND activates > %(today)s
            AND (%(products)s::text[] IS NULL OR product_id = ANY(%(products)s))),
    flows AS (
        SELECT calendar, NULL::integer AS done, kind AS class, currency, product_id, step, lag, anchor,
               position, service_month, amount_minor
        FROM forecast_totals_v1
        WHERE tenant_id = %(tenant_id)s AND part = 'all'
            AND (%(products)s::text[] IS NULL OR product_id = ANY(%(products)s))
        UNION ALL
        SELECT calendar, NULL::integer,
               CASE WHEN sign < 0 THEN 'recurring' WHEN part = 'open' THEN 'scheduled' ELSE 'ending' END,
               currency, product_id, step, lag, anchor, position, service_month,
               sign * amount_minor
        FROM known CROSS JOIN (VALUES (1), (-1)) AS signs (sign)
        WHERE step <> 0 OR position > %(settled_day)s)"""
CUSTOMER_FLOWS: Final[LiteralString] = """
    WITH asked AS (
        SELECT named.customer_id, done, coalesce(calendar, '') AS calendar
        FROM unnest(%(customers)s::text[], %(days)s::int[]) AS named (customer_id, done)
        LEFT JOIN forecast_calendars_v1 c
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
OF_TENANT: Final[LiteralString] = TENANT_FLOWS + PLACED
OF_CUSTOMERS: Final[LiteralString] = CUSTOMER_FLOWS + PLACED


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
    """What the sums are read for; `settled` is a day by which every customer asked for is done."""

    tenant_id: str
    today: date
    settled: Day
    by: By
    product_ids: Sequence[str] | None

    def query(self) -> dict[str, object]:
        """Return the parameters of the statements."""
        settled = date.fromordinal(max(self.settled, 1))
        collapse = self.by == "issue"
        return {
            "tenant_id": self.tenant_id,
            "today": self.today.toordinal(),
            "settled_day": settled.toordinal() if collapse else 0,
            "settled_month": settled.year * 12 + settled.month - 1 if collapse else 0,
            "by_service": self.by == "service",
            "products": None if self.product_ids is None else list(self.product_ids),
        }


def of_tenant(cursor: Cursor[Any], asked: Asked) -> list[Sum]:
    """Return the sums over all customers, by calendar; nobody's `done` is in them."""
    return _sums(cursor.execute(OF_TENANT, asked.query(), binary=True))


def of_customers(cursor: Cursor[Any], asked: Asked, done: Mapping[str, Day]) -> list[Sum]:
    """Return the sums over some customers, by calendar and the day through which they are done."""
    query = {**asked.query(), "customers": list(done), "days": list(done.values())}
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
