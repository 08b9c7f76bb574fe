"""`billing policies`: enter a policy, or a customer's prices, after a look at what it would move."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from billing.policies import POLICY_KEYS
from cli.changing import DryRunOption, IdOption, SupersedesOption, YesOption, change, superseding
from cli.faults import WrongUseError
from cli.options import CustomerOption, JsonOption, TenantOption, parse_date

if TYPE_CHECKING:
    from psycopg import Cursor

app = typer.Typer(help="Enter a policy of the tenant, or a policy or prices of a customer.")
PRICE: Final = "price:"
NULL: Final = "null"


@app.callback()
def policies() -> None:
    """Enter a policy of the tenant, or a policy or prices of a customer."""


@app.command("set")
def set_(  # noqa: PLR0913 - each is a member of the event, or how it is entered
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="billing_day=15, proration=fixed_30 … or, of a customer, price:PRODUCT/PRICE=27.50; "
            "null goes back to the tenant's value or the catalog's price.",
        ),
    ],
    *,
    effective: Annotated[str, typer.Option("--effective", metavar="YYYY-MM-DD", help="From when it counts.")],
    customer: CustomerOption = None,
    supersedes: SupersedesOption = None,
    event_id: IdOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which invoices a policy would move, ask, and enter it; without --customer it is the tenant's.

    Exits with 2, and enters nothing, where it moves something and there is nobody to ask.
    """
    data = {"effective": parse_date(effective, "--effective").isoformat(), **superseding(supersedes)}
    for value in values:
        _take(value, data, of_customer=customer is not None)

    def build(cursor: "Cursor[Any]", tenant_id: str) -> dict[str, Any]:
        from projections.impact import check_customer, tenant_constants

        if customer is None:
            constants = tenant_constants(cursor, tenant_id)
            return {"type": "tenant.configured", "data": {**constants, **data}}
        check_customer(cursor, tenant_id, customer)
        return {"type": "customer.changed", "subject": customer, "data": {"customer_id": customer, **data}}

    change(build, tenant=tenant, event_id=event_id, is_sure=yes, dry_run=dry_run, as_json=as_json)


def _take(text: str, data: dict[str, Any], *, of_customer: bool) -> None:
    """Add what NAME=VALUE says to the event's data. Raises WrongUseError for what can't be meant."""
    name, mark, value = text.partition("=")
    if not mark:
        raise WrongUseError(f"{text!r} is no value; write NAME=VALUE, for example billing_day=15")
    if name.startswith(PRICE):
        product_id, slash, price_id = name.removeprefix(PRICE).partition("/")
        if not of_customer or not slash:
            raise WrongUseError(f"{text!r}: write price:PRODUCT/PRICE=AMOUNT, and name the --customer")
        amounts = data.setdefault("price_overrides", {}).setdefault(product_id, {})
        amounts[price_id] = None if value == NULL else value
    elif name not in POLICY_KEYS:
        raise WrongUseError(f"{name!r} is no policy; there are {', '.join(POLICY_KEYS)}")
    elif value == NULL:
        data[name] = None
    else:
        data[name] = int(value) if name == "billing_day" and value.isdecimal() else value
