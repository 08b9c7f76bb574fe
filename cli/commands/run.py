"""`billing run`: issue every invoice that is due on a date."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from billing.money import format_minor
from cli.faults import ExitCode
from cli.options import CustomerOption, DateOption, JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from projections.billrun import RunReport

app = typer.Typer()


@app.command()
def run(
    *,
    date: DateOption,
    customer: CustomerOption = None,
    off_cycle: Annotated[
        bool, typer.Option("--off-cycle", help="Bill on the date itself, whatever the billing days are.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compute the same documents, issue none.")
    ] = False,
    tenant: TenantOption = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that compute and issue.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Issue what is due on each billing day up to the date that was not billed yet.

    Exits with 1 where customers had to be set aside; all others are billed.
    """
    import psycopg

    from cli.logs import logged
    from cli.monitoring.billing import RunWatch
    from cli.tenants import tenant_of
    from ledger.trace import new_trace, read_traceparent
    from projections.billrun import run as run_bills

    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    trace = read_traceparent(settings.traceparent) or new_trace()
    with logged(settings, command="run", trace=trace, in_foreground=True):
        with connect() as connection:
            tenant_id = tenant_of(connection, tenant)
        watch = RunWatch(tenant_id, date, dry_run=dry_run)
        with progress("billing") as bar:
            report = run_bills(
                connect,
                tenant_id,
                date,
                clock=settings.clock,
                customer_id=customer,
                off_cycle=off_cycle,
                dry_run=dry_run,
                progress=bar,
                workers=workers,
            )
        watch.done(report, settings.metrics_file if customer is None else None)
    if as_json:
        print_json(_data(report))
    else:
        _print(report)
    if report.set_aside:
        raise typer.Exit(ExitCode.FAILED)


def _data(report: "RunReport") -> dict[str, object]:
    from billing.days import iso

    return {
        "tenant_id": report.tenant_id,
        "date": report.issue_date,
        "dry_run": report.dry_run,
        "customers": report.customers,
        "computed_at_seq": report.computed_at_seq,
        "totals": [
            {
                "kind": total.kind,
                "currency": total.currency,
                "documents": total.documents,
                "lines": total.lines,
                "net": format_minor(total.net_minor, total.currency),
            }
            for total in report.totals
        ],
        "documents": [
            {
                "number": item.number,
                "kind": item.kind,
                "customer_id": item.customer_id,
                "due_for": iso(item.due_for),
                "currency": item.currency,
                "net": format_minor(item.net_minor, item.currency),
                "lines": item.line_count,
                "lines_root": item.lines_root,
            }
            for item in report.documents
        ],
        "set_aside": [
            {"customer_id": name, "reason": reason} for name, reason in sorted(report.set_aside.items())
        ],
    }


def _print(report: "RunReport") -> None:
    word = "would issue" if report.dry_run else "issued"
    print_text(
        f"{report.tenant_id} {report.issue_date}: {word} {len(report.documents)} documents "
        f"for {report.customers} customers due, with facts up to {report.computed_at_seq}"
    )
    if report.totals:
        columns = [
            Column("kind"),
            Column("currency"),
            Column("documents", "right"),
            Column("lines", "right"),
            Column("net", "right"),
        ]
        rows = [
            (t.kind, t.currency, t.documents, t.lines, format_minor(t.net_minor, t.currency))
            for t in report.totals
        ]
        print_table("Totals", columns, rows)
    for name, reason in sorted(report.set_aside.items()):
        print_text(f"set aside: {name}: {reason}")
