"""Entitled: what the facts known now say should be charged, ever (BILLING.md §3 to §6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from billing.catalog import Catalog
from billing.days import Day
from billing.line import Explanation
from billing.money import Exact
from billing.policies import PolicyBook
from billing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Entitled:
    """One span of a full period at one rate, or a one-time amount (`full` days None, one day long)."""

    service_id: str
    customer_id: str
    product_id: str
    price_id: str
    kind: Literal["recurring", "one_time"]
    quantity: Exact
    unit_amount: Exact
    full_start: Day | None
    full_end: Day | None
    start: Day
    end: Day
    amount_minor: int
    due: Day  # the first issue date on which it is due
    explanation: Explanation


def entitle(
    timeline: Timeline,
    catalog: Catalog,
    book: PolicyBook,
    *,
    until: Day,
    since: Day | None = None,
    horizons: Mapping[tuple[str, str], Day] | None = None,
) -> tuple[Entitled, ...]:
    """Return every span of the full periods that begin on or before `until`, and the one-time amounts till then.

    Full periods that ended on or before `since` are left out. `horizons` moves `until` for a (product, price), so that
    what was invoiced can be compared with what is entitled though not yet due. Unknown customers and products
    are charged nothing (see `not_ratable`).
    """
    raise NotImplementedError
