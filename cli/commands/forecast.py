"""`billing forecast`: what will be invoiced in the months to come."""

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from billing.money import format_minor
from cli.options import CustomerOption, JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projections.forecast import Forecast, ForecastTotal

app = typer.Typer()


class By(StrEnum):
    """What the months are those of."""

    ISSUE = "issue"
    SERVICE = "service"


class Per(StrEnum):
    """What the table has a row for, beside month and currency."""

    PRODUCT = "product"
    SERVICE_TYPE = "service-type"


@app.command()
def forecast(
    *,
    months: Annotated[int, typer.Option(min=0, max=120, help="How many months after this one.")] = 12,
    by: Annotated[By, typer.Option(help="Month of the invoice, or of the service charged.")] = By.ISSUE,
    per: Annotated[Per | None, typer.Option(help="A row for each of these; else totals.")] = None,
    customer: CustomerOption = None,
    product: Annotated[str | None, typer.Option(metavar="ID", help="One product only.")] = None,
    service_type: Annotated[str | None, typer.Option(metavar="TYPE", help="One service type only.")] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what will be invoiced, month by month, if nothing more is heard.

    Equal to the invoices that follow, to the cent, but for what is planned.
    """
    import psycopg

    from cli.tenants import tenant_of
    from projections.forecast import Asking
    from projections.forecast import forecast as compute

    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    with connect() as connection:
        tenant_id = tenant_of(connection, tenant)
    asking = Asking(months, by.value, customer, product, service_type)
    found = compute(connect, tenant_id, asking, clock=settings.clock)
    if as_json:
        print_json(_data(found))
    else:
        _print(found, per)


def _data(found: "Forecast") -> dict[str, object]:
    return {
        "tenant_id": found.tenant_id,
        "computed_at_seq": found.computed_at_seq,
        "today": found.today,
        "by": found.by,
        "first_month": _month(found.first_month),
        "last_month": _month(found.last_month),
        "pending_services": found.pending,
        "parked_customers": found.parked_customers,
        "totals": [_total_data(total, None) for total in found.totals()],
        "products": [_total_data(total, "product_id") for total in found.by_product()],
        "service_types": [_total_data(total, "service_type") for total in found.by_service_type()],
    }


def _total_data(total: "ForecastTotal", group: str | None) -> dict[str, object]:
    data: dict[str, object] = {"month": _month(total.month), "currency": total.currency}
    if group is not None:
        data[group] = total.group
    for kind, amount in total.amounts.items():
        data[kind] = format_minor(amount, total.currency)
    return {**data, "net": format_minor(total.net_minor, total.currency)}


def _month(first: object) -> str:
    return str(first)[: len("2026-07")]


def _print(found: "Forecast", per: Per | None) -> None:
    totals: Iterable[ForecastTotal] = found.totals()
    group: list[Column] = []
    if per is Per.PRODUCT:
        totals, group = found.by_product(), [Column("product")]
    elif per is Per.SERVICE_TYPE:
        totals, group = found.by_service_type(), [Column("service type")]
    columns = [
        Column("month"),
        *group,
        Column("currency"),
        *(
            Column(name, "right")
            for name in ("running", "scheduled", "ending", "one-time", "corrections", "net", "planned")
        ),
    ]
    rows = [
        (
            _month(total.month),
            *((total.group or "(none)",) if group else ()),
            total.currency,
            *(_amount(total.amounts[kind], total.currency) for kind in total.amounts if kind != "planned"),
            format_minor(total.net_minor, total.currency),
            _amount(total.amounts["planned"], total.currency),
        )
        for total in totals
    ]
    kind = "month of issue" if found.by == "issue" else "service month"
    print_table(
        f"Forecast of {found.tenant_id} by {kind}, with facts up to {found.computed_at_seq}", columns, rows
    )
    if found.pending:
        print_text(f"{found.pending:,} services wait to be computed anew; they are shown as they were before")
    if found.parked_customers:
        held_up = f"{found.parked_customers:,} customers are held up and left out"
        print_text(f"{held_up}; billing project --status says by what")


def _amount(amount_minor: int, currency: str) -> str:
    return format_minor(amount_minor, currency) if amount_minor else ""
