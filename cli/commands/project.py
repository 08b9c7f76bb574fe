"""`billing project`: keep the read models up to date with the ledger."""

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import Settings, read_settings
from cli.streams import stop_on_signals

if TYPE_CHECKING:
    from projections.runner import Position
    from projections.session import Connect

app = typer.Typer()
log = logging.getLogger(__name__)


@app.command()
def project(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop when every ledger is read to its end.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only show how far the read models are, and what is parked.")
    ] = False,
    retry: Annotated[
        str | None,
        typer.Option(metavar="SUBJECT", help="Take a parked subject back (service/ID, customer/ID, …)."),
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold new facts into the read models as they come, until stopped by SIGTERM or Ctrl-C."""
    import psycopg

    from projections.runner import Runner

    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    if not (once or status or retry):
        _follow(settings, connect)
    with connect() as connection:
        runner = Runner(connection)
        runner.prepare()
        if retry is not None:
            _retry(runner, connection, tenant, retry)
        elif once:
            runner.catch_up_all()
        _print(runner.positions(), runner, as_json=as_json)


def _follow(settings: Settings, connect: "Connect") -> None:
    """Project until we are stopped, with logs and, if wanted, metrics."""
    from prometheus_client import CollectorRegistry

    from cli.logs import logged
    from cli.monitoring.heartbeat import Heartbeat
    from cli.monitoring.patience import PatientConnect
    from cli.monitoring.projecting import ProjectedReport, ProjectionStanding
    from cli.monitoring.server import watched
    from projections.runner import follow

    stop, registry, life = stop_on_signals(), CollectorRegistry(), Heartbeat()
    registry.register(ProjectionStanding(connect, settings.clock))
    report = ProjectedReport(registry, connect)
    with logged(settings, command="project"), watched(settings, registry, life.seconds_since):
        log.info("project.started")
        follow(PatientConnect(connect, stop, beat=life.beat), stop, report=report, beat=life.beat)
        log.info("project.stopped")
    report.close()


def _retry(runner: Any, connection: Any, tenant: str | None, subject: str) -> None:
    from cli.faults import WrongUseError
    from cli.tenants import tenant_of

    if not runner.retry(tenant_of(connection, tenant), subject):
        message = f"--retry: {subject!r} is not parked; see: billing project --status"
        raise WrongUseError(message)


def _print(positions: "list[Position]", runner: Any, *, as_json: bool) -> None:
    parked = {position.tenant_id: runner.parked(position.tenant_id) for position in positions}
    if as_json:
        print_json(
            [
                {
                    "tenant_id": position.tenant_id,
                    "seq": position.seq,
                    "behind": position.behind,
                    "queued": position.queued,
                    "parked": [
                        {"subject": item.subject, "customer_ids": item.customer_ids, "reason": item.reason}
                        for item in parked[position.tenant_id]
                    ],
                }
                for position in positions
            ]
        )
        return
    columns = [
        Column("tenant"),
        Column("position", "right"),
        Column("facts behind", "right"),
        Column("services queued", "right"),
        Column("parked", "right"),
    ]
    rows = [(p.tenant_id, p.seq, p.behind, p.queued, p.parked) for p in positions]
    print_table("Read models", columns, rows)
    for items in parked.values():
        for item in items:
            print_text(f"parked: {item.subject}: {item.reason}")
