"""What `make mutants` changes, on a file small enough to see all of it."""

from typing import get_args

import pytest

from tests.mutants.mutations import Kind, mutants

SOURCE = '''"""A file."""

from typing import Literal

Timing = Literal["in_advance", "in_arrears"]


class Late(Exception):
    """Too late."""


def due(days: int, timing: Timing = "in_arrears") -> bool:
    """Tell whether it is due."""
    if days < 0:
        raise Late(f"{days} days", "late")
    assert days < 9, "days"
    return min(days, 7) > 3


paired = zip([], [], strict=True)
loose = zip([], [], strict=False)
kept = lru_cache(maxsize=9)(due)
late = Anomaly(due, "late", "so late")
'''
WIRING_OF_MODULE = [
    "paired = zip([], [], strict=True) -> paired = None",
    "paired = zip([], [], strict=True) -> paired = zip(None, [], strict=True)",
    "paired = zip([], [], strict=True) -> paired = zip([], None, strict=True)",
    "paired = zip([], [], strict=True) -> paired = zip([], strict=True)",
    "paired = zip([], [], strict=True) -> paired = zip([], strict=True) (no. 2)",
    "loose = zip([], [], strict=False) -> loose = None",
    "loose = zip([], [], strict=False) -> loose = zip(None, [], strict=False)",
    "loose = zip([], [], strict=False) -> loose = zip([], None, strict=False)",
    "loose = zip([], [], strict=False) -> loose = zip([], strict=False)",
    "loose = zip([], [], strict=False) -> loose = zip([], strict=False) (no. 2)",
    "kept = lru_cache(maxsize=9)(due) -> kept = None",
    "kept = lru_cache(maxsize=9)(due) -> kept = lru_cache(maxsize=9)(None)",
    'late = Anomaly(due, "late", "so late") -> late = None',
    'late = Anomaly(due, "late", "so late") -> late = Anomaly(None, "late", "so late")',
    'late = Anomaly(due, "late", "so late") -> late = Anomaly(due, None, "so late")',
    'late = Anomaly(due, "late", "so late") -> late = Anomaly("late", "so late")',
    'late = Anomaly(due, "late", "so late") -> late = Anomaly(due, "so late")',
]
DECISIONS_OF_MODULE = [
    "loose = zip([], [], strict=False) -> loose = zip([], [], strict=True)",
    'late = Anomaly(due, "late", "so late") -> late = Anomaly(due, "XXlateXX", "so late")',
]
DECISIONS = [
    (
        'def due(days: int, timing: Timing = "in_arrears") -> bool: -> '
        'def due(days: int, timing: Timing = "XXin_arrearsXX") -> bool:'
    ),
    "if days < 0: -> if days <= 0:",
    "if days < 0: -> if days < 1:",
    'assert days < 9, "days" -> assert days <= 9, "days"',
    'assert days < 9, "days" -> assert days < 10, "days"',
    "return min(days, 7) > 3 -> return min(days, 7) >= 3",
    "return min(days, 7) > 3 -> return min(days, 8) > 3",
    "return min(days, 7) > 3 -> return min(days, 7) > 4",
]
WIRING = [
    "return min(days, 7) > 3 -> return min(None, 7) > 3",
    "return min(days, 7) > 3 -> return min(days, None) > 3",
    "return min(days, 7) > 3 -> return min(7) > 3",
    "return min(days, 7) > 3 -> return min(days, ) > 3",
]


NAMES = {
    kind: [f"late.py {place}: {change}" for place, changes in of_kind.items() for change in changes]
    for kind, of_kind in {
        "decision": {"due": DECISIONS, "(module)": DECISIONS_OF_MODULE},
        "wiring": {"due": WIRING, "(module)": WIRING_OF_MODULE},
    }.items()
}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param(["decision"], NAMES["decision"], id="decisions"),
        pytest.param(["wiring"], NAMES["wiring"], id="wiring"),
        pytest.param(get_args(Kind), NAMES["decision"] + NAMES["wiring"], id="all"),
    ],
)
def test_every_small_change_is_one_mutant(tmp_path, kinds, expected):
    """Not what nobody could notice: types, docstrings, the words of errors, what `strict` makes sure of."""
    (tmp_path / "billing").mkdir()
    path = tmp_path / "billing" / "late.py"
    path.write_text(SOURCE, encoding="utf-8")
    found = list(mutants(path, tmp_path, kinds))
    assert sorted(mutant.name for mutant in found) == sorted(expected)
    for mutant in found:
        assert mutant.module == "billing.late"
        assert mutant.source != SOURCE
        compile(mutant.source, mutant.name, "exec")
