"""The quick and strong checks of a mutant: scenarios, explanations, the independent reference."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.simulate.loading import load, parse
from cli.simulate.report import differences
from cli.simulate.run import run
from tests.checker.test_recompute import wrong
from tests.oracle.reference import Sums
from tests.oracle.test_engine_agrees import issued


def scenario_is_right(path: Path) -> bool:
    """As `billing simulate --check`; and every line explains its amount."""
    scenario = load(path)
    return not differences(run(scenario)) and not any(wrong(scenario))


def world_is_right(data: Mapping[str, Any], expected: Sums) -> bool:
    """What is issued is what the reference says; and every line explains its amount."""
    if issued(dict(data)) != expected:
        return False
    return not any(wrong(parse(json.dumps(data), name="generated", yaml_format=False)))
