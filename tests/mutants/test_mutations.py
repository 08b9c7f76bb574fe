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
'''
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


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param(["decision"], DECISIONS, id="decisions"),
        pytest.param(["wiring"], WIRING, id="wiring"),
        pytest.param(get_args(Kind), DECISIONS + WIRING, id="all"),
    ],
)
def test_every_small_change_is_one_mutant(tmp_path, kinds, expected):
    """Not what nobody could notice: types, the words of errors, docstrings."""
    (tmp_path / "billing").mkdir()
    path = tmp_path / "billing" / "late.py"
    path.write_text(SOURCE, encoding="utf-8")
    found = list(mutants(path, tmp_path, kinds))
    assert sorted(mutant.name for mutant in found) == sorted(f"late.py due: {change}" for change in expected)
    for mutant in found:
        assert mutant.module == "billing.late"
        assert mutant.source != SOURCE
        compile(mutant.source, mutant.name, "exec")
