"""Worlds with manual adjustments and account credit: what must hold for every one (BILLING.md §7, §8)."""

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from billing.account_credit import ACCOUNT_CREDITS
from billing.adjustments import fold_adjustments
from cli.simulate.run import Outcome, run
from cli.simulate.scenario_file import Scenario
from tests.billing.worlds import CUSTOMERS, LAST_STEP, days, heard, worlds
from tests.checker.test_recompute import wrong
from tests.property_runs import for_all

World = dict[str, Any]
Sums = dict[tuple[str, str, str, str], int]
LAST = [{"issue": LAST_STEP.isoformat()}]


@st.composite
def adjustments(draw: st.DrawFn) -> list[World]:
    """Entries for both customers, some corrected under the same id, some taken back."""
    found: list[World] = []
    for number in range(draw(st.integers(1, 5))):
        on = draw(days)
        item: World = {
            "customer_id": draw(st.sampled_from(CUSTOMERS)),
            "adjustment_id": f"a{number}",
            "event_id": f"a{number}-entered",
            "amount": draw(st.sampled_from(["-12.50", "9.90", "-400.00", "0.005", "-7", "250.00"])),
            "effective": on.isoformat(),
            "heard": heard(draw, on),
            "reason": f"reason {number}",
            "author": draw(st.sampled_from(["keller", "meier"])),
        }
        item |= draw(st.fixed_dictionaries({}, optional={"service_id": st.sampled_from(["s0", "s9"])}))
        item |= draw(st.fixed_dictionaries({}, optional={"currency": st.sampled_from(["JPY", "KWD"])}))
        found.append(item)
        if draw(st.booleans()):
            on = draw(days)
            item = {
                **item,
                "event_id": f"a{number}-corrected",
                "supersedes": f"a{number}-entered",
                "amount": draw(st.sampled_from([item["amount"], "-3.33", "81.00"])),
                "effective": on.isoformat(),
                "heard": heard(draw, on),
                "reason": f"better reason {number}",
            }
            found.append(item)
        if draw(st.integers(0, 2)) == 0:
            item["withdrawn"] = heard(draw, draw(days))
    return found


@st.composite
def adjusted(draw: st.DrawFn) -> World:
    """A world with manual adjustments, and with policies about the account's credit."""
    world = draw(worlds())
    policy = st.fixed_dictionaries({}, optional={"account_credit": st.sampled_from(ACCOUNT_CREDITS)})
    return {
        **world,
        "policy": {**world["policy"], **draw(policy)},
        "customers": [{**customer, **draw(policy)} for customer in world["customers"]],
        "policy_changes": [{**change, **draw(policy)} for change in world["policy_changes"]],
        "adjustments": draw(adjustments()),
    }


def lived(world: World) -> Outcome:
    return run(Scenario.model_validate(world))


def sums(outcome: Outcome, *, kind: str | None = None) -> Sums:
    found: Sums = defaultdict(int)
    for document in outcome.documents:
        for line in document.lines:
            if kind in (None, line.kind):
                place = (document.customer_id, document.currency, line.service_id, line.price_id)
                found[place] += line.amount_minor
    return {place: amount for place, amount in found.items() if amount}


@for_all(adjusted())
def test_adjustments_converge(world):
    """Whatever was heard late, corrected or taken back: many runs add up to the one that knew it all."""
    assert sums(lived(world)) == sums(lived({**world, "steps": LAST}))


@for_all(adjusted())
def test_adjustments_move_nothing_else(world):
    """The lines of services are those of the same world without adjustments, once all is due."""
    without = sums(lived({**world, "adjustments": []}))
    kept = {place: amount for place, amount in sums(lived(world)).items() if not place[3].startswith("a")}
    assert kept == without


@for_all(adjusted())
def test_what_was_taken_back_nets_to_zero(world):
    items = [{**item, "withdrawn": item["heard"]} for item in world["adjustments"]]
    assert sums(lived({**world, "adjustments": items}), kind="adjustment") == {}


@for_all(adjusted(), st.randoms(use_true_random=False))
def test_arrival_order_never_matters(world, random):
    shuffled = [
        {**item, "heard": random.choice(world["adjustments"])["heard"]} for item in world["adjustments"]
    ]
    random.shuffle(shuffled)
    first = lived({**world, "steps": LAST})
    second = lived({**world, "steps": LAST, "adjustments": shuffled})
    assert first.documents == second.documents
    assert first.anomalies == second.anomalies


@for_all(adjusted())
def test_issuing_twice_on_one_day_adds_nothing(world):
    twice = {**world, "steps": [step for step in world["steps"] for _ in range(2)]}
    assert lived(twice).documents == lived(world).documents
    assert lived(twice).settlements == lived(world).settlements


@for_all(adjusted())
def test_each_line_says_enough_to_be_recomputed(world):
    assert list(wrong(Scenario.model_validate(world))) == []


@for_all(adjusted())
def test_what_is_paid_and_what_is_left_add_up_to_the_nets(world):
    """For each account, after each document: due less paid out less credit is the sum of the nets so far."""
    outcome = lived(world)
    left: dict[tuple[str, str], int] = defaultdict(int)
    paid: dict[tuple[str, str], int] = defaultdict(int)
    net: dict[tuple[str, str], int] = defaultdict(int)
    for document, settlement in zip(outcome.documents, outcome.settlements, strict=True):
        account = document.customer_id, document.currency
        assert settlement.brought_forward == left[account]
        assert min(settlement) >= 0
        left[account] = settlement.carried_forward
        paid[account] += settlement.amount_due - settlement.paid_out
        net[account] += document.net_minor
        assert paid[account] - left[account] == net[account]


@for_all(adjusted(), st.sampled_from(ACCOUNT_CREDITS), st.sampled_from(ACCOUNT_CREDITS))
def test_the_policy_of_the_credit_moves_no_line(world, first, second):
    def under(policy: str) -> Outcome:
        customers = [{**customer, "account_credit": policy} for customer in world["customers"]]
        changes = [{k: v for k, v in c.items() if k != "account_credit"} for c in world["policy_changes"]]
        return lived({**world, "customers": customers, "policy_changes": changes})

    assert under(first).documents == under(second).documents


def entered(event_id: str, seq: int, **data: Any) -> tuple[World, int]:
    values = {
        "adjustment_id": "a1",
        "customer_id": "c1",
        "amount": "-10.00",
        "effective": "2026-06-20",
        "reason": "why",
        "author": "who",
    }
    event = {"source": "/finance", "id": event_id, "type": "adjustment.entered", "data": {**values, **data}}
    return event, seq


def folded(*events: tuple[World, int]) -> tuple[list[tuple[str, bool]], list[tuple[str, str]]]:
    found, anomalies = fold_adjustments(events, zone=ZoneInfo("Europe/Zurich"), currency="EUR")
    return (
        [(item.amount.text, item.is_live) for item in found.known],
        [(item.ref.id, item.code) for item in anomalies],
    )


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in order", "the later one first"])
def test_of_two_under_one_id_the_first_in_the_folds_order_counts(order):
    """Not the first that arrived: two ledgers that heard the same must charge the same."""
    first = entered("x", order[0], amount="-10.00", effective="2026-06-20")
    second = entered("y", order[1], amount="-99.00", effective="2026-06-21")
    assert folded(first, second) == ([("-10.00", True), ("-99.00", False)], [("y", "adjustment_differs")])


def test_the_second_of_one_id_counts_once_the_first_is_taken_back():
    first, second = entered("x", 1), entered("y", 2, amount="-99.00", effective="2026-06-21")
    void = {"source": "/finance", "id": "z", "type": "adjustment.voided"}
    void["data"] = {"customer_id": "c1", "supersedes": {"id": "x"}}
    assert folded(first, second, (void, 3)) == ([("-10.00", False), ("-99.00", True)], [])
