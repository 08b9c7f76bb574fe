"""The ledger's clock as a setting: the system's, or a file that a demo or a test moves."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cli.faults import WrongUseError

Clock = Callable[[], datetime]
FILE_PREFIX: Final = "file:"


def clock_from(setting: str) -> Clock:
    """Return the clock that BILLING_CLOCK names: `system`, or `file:PATH`.

    The file holds one RFC 3339 instant with an offset and is read again at each call; `move` replaces it in
    one step. Raises WrongUseError for any other setting.
    """
    if setting == "system":
        return _system
    if setting.startswith(FILE_PREFIX) and len(setting) > len(FILE_PREFIX):
        path = Path(setting.removeprefix(FILE_PREFIX))
        return partial(read_instant, path)  # a lambda could not go along to worker processes
    message = f"BILLING_CLOCK: {setting!r} is no clock; give 'system' or 'file:PATH'"
    raise WrongUseError(message)


def read_instant(path: Path) -> datetime:
    """Return the instant that `path` holds, in UTC."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        message = f"BILLING_CLOCK: file {str(path)!r}: {reason}; write an RFC 3339 instant into it"
        raise WrongUseError(message) from error
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        message = f"BILLING_CLOCK: file {str(path)!r} holds {text!r}; write 2026-07-02T06:00:00Z or the like"
        raise WrongUseError(message)
    return instant.astimezone(UTC)


def move(path: Path, instant: datetime) -> None:
    """Set a clock file to `instant`, in one step for whoever reads it."""
    assert instant.tzinfo is not None, instant
    beside = path.with_name(path.name + ".next")
    beside.write_text(instant.astimezone(UTC).isoformat() + "\n", encoding="utf-8")
    beside.replace(path)


def _system() -> datetime:
    return datetime.now(UTC)
