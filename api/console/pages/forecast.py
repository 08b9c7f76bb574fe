"""The forecast: what will be invoiced, month by month and by why; as a whole or product by product."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.access import Viewing
from api.console.bars import bars, months_between
from api.console.doors import PageRoute, page_door
from api.console.rendering import page
from api.fields import QueryId
from api.routes.forecast import get_forecast
from projections.forecast import CLASSES, MONTHS, MOST_MONTHS

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/forecast", **page_door())
def show_forecast(
    request: Request,
    view: Viewing,
    *,
    months: Annotated[int, Query(ge=1, le=MOST_MONTHS)] = MONTHS,
    by: Literal["issue", "service"] = "issue",
    per: Literal["product", "service_type"] | None = None,
    customer_id: QueryId = None,
    product_id: QueryId = None,
    service_type: QueryId = None,
) -> Response:
    """Show the months ahead; the questions are the API's."""
    asked = {"customer_id": customer_id, "product_id": product_id, "service_type": service_type}
    found = get_forecast(view, months=months, by=by, per=None, **asked)
    groups = [] if per is None else get_forecast(view, months=months, by=by, per=per, **asked).months
    now = found.first_month
    drawn = []
    for currency in sorted({one.currency for one in found.months}):
        ahead = {one.month: one for one in found.months if one.currency == currency}
        span = months_between(min(ahead), max(ahead))
        drawn.append(bars(currency, span, issued={}, ahead=ahead, now=now))
    return page(
        request,
        "forecast.html",
        place="Forecast",
        forecast=found,
        drawn=drawn,
        groups=groups,
        classes=CLASSES,
        asked={**asked, "months": months, "by": by, "per": per},
        narrowed=any(asked.values()) or per is not None or by != "issue" or months != MONTHS,
    )
