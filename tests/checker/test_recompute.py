"""Every amount that the engine prints can be recomputed from its line, and a wrong one is found."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from billing.money import format_minor
from cli.simulate.loading import SUFFIXES, load
from cli.simulate.run import run
from cli.simulate.scenario_file import Scenario
from tests.billing.worlds import worlds
from tests.checker.recompute import Document, findings
from tests.checker.tracing import untraced
from tests.property_runs import for_all

SCENARIOS = Path(__file__).parents[1] / "scenarios"
FILES = sorted(path for path in SCENARIOS.rglob("*") if path.suffix in SUFFIXES)


def issued(world: Scenario) -> dict[str, list[Document]]:
    """Return the documents of each customer as they travel."""
    by_customer: dict[str, list[Document]] = {}
    for number, draft in enumerate(run(world).documents, 1):
        lines = json.loads(json.dumps([line.as_data(draft.currency) for line in draft.lines]))
        net = format_minor(draft.net_minor, draft.currency)
        document = Document(str(number), draft.currency, net, tuple(lines))
        by_customer.setdefault(draft.customer_id, []).append(document)
    return by_customer


def wrong(world: Scenario) -> Iterator[str]:
    for customer_id, documents in issued(world).items():
        yield from findings(documents)
        yield from untraced(world, customer_id, documents)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_every_line_of_a_scenario_explains_its_amount(path: Path) -> None:
    assert list(wrong(load(path))) == []


@for_all(worlds())
def test_every_line_of_a_generated_world_explains_its_amount(world: dict[str, Any]) -> None:
    assert list(wrong(Scenario.model_validate(world))) == []


def explained(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def tamper(line: dict[str, Any]) -> None:
        line["explanation"][name] = value

    return tamper


def printed(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def tamper(line: dict[str, Any]) -> None:
        line[name] = value

    return tamper


@pytest.mark.parametrize("place", [(0, 0), (1, 0)], ids=["a first charge", "a correction"])
@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(printed("amount", "29.99"), id="amount"),
        pytest.param(printed("unit_amount", "30.01"), id="unit amount"),
        pytest.param(printed("quantity", "2"), id="quantity"),
        pytest.param(printed("period_start", "2026-06-25"), id="first day"),
        pytest.param(printed("period_end", "2026-07-31"), id="last day"),
        pytest.param(printed("full_end", "2026-07-30"), id="full period"),
        pytest.param(explained("events", []), id="events"),
        pytest.param(explained("rule", "none"), id="rule"),
        pytest.param(explained("share", "1/2"), id="share"),
        pytest.param(explained("served_days", 5), id="served days"),
        pytest.param(explained("exact_minor", "701/1"), id="exact fraction"),
        pytest.param(explained("invoiced", "29.00"), id="invoiced before"),
        pytest.param(explained("price_version", None), id="price version"),
    ],
)
def test_a_line_that_was_tampered_with_is_found(
    tamper: Callable[[dict[str, Any]], None], place: tuple[int, int]
) -> None:
    """The check above must be able to fail. The case: 24 June, and a stop that is heard late."""
    documents = issued(load(SCENARIOS / "handbook" / "late-stop.yaml"))["c1"]
    tamper(documents[place[0]].lines[place[1]])
    assert list(findings(documents))


def test_rounding_and_totals_are_checked() -> None:
    documents = issued(load(SCENARIOS / "handbook" / "rounding.yaml"))["half-even"]
    documents[0].lines[0]["explanation"]["rounding"] = "half_up"
    assert list(findings(documents))
    documents = issued(load(SCENARIOS / "handbook" / "first-invoice.yaml"))["c1"]
    assert list(findings([replace(documents[0], net="136.01")]))


def test_a_line_is_taken_back_once() -> None:
    documents = issued(load(SCENARIOS / "handbook" / "never-happened.yaml"))["c1"]
    assert list(findings(documents)) == []
    assert list(findings([*documents, replace(documents[1], number="3")]))
