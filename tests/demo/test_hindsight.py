"""The closing check: it finds nothing where all is well, and every late fact that it is not told of."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from cli.demo.hindsight import Charge, Difference, differences, due_sums, issued_sums
from tests.demo.rehearsal import Rehearsal, rehearse


@pytest.fixture(scope="module", params=["saentis", "harborlight"])
def rehearsal(request) -> Rehearsal:
    return rehearse(request.param)


def test_hindsight_finds_nothing_to_say_about_the_half_year(rehearsal):
    issued = issued_sums(rehearsal.facts)
    assert len(issued) > 80
    assert differences(due_sums(rehearsal.facts, rehearsal.runs), issued) == ()


def test_hindsight_without_one_late_fact_differs(rehearsal):
    """Whichever of the late facts is withheld."""
    issued = issued_sums(rehearsal.facts)
    assert rehearsal.late
    for ref in rehearsal.late:
        assert differences(due_sums(rehearsal.facts, rehearsal.runs, withheld=ref), issued), ref


def test_late_facts_led_to_corrections(rehearsal):
    lines = [line for draft, _ in rehearsal.invoices.values() for line in draft.lines]
    assert sum(line.adjusts is not None for line in lines) >= 5
    assert sum(line.reverses is not None for line in lines) >= 3
    assert any(draft.net_minor < 0 for draft, _ in rehearsal.invoices.values())


def test_the_case_of_24_june():
    """BILLING.md §10: 136.00 on 2 July, a credit of 20.32 on 2 August."""
    rehearsal = rehearse("saentis")
    mine = [(draft, on) for draft, on in rehearsal.invoices.values() if draft.customer_id == "c-105"]
    assert [(on, draft.net_minor) for draft, on in mine] == [
        (date(2026, 7, 2), 136_00),
        (date(2026, 8, 2), -20_32),
    ]
    setup, june, july = mine[0][0].lines
    assert (setup.price_id, setup.amount_minor) == ("setup", 99_00)
    assert days_of(june) == (date(2026, 6, 24), date(2026, 7, 1), 7_00)
    assert days_of(july) == (date(2026, 7, 1), date(2026, 8, 1), 30_00)


def days_of(line):
    return date.fromordinal(line.period_start), date.fromordinal(line.period_end), line.amount_minor


def test_a_sum_that_is_missing_on_either_side_is_a_difference():
    one = Charge("c-1", "s-1", "laptop", "rent", "EUR")
    other = Charge("c-1", "s-2", "laptop", "rent", "EUR")
    found = differences({one: Decimal("30.00")}, {other: Decimal("5.00")})
    assert found == (
        Difference(one, Decimal("30.00"), Decimal()),
        Difference(other, Decimal(), Decimal("5.00")),
    )
    assert differences({one: Decimal("30.0")}, {one: Decimal("30.00"), other: Decimal()}) == ()


def test_documents_are_issued_on_the_billing_days_of_their_customers():
    rehearsal = rehearse("saentis")
    days = defaultdict(set)
    for draft, on in rehearsal.invoices.values():
        days[draft.customer_id].add(on.day)
    assert days["c-101"] == {1}
    assert days["c-103"] == {5}
    assert days["c-107"] == {30, 31}
    assert days["c-104"] == {10, 20}
    hotel = [on for draft, on in rehearsal.invoices.values() if draft.customer_id == "c-104"]
    assert [on.day for on in hotel] == [10, 10, 10, 20, 20, 20]
