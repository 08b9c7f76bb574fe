"""What the demo leaves in `out/`: every invoice as PDF, every line as CSV, the summary as JSON."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.commands import export
from cli.faults import WrongUseError
from documents.view import InvoiceView

INVOICES: Final = "invoices"
LINES: Final = "lines.csv"
SUMMARY: Final = "summary.json"
OURS: Final = frozenset((INVOICES, LINES, SUMMARY))


def prepare(folder: Path) -> None:
    """Make `folder` for a new demo; what an earlier one left there goes.

    Raises WrongUseError where something else lies in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in OURS)
    if foreign:
        raise WrongUseError(
            f"{folder}: has {foreign[0]!r}, which no demo wrote; name another folder with --out"
        )
    for name in OURS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def pdf_path(view: InvoiceView) -> str:
    """Return where in the folder the PDF of a document lies; the two providers number differently."""
    return f"{INVOICES}/{export.file_name(view.number)}.pdf"


def write_csv(folder: Path, views: Sequence[InvoiceView]) -> int:
    """Write the lines of all documents into one file, and return how many there are."""
    return export.write_csv(views, folder / LINES).lines


def write_summary(folder: Path, summary: bytes) -> None:
    """Write the summary."""
    (folder / SUMMARY).write_bytes(summary)
