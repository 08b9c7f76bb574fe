"""Every scenario file, as `billing simulate --check` runs it."""

import sys
from pathlib import Path

import pytest

from cli.simulate.loading import load, scenario_paths
from cli.simulate.report import differences
from cli.simulate.run import run

FOLDER = Path(__file__).parents[1] / "scenarios"
PATHS = scenario_paths([FOLDER])
LEFT_OUT: dict[str, str] = {}  # name of a file -> why it can't pass yet


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_scenario(path):
    if path.stem in LEFT_OUT:
        pytest.skip(LEFT_OUT[path.stem])
    scenario = load(path)
    assert scenario.expected is not None, "a scenario here says what should come of it"
    assert differences(run(scenario)) == ()


def test_count(capsys):
    """Says how many there are, and which are left out."""
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(PATHS)} scenario files, left out: {', '.join(sorted(LEFT_OUT)) or 'none'}\n"
        )
    assert len(PATHS) >= 146
    assert set(LEFT_OUT) <= {path.stem for path in PATHS}
