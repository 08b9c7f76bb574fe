"""What the repository holds: its files, its modules, its documentation."""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "billing",
    "ledger",
    "projections",
    "consumers",
    "documents",
    "api",
    "cli",
    "schemas",
    "benchmarks",
)
FENCE = re.compile(r"^```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a document."""

    path: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@cache
def files() -> tuple[Path, ...]:
    """Return the files that belong to the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def python_files(*, tests: bool) -> list[Path]:
    """Return the repository's Python files, with those under tests/ or without."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and (tests or path.relative_to(ROOT).parts[0] != "tests")
    ]


def documents() -> list[Path]:
    """Return every Markdown page of the repository."""
    return [path for path in files() if path.suffix == ".md"]


def blocks(*languages: str) -> Iterator[Block]:
    """Yield the code blocks of every page that are written in one of `languages`."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for found in FENCE.finditer(text):
            if found["language"] in languages:
                yield Block(path, text.count("\n", 0, found.start()) + 1, found["language"], found["text"])


@cache
def import_everything() -> None:
    """Import every module of ours, so that all classes exist."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def subclasses(base: type) -> list[type]:
    """Return the subclasses of `base` that our own packages define, however deep."""
    import_everything()
    found: list[type] = []
    for child in base.__subclasses__():
        found += [child, *subclasses(child)]
    return [child for child in dict.fromkeys(found) if child.__module__.partition(".")[0] in PACKAGES]
