"""The whole demo: set the stage, live through the half year, close, write everything down, report."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import Connection
from rich.console import Console

from cli.demo import gathering, papers
from cli.demo.acts import DAYS, Months, act
from cli.demo.closing import Closing, close, write_runs
from cli.demo.conductor import Lived, live
from cli.demo.press import Press
from cli.demo.stage import Stage, stage
from cli.demo.summary import Summary
from cli.demo.times import FIRST_DAY, LAST_DAY
from cli.demo.world import PROVIDERS, build
from cli.embedded.broker import Preference
from cli.farewell import orderly_farewell
from cli.faults import WrongUseError
from documents.view import InvoiceView

TENANTS: Final = tuple(provider.tenant_id for provider in PROVIDERS)


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


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    summary: Summary
    views: tuple[InvoiceView, ...]
    lines: int
    closing: Closing


class Issued:
    """The documents issued so far, as they are shown; each goes to the press as soon as it is found."""

    def __init__(self, connection: Connection[Any], press: Press) -> None:
        self._connection = connection
        self._press = press
        self.views: list[InvoiceView] = []

    def collect(self) -> None:
        """Find what was issued since the last time."""
        for tenant_id in TENANTS:
            known = {view.number for view in self.views if view.tenant_id == tenant_id}
            found = gathering.views(self._connection, tenant_id, known)
            self.views += found
            self._press.give(found)


def play(wishes: Wishes, terminal: Console) -> Played:
    """Run the demo and return what came of it; its check failed where `closing` has differences.

    Raises WrongUseError, and what the parts raise; no process is left behind.
    """
    papers.prepare(wishes.out)
    with orderly_farewell(), _folder(wishes.keep) as folder, ExitStack() as standing:
        began = time.monotonic()
        press = standing.enter_context(Press(wishes.out / papers.INVOICES))
        with act(terminal, "Servers") as starting:
            parts = standing.enter_context(stage(folder, prefer=wishes.prefer))
            starting.outcome = f"PostgreSQL, {parts.broker}"
        with parts.connect() as connection:
            issued = Issued(connection, press)
            with act(terminal, "Half a year", total=DAYS) as living:
                lived = live(build(), parts, Months(terminal, living, issued.collect))
            write_runs(lived.runs, folder)
            with act(terminal, "Papers", total=lived.documents) as writing:
                lines = papers.write_csv(wishes.out, issued.views)
                for written in press.finish():
                    writing.advance(written)
                writing.outcome = f"{press.written:>4} PDFs  {lines:>8} lines"
            with act(terminal, "Closing") as checking:
                closing = close(connection, lived.runs, withheld=wishes.withheld)
                summary = _summary(connection, parts, lived, issued.views, closing, began)
                checking.outcome = f"{closing.charges:>4} sums  {len(closing.differences):>8} differences"
    papers.write_summary(wishes.out, summary.as_json())
    return Played(summary, tuple(issued.views), lines, closing)


def _summary(
    connection: Connection[Any],
    parts: Stage,
    lived: Lived,
    views: Sequence[InvoiceView],
    closing: Closing,
    began: float,
) -> Summary:
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
            for tenant_id in TENANTS
            for document in gathering.previewed(parts, connection, tenant_id)
        ),
        oddities=tuple(odd for tenant_id in TENANTS for odd in gathering.oddities(connection, tenant_id)),
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
