"""The reference names everything that a user can meet, and its links lead somewhere."""

import ast
import inspect
import json
import re
from pathlib import Path

import pytest
import uvicorn.config

from billing.errors import LedgerError
from cli.settings import Settings
from schemas.reasons import Reason
from schemas.registry import ALL
from tests.contract.repository import ROOT, documents, python_files, subclasses

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


def test_every_reason_of_refusal_is_described():
    assert {str(reason) for reason in Reason} - described("errors.md") == set()


def codes_given_to(made: str) -> set[str]:
    """Return the first text in each call of what `made` names, such as `Anomaly` (or `_anomaly`)."""
    codes = set()
    for path in python_files(tests=False):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).lower().endswith(made.lower()):
                given = [text.value for text in node.args if isinstance(text, ast.Constant)]
                codes |= set([text for text in given if isinstance(text, str)][:1])
    return codes


@pytest.mark.parametrize("made", ["Anomaly", "Finding"])
def test_every_anomaly_and_finding_is_described(made):
    codes = codes_given_to(made)
    assert len(codes) > 5, "the search finds too little"
    assert codes - described("errors.md") == set()


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_every_event_is_described_with_its_members(schema):
    section = re.search(rf"^### `{schema.type}`$(.*?)(?=^##|\Z)", page("events.md"), re.MULTILINE | re.DOTALL)
    assert section
    wanted = json.loads((ROOT / "schemas" / "json" / f"{schema.name}.json").read_text())
    data = wanted["properties"]["data"]
    if "$ref" in data:
        data = wanted["$defs"][data["$ref"].rpartition("/")[2]]
    named = {word for quoted in re.findall(r"`([^`]+)`", section[1]) for word in re.findall(r"\w+", quoted)}
    prose = set(re.findall(r"\w+", section[1]))
    assert set(data["properties"]) - (named if schema.heard else named | prose) == set()


def test_every_setting_is_described_with_its_default():
    text = page("settings.md")
    for field in Settings.model_fields.values():
        row = re.search(rf"^\| `{field.validation_alias}` \| ([^|]*)\|", text, re.MULTILINE)
        assert row, field.validation_alias
        shown = "none" if field.default is None else f"`{field.default}`" if field.default != "" else "empty"
        assert row[1].strip() == shown, field.validation_alias


def read_by_tests() -> set[str]:
    """Return the variables that tests alone look at; each is a constant there."""
    texts = [path.read_text(encoding="utf-8") for path in python_files(tests=True)]
    return {name for text in texts for name in re.findall(r'= "(BILLING_TEST_[A-Z_]+)"$', text, re.MULTILINE)}


def test_nothing_but_settings_is_described_as_one_and_what_others_read_is():
    """Beside our own: what tests read, and the web server by itself (its code names the variable)."""
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    web_server = {"FORWARDED_ALLOW_IPS"}
    assert web_server < set(re.findall(r"\w+", inspect.getsource(uvicorn.config)))
    assert described("settings.md") - known == web_server | read_by_tests()


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
