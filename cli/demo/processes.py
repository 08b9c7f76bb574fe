"""The `billing` processes that the demo starts: each in a session of its own, stopped whatever happens."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cli.demo.errors import ChildDiedError
from cli.farewell import held_back

STOP_TIMEOUT_SECONDS: Final = 10.0
TAIL_LINES: Final = 5


class Child:
    """One `billing` command that runs beside us; what it prints goes to a log file."""

    def __init__(
        self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*_dying_with_us(), sys.executable, "-m", "cli", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end it in order
            )

    def check(self) -> None:
        """Raise ChildDiedError with the end of its log if it is not running any more."""
        code = self._process.poll()
        if code is not None:
            raise ChildDiedError(f"`{self.name}` ended with exit code {code}; its last words:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:]) or "(nothing)"

    def stop(self) -> int:
        """End it, kindly at first, and return its exit code; nothing of its process group stays."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal_number)
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(STOP_TIMEOUT_SECONDS)
                break
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return code


@contextmanager
def running(name: str, *arguments: str, environment: Mapping[str, str], log: Path) -> Iterator[Child]:
    """Run `billing ARGUMENTS` while the block lasts."""
    child: Child | None = None
    try:
        with held_back():
            child = Child(name, arguments, environment, log)
        yield child
    finally:
        if child is not None:
            child.stop()


def _dying_with_us() -> list[str]:
    """Return the words before a command that end it when we are killed with no time to do it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig=TERM"] if setpriv else []
