"""How what runs servers of its own is ended: by Ctrl-C or a signal, in order, and never unheard."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

FAREWELLS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def orderly_farewell() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP unwind the stack, so that everything started is stopped.

    What is raised inside a finalizer, a callback from C or a library's event loop may be dropped there: who
    asked to leave is then heard when the block ends, at the latest, also where it ends by a fault.
    """
    came: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise _farewell(number)

    before = {number: signal.signal(number, leave) for number in FAREWELLS}
    try:
        yield
    except Exception:
        if not came:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise _farewell(came[0])


@contextmanager
def held_back() -> Iterator[None]:
    """Let a farewell wait while the block lasts: what is half started would stay.

    Around kafka-python's event loop, too: it takes whatever is raised in it for a lost connection.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is handled there
        return
    came: list[tuple[int, FrameType | None]] = []
    before = {
        number: signal.signal(number, lambda *signalled: came.append(signalled)) for number in FAREWELLS
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for arrived, frame in came[:1]:
            restored = before[signal.Signals(arrived)]
            if callable(restored):
                restored(arrived, frame)


def _farewell(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
