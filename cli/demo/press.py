"""Renders invoices in the background while the demo lives on: living is mostly waiting, rendering is work."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from cli.commands.export import write_pdfs
from documents.view import InvoiceView

LOOK_AGAIN_SECONDS: Final = 0.1


class Press:
    """Writes a PDF of every view that it is given, as `<number>.pdf` in `folder`, with warm processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: SimpleQueue[InvoiceView | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="press", daemon=True)
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self.written = 0
        """How many files are there."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop after the documents that are being rendered; after `finish` there are none."""
        self._stopped.set()
        self._waiting.put(None)
        self._thread.join()

    def give(self, views: Iterable[InvoiceView]) -> None:
        """Let these be rendered when it is their turn."""
        for view in views:
            self._waiting.put(view)

    def finish(self) -> Iterator[int]:
        """Wait until all is written, and yield how many files there are meanwhile; raises what went wrong."""
        self._waiting.put(None)
        while self._thread.is_alive():
            yield self.written
            self._thread.join(LOOK_AGAIN_SECONDS)
        yield self.written
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            write_pdfs(self._views(), self._folder, done=self._count)
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
            self._error = error

    def _views(self) -> Iterator[InvoiceView]:
        while (view := self._waiting.get()) is not None and not self._stopped.is_set():
            yield view

    def _count(self, written: int) -> None:
        self.written = written
