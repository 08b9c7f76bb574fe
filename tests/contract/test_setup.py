"""`make` on a machine that lacks something says so, by its apt line, and changes nothing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contract.repository import ROOT

NOBODY = 65534

PYTHON_WITHOUT = """#!/bin/sh
for argument in "$@"; do
    case "$argument" in {lacking}) exit 1 ;; esac
done
exit 0
"""


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A folder with the set-up and nothing else, which an ordinary user may enter.

    Not below pytest's own, which is private: whoever starts pytest next makes it so again.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "setup", folder / ".ci" / "setup")
        yield folder


def set_up_without(folder: Path, lacking: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up as an ordinary user whose Python can't do what `lacking` (a shell pattern) names."""
    python = folder / "python3.11"
    python.write_text(PYTHON_WITHOUT.format(lacking=lacking))
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "PYTHON": str(python), "HOME": str(folder)}
    user = NOBODY if os.geteuid() == 0 else None
    command = [str(folder / ".ci" / "setup")]
    return subprocess.run(command, env=environment, user=user, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("lacking", "package"),
    [
        pytest.param("libpango-1.0.so.0", "libpango-1.0-0", id="pango"),
        pytest.param("libpangoft2-1.0.so.0", "libpangoft2-1.0-0", id="pangoft2"),
        pytest.param("libharfbuzz-subset.so.0", "libharfbuzz-subset0", id="harfbuzz"),
        pytest.param("*ensurepip*", "-venv", id="venv"),
    ],
)
def test_what_is_missing_is_named_with_the_line_that_installs_it(checkout, lacking, package):
    done = set_up_without(checkout, lacking)
    assert done.returncode == 2
    lines = [line.strip() for line in done.stderr.splitlines() if "apt-get install" in line]
    assert len(lines) == 1
    assert lines[0].startswith("sudo apt-get update && sudo apt-get install --yes ")
    assert lines[0].endswith(package)
    assert not (checkout / ".venv").exists()


def test_all_that_is_missing_is_named_at_once(checkout):
    done = set_up_without(checkout, "lib*")
    assert done.returncode == 2
    assert "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0" in done.stderr
