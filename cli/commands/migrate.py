"""`billing migrate`: create or update the ledger's own tables."""

import typer

from cli.options import JsonOption
from cli.output import print_json, print_text
from cli.settings import read_settings

app = typer.Typer()


@app.command()
def migrate(*, as_json: JsonOption = False) -> None:
    """Apply the missing migrations to the database of DATABASE_URL, as the owner of its tables."""
    import psycopg

    from ledger.migrate import migrate as apply_missing

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        applied = apply_missing(connection)
    if as_json:
        print_json({"applied": applied})
    elif applied:
        print_text("\n".join(f"applied {name}" for name in applied))
    else:
        print_text("nothing to apply: the ledger's tables are up to date")
