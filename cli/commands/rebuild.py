"""`billing rebuild`: build a read model anew from the facts."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption
from cli.output import print_json, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from projections.group import Applied

app = typer.Typer()


@app.command()
def rebuild(
    name: Annotated[
        str,
        typer.Argument(
            help="catalog, customers, policies, services, charges, invoices, accounts, adjustments, "
            "anomalies, rejections, forecast, all."
        ),
    ] = "all",
    *,
    workers: Annotated[int, typer.Option(min=1, help="Processes that fold.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Fill new tables beside the live ones, then let them take over in one transaction."""
    import psycopg

    from projections.rebuild import rebuild as rebuild_model

    connect = partial(psycopg.connect, read_settings().database(), autocommit=True)
    with (
        connect() as connection,
        progress("rebuilding") as bar,
    ):
        done = 0

        def report(_tenant_id: str, applied: "Applied") -> None:
            nonlocal done
            done += applied.facts + applied.services
            bar(done)

        rebuilt = rebuild_model(connection, name, report=report, workers=workers, connect=connect)
    if as_json:
        print_json({"rebuilt": rebuilt})
    else:
        print_text(f"rebuilt {', '.join(rebuilt)}")
