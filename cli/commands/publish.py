"""`billing publish`: send events from a file to Kafka; every line is checked before the first one is sent."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.faults import ExitCode
from cli.options import JsonOption
from cli.output import Column, print_json, print_table, print_text, progress
from cli.settings import read_settings
from cli.streams import client_id, kafka_config

app = typer.Typer()


@app.command()
def publish(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="One CloudEvent in JSON on each line; - reads stdin.")
    ],
    *,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Send every line as it is, also what is no event.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send the events of FILE to BILLING_TOPIC, keyed by tenant and service.

    Where a line is no event nothing is sent, every such line is listed, and the exit code is 1.
    """
    from consumers.publish import publish as send
    from consumers.publish import read_messages

    settings = read_settings()
    config = kafka_config(settings)
    if str(file) == "-":
        messages, problems = read_messages(sys.stdin.buffer, is_checked=not unchecked)
    else:
        with file.open("rb") as lines:
            messages, problems = read_messages(lines, is_checked=not unchecked)
    sent = 0
    if not problems:
        with progress(f"publishing to {settings.topic}", total=len(messages)) as bar:
            sent = send(messages, config, topic=settings.topic, client_id=client_id(), progress=bar)
    if as_json:
        listed = [{"line": one.line, "reason": one.reason, "detail": one.detail} for one in problems]
        print_json({"topic": settings.topic, "sent": sent, "refused": listed})
    elif problems:
        print_table(
            "Nothing was sent: these lines are no events",
            [Column("line", "right"), Column("reason"), Column("detail")],
            [(one.line, one.reason, one.detail) for one in problems],
        )
    else:
        print_text(f"sent {sent} events to {settings.topic}")
    if problems:
        raise typer.Exit(ExitCode.FAILED.value)
