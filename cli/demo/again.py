"""A demo that was kept: its database, started again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg

from cli.demo.closing import RUNS_FILE
from cli.demo.stage import CLOCK_FILE, DATABASE, POSTGRES_FOLDER
from cli.embedded.postgres import postgres
from cli.farewell import orderly_farewell
from cli.faults import WrongUseError


@dataclass(frozen=True, slots=True)
class Kept:
    """The running database of a kept demo, and the day on which the demo ended."""

    database_url: str
    clock: Path

    def connect(self) -> psycopg.Connection[Any]:
        """Return a new connection, in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True)

    def settings(self) -> dict[str, str]:
        """Return the settings with which every `billing` command finds it."""
        return {"DATABASE_URL": self.database_url, "BILLING_CLOCK": f"file:{self.clock}"}


@contextmanager
def kept(folder: Path) -> Iterator[Kept]:
    """Run the database of a kept demo while the block lasts. Raises WrongUseError where there is none."""
    if not (folder / RUNS_FILE).is_file():
        raise WrongUseError(f"{folder} holds no demo; make one with: billing demo --keep {folder}")
    with orderly_farewell(), postgres(folder / POSTGRES_FOLDER) as server:
        yield Kept(server.url(DATABASE), (folder / CLOCK_FILE).absolute())


def wait() -> NoReturn:
    """Wait until a farewell: Ctrl-C, SIGTERM or SIGHUP leave through `orderly_farewell`."""
    while True:
        signal.pause()
