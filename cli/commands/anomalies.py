"""`billing anomalies`: facts that can't be rated or make no sense yet."""

import typer

from cli.options import JsonOption, TenantOption
from cli.output import Column, print_json, print_table
from cli.settings import read_settings

app = typer.Typer()


@app.command()
def anomalies(*, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List what has no effect on amounts until later facts make sense of it."""
    import psycopg

    from cli.tenants import tenant_of
    from projections.anomalies import anomalies as find
    from projections.session import reading

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        tenant_id = tenant_of(connection, tenant)
        with reading(connection, tenant_id) as cursor:
            found = find(cursor, tenant_id)
    if as_json:
        print_json(
            [
                {
                    "subject": row.subject,
                    "code": row.code,
                    "source": row.source,
                    "event_id": row.event_id,
                    "detail": row.detail,
                }
                for row in found
            ]
        )
        return
    columns = [Column("about"), Column("code"), Column("event"), Column("detail")]
    print_table(
        f"Anomalies of {tenant_id}",
        columns,
        [(row.subject, row.code, f"{row.source} {row.event_id}", row.detail) for row in found],
    )
