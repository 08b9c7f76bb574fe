"""Which tests a mutant has to survive."""

import pytest

from tests.mutants.trial import FOLDERS, ROOT, SLOW, files_of_tests


@pytest.mark.parametrize("path", sorted((ROOT / "billing").glob("*.py")), ids=lambda path: path.stem)
def test_every_file_of_tests_is_tried_once(path):
    """Whatever the changed file is, only the order differs."""
    present = [
        str(file.relative_to(ROOT)) for folder in FOLDERS for file in (ROOT / folder).glob("test_*.py")
    ]
    tried = [file for group in files_of_tests(f"billing.{path.stem}") for file in group]
    assert sorted(tried) == sorted(present)
    assert "tests/billing/test_story.py" in tried


def test_a_modules_own_tests_come_first_and_slow_ones_last():
    own, others, slow = files_of_tests("billing.policies")
    assert own == ["tests/billing/test_policies.py"]
    importing, other = "tests/billing/test_catalog_and_policies.py", "tests/billing/test_account_credit.py"
    assert others.index(importing) < others.index(other)
    assert {file.rsplit("/", maxsplit=1)[-1] for file in slow} == {f"{name}.py" for name in SLOW}
