"""The rooms and who may know whom (ARCHITECTURE.md)."""

import subprocess
import sys
import tomllib

from tests.contract.repository import PACKAGES, ROOT


def test_import_rules_hold():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_is_under_the_rules():
    """A new package that no rule names would be free to import anything."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    ruled = {room for contract in configuration["contracts"] for room in contract["source_modules"]}
    assert set(configuration["root_packages"]) == set(PACKAGES) - {"benchmarks"}
    assert ruled == set(configuration["root_packages"]) - {"cli"}, "cli alone may know everything"
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert rooms == set(PACKAGES)
