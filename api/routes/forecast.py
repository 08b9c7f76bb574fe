"""Forecast: what will be invoiced in the months to come, if nothing more is heard."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access import READERS, GuardedRoute, Viewing, door
from api.fields import Currency, Money, QueryId
from billing.money import format_minor
from projections.forecast import MONTHS, MOST_MONTHS, Asking, Class, ForecastTotal, read

router = APIRouter(route_class=GuardedRoute, tags=["forecast"])

Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$", examples=["2026-08"])]


class ForecastMonth(BaseModel):
    """What falls in a month, in one currency, by why it does."""

    month: Month
    currency: Currency
    group: str | None = Field(description="The product or service type, where one was asked for.")
    net: Money = Field(description="What the invoices come to; `planned` is no part of it.")
    running: Money = Field(description="Of services that run on.")
    scheduled: Money = Field(description="Of activations that are heard and to come.")
    ending: Money = Field(description="Of services whose end is known.")
    one_time: Money
    corrections: Money = Field(description="What was due by the last run, and differs from what it issued.")
    planned: Money = Field(description="Of services that are only scheduled.")


class Forecast(BaseModel):
    """The months from this one on; currencies are never added up."""

    computed_at_seq: int
    today: date
    by: Literal["issue", "service"]
    first_month: Month
    last_month: Month
    pending_services: int = Field(description="Still in it as they were before their last event.")
    parked_customers: int = Field(
        description="Whose facts break a projection: left out, for they are not billed meanwhile."
    )
    months: list[ForecastMonth]


@router.get(
    "/forecast",
    operation_id="get_forecast",
    summary="Forecast",
    **door(*READERS, errors=("customer_unknown",)),
)
def get_forecast(
    view: Viewing,
    *,
    months: Annotated[int, Query(ge=0, le=MOST_MONTHS, description="How many after this one.")] = MONTHS,
    by: Annotated[
        Literal["issue", "service"], Query(description="Month of the invoice, or of the service charged.")
    ] = "issue",
    per: Annotated[
        Literal["product", "service_type"] | None, Query(description="A row for each of these; else totals.")
    ] = None,
    customer_id: QueryId = None,
    product_id: QueryId = None,
    service_type: QueryId = None,
) -> Forecast:
    """Say what will be invoiced, month by month: to the cent what the invoices will be, but for plans."""
    asking = Asking(months, by, customer_id, product_id, service_type)
    found = read(view.cursor, view.tenant_id, asking, clock=view.clock)
    totals = {
        None: found.totals,
        "product": found.by_product,
        "service_type": found.by_service_type,
    }[per]()
    return Forecast(
        computed_at_seq=found.computed_at_seq,
        today=found.today,
        by=by,
        first_month=_month(found.first_month),
        last_month=_month(found.last_month),
        pending_services=found.pending,
        parked_customers=found.parked_customers,
        months=list(_shown(totals)),
    )


def _shown(totals: Iterable[ForecastTotal]) -> Iterable[ForecastMonth]:
    for total in totals:

        def amount(kind: Class, total: ForecastTotal = total) -> str:
            return format_minor(total.amounts[kind], total.currency)

        yield ForecastMonth(
            month=_month(total.month),
            currency=total.currency,
            group=total.group,
            net=format_minor(total.net_minor, total.currency),
            running=amount("running"),
            scheduled=amount("scheduled"),
            ending=amount("ending"),
            one_time=amount("one_time"),
            corrections=amount("corrections"),
            planned=amount("planned"),
        )


def _month(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"
