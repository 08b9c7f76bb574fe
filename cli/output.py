"""What commands print: JSON for scripts, tables for people, progress on stderr."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


PIPE_WIDTH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; amounts and counts stand right."""

    title: str
    align: Literal["left", "right"] = "left"


def print_json(data: object) -> None:
    """Print one JSON document on one line of stdout; dates as ISO text, exact decimals as strings."""
    import orjson

    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    sys.stdout.write(orjson.dumps(data, default=_plain, option=options).decode())
    sys.stdout.flush()


def print_text(text: str = "") -> None:
    """Print lines for a person, as they are."""
    sys.stdout.write(text + "\n")


def print_table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for a person; a pipe gets each row on one line, without colours."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    for column in columns:
        table.add_column(escape(column.title), justify=column.align, overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    terminal = console()
    if terminal.is_terminal:
        terminal.print(table)
    else:
        with terminal.capture() as captured:
            terminal.print(table)
        print_text("\n".join(line.rstrip() for line in captured.get().splitlines()))


def console(*, stderr: bool = False) -> "Console":
    """Return the terminal, or a page as wide as it takes where the output is a pipe or a file."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)


class Bar:
    """A progress bar that a use case moves; silent where stderr is no terminal."""

    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress = progress
        self._task = task

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say that `done` of `total` pieces are finished."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress(description: str, *, total: int | None = None) -> Iterator[Bar]:
    """Show a progress bar on stderr while the block runs, if there is somebody to look at it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
        yield Bar(shown, shown.add_task(description, total=total))


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
