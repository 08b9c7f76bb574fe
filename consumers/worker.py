"""One thread that does one piece of work at a time, so that the next batch is read while one is booked."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Worker:
    """Runs functions one after another on a thread of its own.

    A daemon thread: where the database never answers, the process can still end, and the server rolls back.
    """

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[_Piece[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Answer]) -> Future[Answer]:
        """Let `work` run as soon as the work before it is done."""
        piece = _Piece(work, Future())
        self._waiting.put(piece)
        return piece.future

    def stop(self, timeout_seconds: float) -> bool:
        """End the thread when its work is done; return whether it ended in time."""
        self._waiting.put(None)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (piece := self._waiting.get()) is not None:
            piece.run()


class _Piece(Generic[Answer]):
    """Work, and where its answer goes."""

    __slots__ = ("_work", "future")

    def __init__(self, work: Callable[[], Answer], future: Future[Answer]) -> None:
        self._work = work
        self.future = future

    def run(self) -> None:
        try:
            answer = self._work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is asked for
            self.future.set_exception(error)
        else:
            self.future.set_result(answer)
