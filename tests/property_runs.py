"""How many worlds the properties are tried on: tens each in a normal run, thousands in `make check-deep`.

A plugin of pytest that tests/conftest.py registers: it counts what Hypothesis really ran, and says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DEEP: Final = "deep"
COUNTED: Final = "worlds"
SHARE: Final = 3  # a world costs far more than a number: each property gets a third of the profile's examples

settings.register_profile(
    DEEP, settings(max_examples=4500, deadline=None, derandomize=False, database=None, print_blob=True)
)
_ran: Counter[str] = Counter()

Property = Callable[..., None]


def for_all(*strategies: st.SearchStrategy[Any], share: int = SHARE) -> Callable[[Property], Property]:
    """Return a decorator that tries a property on values of the strategies, and counts how many it had."""

    def decorate(test: Property) -> Property:
        @wraps(test)
        def counted(*values: Any, **named: Any) -> None:
            _ran[test.__qualname__] += 1
            test(*values, **named)

        as_often = settings(
            deadline=None,
            max_examples=max(settings.default.max_examples // share, 1),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        return as_often(given(*strategies)(counted))

    return decorate


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Put on the report how many worlds a property was tried on; reports travel from workers, too."""
    _ran.clear()
    try:
        return (yield)
    finally:
        if _ran:
            item.user_properties.append((COUNTED, _ran.total()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many worlds were tried."""
    tried = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == COUNTED
    ]
    if tried:
        terminalreporter.write_line(f"{sum(tried)} worlds were tried on {len(tried)} properties")
