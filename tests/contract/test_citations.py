"""A page that a comment or a document cites exists, and has the section that is named."""

import re

import pytest

from tests.contract.repository import ROOT, documents, files

CITED = re.compile(r"\b(?P<page>[A-Z][A-Z_]{3,}\.md)(?:,? §(?P<section>\d+))?")
SECTION = re.compile(r"^## (\d+)\.", re.MULTILINE)


def pages() -> dict[str, set[str]]:
    """Return the repository's pages by file name, with the numbers of their sections."""
    return {path.name: set(SECTION.findall(path.read_text(encoding="utf-8"))) for path in documents()}


def citing() -> list:
    kinds = {".py", ".sql", ".toml", ".md", ".yaml", ".html", ".css"}
    cited = (
        path for path in files() if path.suffix in kinds and CITED.search(path.read_text(encoding="utf-8"))
    )
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in cited]


@pytest.mark.parametrize("path", citing())
def test_what_is_cited_exists(path):
    known = pages()
    for found in CITED.finditer(path.read_text(encoding="utf-8")):
        assert found["page"] in known, found[0]
        assert found["section"] is None or found["section"] in known[found["page"]], found[0]
