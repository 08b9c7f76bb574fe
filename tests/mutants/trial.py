"""One mutant against the tests, in a process of its own: the strong and quick ones first, till one fails."""

import gc
import importlib
import importlib.abc
import importlib.machinery
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import CodeType
from typing import Any

import pytest

from tests.mutants.mutations import Mutant
from tests.oracle.histories import FIRST, scenario
from tests.oracle.reference import Sums, due

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests" / "scenarios"
WORLDS = 60
SECONDS_OF_CPU = 3  # a scenario takes milliseconds, all imports 0.1: what takes longer never ends
SECONDS_OF_TESTS = 30
BYTES = 3 << 30
FOLDERS = ("tests/billing", "tests/checker")
SLOW = frozenset(["test_adjusted_worlds", "test_alike", "test_properties", "test_recompute", "test_simulate"])
TRIED_BEFORE = ("tests/billing/test_scenarios.py", "tests/checker/test_recompute.py::test_every_line")
NEEDS_NO_BILLING = "tests/mutants/test_mutations.py"
OPTIONS = ("-x", "-q", "--noconftest", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:schemathesis")
AS_IT_IS = ("--assert=plain", "--hypothesis-profile=ci")  # its examples are the same every time
PROPERTY_EXAMPLES = "15"


@dataclass(frozen=True, slots=True)
class GeneratedWorld:
    """A history, and what the reference in tests/oracle charges for it, which uses nothing of `billing/`."""

    data: Mapping[str, Any]
    expected: Sums


def generated_worlds() -> Iterator[GeneratedWorld]:
    """Yield what is the same for every mutant: worlds from fixed seeds, run to the end, or on one date."""
    for seed in range(WORLDS):
        world = scenario(Random(seed))
        yield GeneratedWorld(world, due(world, date.fromisoformat(world["steps"][-1]["issue"])))
        on = FIRST + timedelta(days=seed * 7 % 400)
        yield GeneratedWorld({**world, "steps": [{"issue": on.isoformat()}]}, due(world, on))


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Puts a mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def get_source(self, _fullname: str) -> str:
        return self._mutant.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.source, f"<{fullname}, mutated>", "exec")


def read_pytest() -> None:
    """Read pytest and its plugins once, so that no mutant's process has to; and keep what is read so far."""
    with _silence():
        code = pytest.main([*OPTIONS, *AS_IT_IS, "--collect-only", NEEDS_NO_BILLING])
    assert code == pytest.ExitCode.OK, code
    gc.collect()
    gc.freeze()  # pytest collects garbage when it ends; that would go through all of it


def killer(
    mutant: Mutant, paths: Sequence[str], worlds: Sequence[GeneratedWorld], *, quick: bool = False
) -> str | None:
    """Return what noticed the mutant; None if nothing did. To be called in a fresh process, once.

    `quick`: the slow files of tests are left out.
    """
    assert not any(name.split(".")[0] == "billing" for name in sys.modules), "the real code is loaded already"
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    sys.meta_path.insert(0, _Changed(mutant))
    if not _passes(_import):
        return "import"
    from tests.mutants import checks  # noqa: PLC0415 - it reads billing/, which is the mutant's only now

    named_after_it, others, slow = files_of_tests(mutant.module)
    with _silence():
        for path in paths:
            if not _passes(partial(checks.scenario_is_right, SCENARIOS / path)):
                return path
        if by := _failing_test(named_after_it):
            return by
        for number, world in enumerate(worlds):
            if not _passes(partial(checks.world_is_right, world.data, world.expected)):
                return f"generated world {number}"
        return _failing_test(others if quick else [*others, *slow])


def files_of_tests(module: str) -> tuple[list[str], list[str], list[str]]:
    """Return the files of tests in the order in which they are tried: the module's own, others, slow ones.

    Of the others those that import the module come first.
    """
    name = module.rsplit(".", maxsplit=1)[-1]
    own: list[str] = []
    importing: list[str] = []
    others: list[str] = []
    slow: list[str] = []
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("test_*.py")):
        if path.stem.startswith(f"test_{name}"):
            kind = own
        elif path.stem in SLOW:
            kind = slow
        else:
            kind = importing if f"from {module} import" in path.read_text(encoding="utf-8") else others
        kind.append(str(path.relative_to(ROOT)))
    return own, [*importing, *others], slow


@contextmanager
def _silence() -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def _import() -> bool:
    importlib.import_module("tests.mutants.checks")
    return True


def _passes(check: Callable[[], bool]) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_OF_CPU)  # its signal ends the process
    try:
        return check()
    except Exception:  # noqa: BLE001 - whatever a mutant raises, it was noticed
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


class _FirstFailure:
    def __init__(self) -> None:
        self.name: str | None = None

    def pytest_runtest_setup(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_OF_TESTS)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.name is None:
            self.name = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and self.name is None:
            self.name = report.nodeid


def _failing_test(files: Sequence[str]) -> str | None:
    if not files:
        return None
    first = _FirstFailure()
    os.environ["PROPERTY_EXAMPLES"] = PROPERTY_EXAMPLES
    chosen = [*files, *(f"--deselect={name}" for name in TRIED_BEFORE)]
    code = pytest.main([*OPTIONS, *AS_IT_IS, *chosen], plugins=[first])
    return None if code == pytest.ExitCode.OK else first.name or f"pytest: {code}"
