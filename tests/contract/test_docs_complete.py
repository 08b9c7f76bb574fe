"""The reference names everything that a user can meet, and its links lead somewhere."""

import re
from pathlib import Path

import pytest
from typer.core import TyperGroup

from billing.errors import LedgerError
from cli.catalogue import CATALOGUE
from cli.main import load
from cli.settings import Settings
from tests.contract.repository import ROOT, documents, subclasses

REFERENCE = ROOT / "docs" / "reference"
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def described(name: str) -> set[str]:
    """Return what stands in the first column of the page's tables, without its backticks."""
    return set(re.findall(r"^\| `([^`]+)`", page(name), re.MULTILINE))


def test_every_error_code_is_described():
    codes = {error.code for error in subclasses(LedgerError) if isinstance(getattr(error, "code", None), str)}
    assert codes - described("errors.md") == set()


def test_every_setting_is_described_with_its_default():
    text = page("settings.md")
    for field in Settings.model_fields.values():
        row = re.search(rf"^\| `{field.validation_alias}` \| ([^|]*)\|", text, re.MULTILINE)
        assert row, field.validation_alias
        shown = "none" if field.default is None else f"`{field.default}`" if field.default != "" else "empty"
        assert row[1].strip() == shown, field.validation_alias


def test_no_setting_is_described_that_does_not_exist():
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert described("settings.md") - known - {"BILLING_TEST_BROKER"} == set()


def command_lines():
    for entry in CATALOGUE:
        stack = [(entry.name, load(entry))]
        while stack:
            name, command = stack.pop()
            if isinstance(command, TyperGroup):
                stack += [(f"{name} {word}", child) for word, child in command.commands.items()]
            else:
                yield name, command


def test_every_command_and_option_is_described():
    text = page("commands.md")
    for name, command in command_lines():
        section = re.search(
            rf"^## `billing {re.escape(name)}`$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
        )
        assert section, name
        for parameter in command.params:
            spelling = max(parameter.opts, key=len) if parameter.opts[0].startswith("-") else parameter.name
            assert spelling in section[1] or spelling.upper() in section[1], f"{name} {spelling}"


def anchors(path: Path) -> set[str]:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(text)
    }


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for link in LINK.finditer(FENCED.sub("", path.read_text(encoding="utf-8"))):
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link[0]


def test_every_page_can_be_found():
    """From the README, link by link."""
    found, ahead = set(), [ROOT / "README.md"]
    while ahead:
        here = ahead.pop()
        if here in found:
            continue
        found.add(here)
        text = FENCED.sub("", here.read_text(encoding="utf-8"))
        ahead += [
            target
            for link in LINK.finditer(text)
            if link["path"] and (target := (here.parent / link["path"]).resolve()).suffix == ".md"
        ]
    assert set(documents()) - found == set()
