"""The whole demo: set the stage, live through the half year, close, write everything down, report."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cli.demo import gathering, papers
from cli.demo.closing import Closing, close, write_runs
from cli.demo.conductor import Lived, live
from cli.demo.months import Months
from cli.demo.processes import orderly_farewell
from cli.demo.stage import Stage, stage
from cli.demo.summary import Summary
from cli.demo.terminal import opening, show, show_case, show_check, show_files
from cli.demo.times import FIRST_DAY, LAST_DAY
from cli.demo.world import PROVIDERS, build
from cli.embedded.broker import Preference
from cli.faults import WrongUseError
from documents.view import InvoiceView


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the demo is to be run.

    The papers go to `out`; the servers' data to the empty folder `keep`, or nowhere. `withheld`, as
    TENANT/EVENT_ID, is a fact that the closing calculation is not told of.
    """

    out: Path
    keep: Path | None
    prefer: Preference
    withheld: str | None


def play(wishes: Wishes, terminal: Console) -> Summary:
    """Run the demo and return what happened; its check failed where the summary has differences.

    Raises WrongUseError, and what the parts raise; no process is left behind.
    """
    papers.prepare(wishes.out)
    with orderly_farewell(), _folder(wishes.keep) as folder:
        began = time.monotonic()
        opening(terminal)
        with stage(folder, prefer=wishes.prefer) as parts:
            with Months(terminal) as months:
                lived = live(build(), parts, months)
            write_runs(lived.runs, folder)
            with parts.connect() as connection:
                views = [
                    view for tenant in PROVIDERS for view in gathering.views(connection, tenant.tenant_id)
                ]
                lines = _papers(wishes.out, views, terminal)
                closing = close(connection, lived.runs, withheld=wishes.withheld)
                summary = _summary(connection, parts, lived, views, closing, began)
        papers.write_summary(wishes.out, summary.as_json())
        show(summary, terminal)
        show_case(views, terminal)
        show_check(closing, terminal)
        show_files(wishes.out, len(views), lines, terminal)
    return summary


def _papers(out: Path, views: list[InvoiceView], terminal: Console) -> int:
    columns = (TextColumn("  {task.description:<14}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
        task = shown.add_task("invoices", total=len(views))
        return papers.write(out, views, lambda written: shown.update(task, completed=written))


def _summary(
    connection: Connection[Any],
    parts: Stage,
    lived: Lived,
    views: list[InvoiceView],
    closing: Closing,
    began: float,
) -> Summary:
    tenant_ids = [provider.tenant_id for provider in PROVIDERS]
    return Summary(
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
        seconds=round(time.monotonic() - began, 1),
        broker=parts.broker,
        messages=lived.sent,
        lifecycle_events=gathering.lifecycle_events(connection),
        sources=gathering.sources(connection),
        documents=tuple(gathering.issued(view) for view in views),
        preview=tuple(
            document
            for tenant_id in tenant_ids
            for document in gathering.previewed(parts, connection, tenant_id)
        ),
        oddities=tuple(odd for tenant_id in tenant_ids for odd in gathering.oddities(connection, tenant_id)),
        dead_letters=gathering.dead_letters(connection),
        ledgers=gathering.ledgers(parts.connect),
        charges_checked=closing.charges,
        differences=closing.differences,
    )


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="billing-demo-") as name:
            yield Path(name)
        return
    if keep.exists() and any(keep.iterdir()):
        raise WrongUseError(
            f"--keep: {keep} is not empty; name a new folder, each demo starts from an empty world"
        )
    keep.mkdir(parents=True, exist_ok=True)
    yield keep
