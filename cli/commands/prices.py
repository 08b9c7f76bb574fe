"""`billing prices`: enter a new amount of a price, after a look at what it would move."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.changing import DryRunOption, IdOption, SupersedesOption, YesOption, change, superseding
from cli.options import JsonOption, TenantOption, parse_date

if TYPE_CHECKING:
    from psycopg import Cursor

app = typer.Typer(help="Enter a new amount of a price.")


@app.callback()
def prices() -> None:
    """Enter a new amount of a price."""


@app.command("set")
def set_(  # noqa: PLR0913 - each is a member of the event, or how it is entered
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    price: Annotated[str, typer.Argument(metavar="PRICE", help="The price's id.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="The new unit amount, such as 33.00.")],
    *,
    effective: Annotated[str, typer.Option("--effective", metavar="YYYY-MM-DD", help="From when it counts.")],
    applies: Annotated[
        str,
        typer.Option(
            "--applies",
            metavar="HOW",
            help="How it reaches running services: immediately, next_period or new_services.",
        ),
    ],
    supersedes: SupersedesOption = None,
    event_id: IdOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which invoices a new amount would move, ask, and enter it.

    Exits with 2, and enters nothing, where it moves something and there is nobody to ask.
    """
    data = {
        "product_id": product,
        "price_id": price,
        "amount": amount,
        "effective": parse_date(effective, "--effective").isoformat(),
        "applies": applies,
        **superseding(supersedes),
    }

    def build(_cursor: "Cursor[Any]", _tenant_id: str) -> dict[str, Any]:
        return {"type": "price.published", "subject": product, "data": data}

    change(build, tenant=tenant, event_id=event_id, is_sure=yes, dry_run=dry_run, as_json=as_json)
