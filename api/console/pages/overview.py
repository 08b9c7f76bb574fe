"""The overview: what was issued, what will be, and what needs somebody's eye."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fastapi import APIRouter, Request, Response

from api.access import View, Viewing
from api.console.bars import Bars, bars, months_between, next_month
from api.console.doors import PageRoute, page_door
from api.console.rendering import page
from api.lists import page_of
from api.routes.anomalies import ANOMALIES
from api.routes.bill_runs import COMPLETED
from api.routes.dead_letters import DEAD_LETTERS
from api.routes.forecast import ForecastMonth, get_forecast
from api.routes.invoice_totals import get_invoice_months
from consumers.dead_letters import OPEN_STATES

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SHOWN: Final = 5
"""So many of what needs an eye are named; the rest is a page away."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One currency: this month and the next, and the bars from a year back to a year ahead."""

    issued: Decimal
    to_come: ForecastMonth | None
    following: ForecastMonth | None
    bars: Bars

    @property
    def this_month(self) -> Decimal:
        """What was issued this month, and what will be."""
        return self.issued + (Decimal(self.to_come.net) if self.to_come else 0)


@router.get("", **page_door())
def overview(request: Request, view: Viewing) -> Response:
    """Show this month and the next, the forecast, and what is open."""
    today = view.today()
    runs = page_of(COMPLETED, view, sort="-seq", filters={}, cursor=None, limit=1)
    open_ = {"states": list(OPEN_STATES)}
    letters = page_of(DEAD_LETTERS, view, sort="-id", filters=open_, cursor=None, limit=SHOWN)
    anomalies = page_of(ANOMALIES, view, sort="subject", filters={}, cursor=None, limit=SHOWN)
    forecast = get_forecast(view)
    return page(
        request,
        "overview.html",
        place="Overview",
        today=today,
        now=f"{today:%Y-%m}",
        outlooks=list(_outlooks(view, forecast.months, f"{today:%Y-%m}")),
        forecast=forecast,
        run=next(iter(runs.items), None),
        letters=letters,
        anomalies=anomalies,
    )


def _outlooks(view: View, ahead: list[ForecastMonth], now: str) -> Iterator[Outlook]:
    issued: dict[str, dict[str, Decimal]] = {}
    back = get_invoice_months(view, first=_a_year_before(now), last=now)
    for one in back.months:
        months = issued.setdefault(one.currency, {})
        months[one.month] = months.get(one.month, Decimal(0)) + Decimal(one.net)
    for currency in sorted(set(issued) | {one.currency for one in ahead}):
        known = issued.get(currency, {})
        coming = {one.month: one for one in ahead if one.currency == currency}
        span = months_between(back.first, max([now, *coming]))
        yield Outlook(
            known.get(now, Decimal(0)),
            coming.get(now),
            coming.get(next_month(now)),
            bars(currency, span, issued=known, ahead=coming, now=now),
        )


def _a_year_before(month: str) -> str:
    return f"{max(int(month[:4]) - 1, 1):04}{month[4:]}"
