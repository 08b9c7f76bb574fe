"""`billing preview`: the next invoices, without issuing them."""

from functools import partial
from typing import TYPE_CHECKING

import typer

from billing.money import format_minor
from cli.faults import ExitCode
from cli.options import CustomerOption, JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from projections.preview import Preview, PreviewedInvoice

app = typer.Typer()


@app.command()
def preview(
    *, customer: CustomerOption = None, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """Show what each customer's next invoice will carry if nothing more is heard."""
    import psycopg

    from cli.tenants import tenant_of
    from projections.preview import preview as compute

    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    with connect() as connection:
        tenant_id = tenant_of(connection, tenant)
    found = compute(connect, tenant_id, clock=settings.clock, customer_id=customer)
    if as_json:
        print_json(_data(found))
    else:
        _print(found)
    if found.set_aside:
        raise typer.Exit(ExitCode.FAILED)


def _data(found: "Preview") -> dict[str, object]:
    return {
        "tenant_id": found.tenant_id,
        "computed_at_seq": found.computed_at_seq,
        "invoices": [invoice_data(item) for item in found.invoices],
        "set_aside": [{"customer_id": name, "reason": reason} for name, reason in found.set_aside.items()],
    }


def invoice_data(item: "PreviewedInvoice") -> dict[str, object]:
    """Return a draft as JSON data."""
    return {
        "customer_id": item.customer_id,
        "due_for": item.due_for,
        "currency": item.currency,
        "net": format_minor(item.net_minor, item.currency),
        **({} if item.settlement is None else item.settlement.as_data(item.currency)),
        "lines": [line.as_data(item.currency) for line in item.lines],
        "planned": [
            {
                "service_id": charge.service_id,
                "product_id": charge.product_id,
                "price_id": charge.price_id,
                "period_start": charge.period_start,
                "period_end": charge.period_end,
                "amount": format_minor(charge.amount_minor, charge.currency),
            }
            for charge in item.planned
        ],
    }


def _print(found: "Preview") -> None:
    columns = [
        Column("due for"),
        Column("customer"),
        Column("currency"),
        Column("lines", "right"),
        Column("net", "right"),
        Column("amount due", "right"),
        Column("planned", "right"),
    ]
    rows = [
        (
            item.due_for,
            item.customer_id,
            item.currency,
            len(item.lines),
            format_minor(item.net_minor, item.currency),
            "" if item.settlement is None else format_minor(item.settlement.amount_due, item.currency),
            _planned(item),
        )
        for item in found.invoices
    ]
    print_table(
        f"Next invoices of {found.tenant_id}, with facts up to {found.computed_at_seq}", columns, rows
    )
    for name, reason in found.set_aside.items():
        print_text(f"can't be told: {name}: {reason}")


def _planned(item: "PreviewedInvoice") -> str:
    if not item.planned:
        return ""
    return format_minor(sum(charge.amount_minor for charge in item.planned), item.currency)
