"""Many documents at once: worker processes that load fonts and template once and then keep rendering."""

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Final, Self

from documents.invoice_pdf import render, renderer
from documents.view import InvoiceView

AHEAD: Final = (
    4  # documents a worker that wait for their turn; bounds the memory, whatever the number of views
)


class RenderPool:
    """Renders with warm workers; a context manager. With one worker it renders in this process."""

    def __init__(self, *, workers: int) -> None:
        assert workers >= 1, workers
        self._workers: Final = workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._workers > 1:
            # A fork server, because this process may have threads, and so that libraries are imported once.
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["documents.invoice_pdf"])
            self._executor = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_warm_up)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def render(self, views: Iterable[InvoiceView]) -> Iterator[tuple[InvoiceView, bytes]]:
        """Yield each view with its PDF, in the order of the views, which are read no further than needed."""
        if self._executor is None:
            for view in views:
                yield view, render(view)
            return
        waiting: deque[tuple[InvoiceView, Future[bytes]]] = deque()
        for view in views:
            waiting.append((view, self._executor.submit(render, view)))
            if len(waiting) > self._workers * AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def _warm_up() -> None:
    """Load what every document needs, out of the garbage collector's way; Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    renderer()
    gc.freeze()
