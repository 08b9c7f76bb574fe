"""The line that each month leaves at the terminal, and the bar above the day that is being lived."""

import time
from datetime import date, timedelta
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.demo.conductor import Lived
from cli.demo.times import LAST_DAY, OPENING_DAY

ONE_DAY: Final = timedelta(days=1)
DAYS: Final = (LAST_DAY - OPENING_DAY).days + 1


class Months:
    """Told of each day, it moves a bar where there is somebody to look at it, and prints a line a month."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal
        columns = (TextColumn("  {task.description:<14}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(
            *columns, console=terminal, transient=True, disable=not terminal.is_terminal
        )
        self._task = self._progress.add_task("", total=DAYS)
        self._sent = self._documents = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, today: date, lived: Lived) -> None:
        """Show that `today` is over."""
        self._progress.update(self._task, advance=1, description=f"{today.day} {today:%B %Y}")
        if (today + ONE_DAY).month != today.month:
            self._terminal.print(self._line(today, lived))
            self._sent, self._documents = lived.sent, lived.documents
            self._began = time.monotonic()

    def _line(self, today: date, lived: Lived) -> Table:
        line = Table.grid(padding=(0, 2))
        line.add_column(width=16)
        line.add_column(justify="right", width=13)
        line.add_column(justify="right", width=14)
        line.add_column(justify="right", width=7)
        line.add_row(
            Text(f"  {today:%B %Y}", style="bold"),
            f"{lived.sent - self._sent} messages",
            f"{lived.documents - self._documents} documents",
            Text(f"{time.monotonic() - self._began:.1f} s", style="dim"),
        )
        return line
