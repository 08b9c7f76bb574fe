"""What is going on, while it goes on: a line for each act when it is over, a spinner or a bar until then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.demo.conductor import Lived
from cli.demo.times import LAST_DAY, OPENING_DAY

ONE_DAY: Final = timedelta(days=1)
DAYS: Final = (LAST_DAY - OPENING_DAY).days + 1


@dataclass(slots=True)
class Act:
    """One act under way; `outcome` is what its line will say."""

    progress: Progress
    task: TaskID
    outcome: str = ""

    def advance(self, done: int, what: str | None = None) -> None:
        """Show that `done` pieces are done, and `what` is being done now."""
        self.progress.update(self.task, completed=done, description=what)


@contextmanager
def act(terminal: Console, title: str, *, total: int | None = None) -> Iterator[Act]:
    """Show a bar while the block lasts, where there is somebody to look at it, and then a line."""
    began = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<16}"),
        *(() if total is None else (BarColumn(),)),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        under_way = Act(progress, progress.add_task(title, total=total))
        yield under_way
    if under_way.outcome:
        line(terminal, title, under_way.outcome, time.monotonic() - began)


class Months:
    """Told of each day, it moves the bar; at the end of a month it calls `on_month` and prints a line."""

    def __init__(self, terminal: Console, under_way: Act, on_month: Callable[[], None]) -> None:
        self._on_month = on_month
        self._terminal = terminal
        self._act = under_way
        self._lived_days = self._sent = self._documents = 0
        self._began = time.monotonic()

    def __call__(self, today: date, lived: Lived) -> None:
        """Show that `today` is over."""
        self._lived_days += 1
        self._act.advance(self._lived_days, f"{today.day} {today:%B %Y}")
        if (today + ONE_DAY).month != today.month:
            self._on_month()
            messages, documents = lived.sent - self._sent, lived.documents - self._documents
            outcome = f"{messages:>4} messages  {documents:>4} documents"
            line(self._terminal, f"{today:%B %Y}", outcome, time.monotonic() - self._began)
            self._sent, self._documents, self._began = lived.sent, lived.documents, time.monotonic()


def line(terminal: Console, title: str, outcome: str, seconds: float) -> None:
    """Print what came of an act, and how long it took."""
    row = Table.grid(padding=(0, 2))
    row.add_column(width=16)
    row.add_column(width=40)
    row.add_column(justify="right", width=8)
    row.add_row(Text(f"  {title}", style="bold"), outcome, Text(f"{seconds:.1f} s", style="dim"))
    terminal.print(row)
