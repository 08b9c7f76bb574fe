"""`billing import`: append events from a file, one structured CloudEvent a line."""

from pathlib import Path
from typing import Annotated

import typer

from cli.faults import ExitCode
from cli.options import JsonOption
from cli.output import Column, print_json, print_table, print_text, progress
from cli.settings import read_settings

app = typer.Typer()


@app.command()
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One CloudEvent in JSON on each line.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Append the events of FILE. Importing it again, whole or half done, books nothing twice.

    Lines that are no events become dead letters, as from Kafka; then the exit code is 1.
    """
    from consumers.database import connecting
    from consumers.files import import_file
    from consumers.sink import Sink

    settings = read_settings()
    sink = Sink(
        connecting(settings.database(), name="billing import"),
        group=settings.consumer_group,
        clock=settings.clock,
    )
    try:
        with progress(f"importing {file.name}", total=file.stat().st_size) as bar:
            done = import_file(file, sink, tenant_sources=settings.allowed_tenant_sources(), progress=bar)
    finally:
        sink.close()
    if as_json:
        refused = [
            {"origin": one.origin, "reason": str(one.unreadable.reason), "detail": one.unreadable.detail}
            for one in done.refused
        ]
        counts = done.counts.as_data()
        print_json(
            {
                "file": str(file),
                "source": done.topic,
                "first_line": done.first_line,
                **counts,
                "refused": refused,
            }
        )
    else:
        if done.refused:
            print_table(
                "Refused lines; see billing dead-letters",
                [Column("line", "right"), Column("reason"), Column("detail")],
                [
                    (one.origin.rpartition("/")[2], one.unreadable.reason, one.unreadable.detail)
                    for one in done.refused
                ],
            )
        if done.first_line > 1:
            print_text(f"lines before {done.first_line} were imported earlier")
        print_text(done.counts.as_text())
    if done.refused:
        raise typer.Exit(ExitCode.FAILED.value)
