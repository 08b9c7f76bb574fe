"""Every line that is logged anywhere is in the reference, with its level; nothing else is."""

import ast
import re

from tests.contract.repository import ROOT, python_files

PAGE = ROOT / "docs" / "reference" / "logs.md"
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


def logged():
    """Return (event, level) of each call of `log.LEVEL("event", …)`."""
    for path in python_files(tests=False):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[first]) if (
                    level in LEVELS
                ):
                    assert isinstance(first, ast.Constant), f"{path}:{node.lineno}: no plain text"
                    yield first.value, LEVELS[level]


def described():
    rows = re.findall(r"^\| (`[^|]*) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {(event, level) for events, level in rows for event in re.findall(r"`([^`]+)`", events)}


def test_the_page_names_every_event_with_its_level():
    assert set(logged()) == described()


def test_an_event_is_a_noun_and_what_happened_to_it():
    assert [event for event, _ in logged() if not re.fullmatch(r"[a-z_]+\.[a-z_]+", event)] == []
