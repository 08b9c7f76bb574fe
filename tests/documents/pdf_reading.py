"""What a test reads out of a PDF."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader


def pages(data: bytes) -> list[str]:
    """The text of each page, in the order of reading; kinds of spaces made equal."""
    return [
        "\n".join(re.sub(r"\s+", " ", line).strip() for line in page.extract_text().splitlines())
        for page in PdfReader(io.BytesIO(data)).pages
    ]


def fonts(data: bytes) -> Iterator[tuple[str, bool]]:
    """Each font's name, and whether its program is in the file."""
    for page in PdfReader(io.BytesIO(data)).pages:
        resources: Any = page["/Resources"]
        for reference in resources["/Font"].values():
            font = reference.get_object()
            descendant = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = descendant["/FontDescriptor"].get_object()
            yield str(font["/BaseFont"]), any(key in descriptor for key in ("/FontFile2", "/FontFile3"))
