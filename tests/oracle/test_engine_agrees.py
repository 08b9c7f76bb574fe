"""The engine against the slow reference on generated worlds: to the minor unit, per price and service."""

import json
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from cli.simulate.loading import parse
from cli.simulate.run import run
from tests.billing.worlds import FIRST, LAST_STEP, worlds
from tests.oracle.reference import Sums, due
from tests.property_runs import for_all

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.json"))
WITH_DATES = [path for path in SCENARIOS if "run_until" not in path.read_text()]


def issued(world: dict[str, object]) -> Sums:
    sums: Sums = defaultdict(int)
    for document in run(parse(json.dumps(world), name="generated", yaml_format=False)).documents:
        for line in document.lines:
            sums[document.customer_id, document.currency, line.service_id, line.price_id] += line.amount_minor
    return {key: amount for key, amount in sums.items() if amount}


@pytest.mark.slow
@for_all(worlds())
def test_many_runs_add_up_to_what_hindsight_charges(world: dict[str, Any]) -> None:
    """Convergence (BILLING.md §7 a): the last run lies after the end of everything that was invoiced."""
    assert issued(world) == due(world, LAST_STEP)


@pytest.mark.slow
@for_all(worlds(), st.integers(0, 400))
def test_a_first_run_charges_what_is_due_on_its_date(world: dict[str, Any], days: int) -> None:
    """Dueness (BILLING.md §6), on any date of the world's two years."""
    on = FIRST + timedelta(days=days)
    assert issued({**world, "steps": [{"issue": on.isoformat()}]}) == due(world, on)


@pytest.mark.parametrize("path", WITH_DATES, ids=lambda path: path.stem)
def test_the_reference_agrees_with_every_published_case(path: Path) -> None:
    """The reference is only worth something if it finds what the publishers of the cases found."""
    world = json.loads(path.read_text())
    last = {
        customer["customer_id"]: step["issue"]
        for step in world["steps"]
        for customer in world["customers"]
        if step.get("customer_id", customer["customer_id"]) == customer["customer_id"]
    }
    found: dict[tuple[str, str], int] = defaultdict(int)
    for customer_id, on in last.items():
        for (customer, currency, _, _), amount in due(world, date.fromisoformat(on)).items():
            if customer == customer_id:
                found[customer, currency] += amount
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for invoice in world["expected"]["invoices"]:
        key = invoice["customer_id"], invoice.get("currency", world["tenant"]["currency"])
        expected[key] += int(invoice["net"].replace(".", ""))
    assert {key: net for key, net in found.items() if net} == {
        key: net for key, net in expected.items() if net
    }
