"""Draws the README's picture of an invoice: python -m tests.documents.picture docs/images/invoice.png.

Needs pdftoppm (Debian: poppler-utils). With a second argument it draws that PDF instead of the sample.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from documents.invoice_pdf import render
from tests.documents import samples

DOTS_PER_INCH = 130


def draw(target: Path, source: Path | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        document = source or Path(folder) / "invoice.pdf"
        if source is None:
            document.write_bytes(render(samples.typical()))
        stem = Path(folder) / "page"
        first_page = ["-f", "1", "-l", "1", "-singlefile", "-r", str(DOTS_PER_INCH), "-png"]
        subprocess.run(["pdftoppm", *first_page, str(document), str(stem)], check=True)
        target.write_bytes(stem.with_suffix(".png").read_bytes())


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
