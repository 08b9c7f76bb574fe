"""What document tests share: the renderer's own warnings are errors, golden files can be rewritten."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


class Collecting(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def no_complaints() -> Iterator[list[str]]:
    """Fail a test in which WeasyPrint or fontTools warned: an unknown style, a file it can't get."""
    handler = Collecting()
    loggers = [logging.getLogger("weasyprint"), logging.getLogger("fontTools")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler.messages
    for logger in loggers:
        logger.removeHandler(handler)
    assert handler.messages == []


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a checked-in file; REWRITE_GOLDEN=1 writes it first, for review by its diff."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("REWRITE_GOLDEN") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        assert text == path.read_bytes().decode()

    return compare
