"""What STYLE asks of every file, as far as a machine can see it."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.contract.repository import ROOT, files, python_files

LINES = 500
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
CLOCKS = {"now", "today", "utcnow", "time", "time_ns", "monotonic", "perf_counter"}
OUTSIDE = {
    "os",
    "io",
    "socket",
    "random",
    "secrets",
    "uuid",
    "time",
    "pathlib",
    "subprocess",
    "logging",
    "threading",
}
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def trees(*, tests: bool):
    return [
        pytest.param(path, ast.parse(path.read_text(encoding="utf-8")), id=relative(path))
        for path in python_files(tests=tests)
        if path.stat().st_size  # an empty __init__.py has no idea to explain
    ]


def billing_trees():
    return [
        pytest.param(ast.parse(path.read_text(encoding="utf-8")), id=relative(path))
        for path in python_files(tests=False)
        if path.relative_to(ROOT).parts[0] == "billing"
    ]


@pytest.mark.parametrize(("path", "tree"), trees(tests=True))
def test_a_file_is_one_idea(path, tree):
    """It says in one line what it is for, can be read in one sitting, and its name is a noun of billing."""
    docstring = ast.get_docstring(tree)
    assert docstring, "no module docstring"
    assert docstring.splitlines()[0].rstrip().endswith((".", ":")), "its first line is no sentence"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES
    assert path.stem not in VAGUE


@pytest.mark.parametrize("tree", billing_trees())
def test_arithmetic_is_exact_and_pure(tree):
    """No float, no clock, no I/O, no library in billing/."""
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id in {"float", "open", "print"}), node.lineno
        assert not (isinstance(node, ast.Attribute) and node.attr in CLOCKS), node.lineno
    for name in imported(tree):
        assert name == "billing" or (name in sys.stdlib_module_names and name not in OUTSIDE), name


def imported(tree: ast.AST) -> set[str]:
    """Return the top-level packages that a module imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("rate = 0.5", "float", id="a float"),
        pytest.param("from datetime import date\nd = date.today()", "clock", id="a clock"),
        pytest.param("import psycopg", "library", id="a library"),
        pytest.param("import os", "outside world", id="the outside world"),
    ],
)
def test_the_purity_check_sees(code, why):
    """The check above must be able to fail."""
    with pytest.raises(AssertionError):
        test_arithmetic_is_exact_and_pure(ast.parse(code))


def test_nothing_is_left_for_later():
    here = Path(__file__)
    texts = [
        path
        for path in files()
        if path.suffix in {".py", ".sql", ".md", ".toml", ".html", ".css"} and path != here
    ]
    left = [relative(path) for path in texts if LEFTOVER.search(path.read_text(encoding="utf-8"))]
    assert left == []
