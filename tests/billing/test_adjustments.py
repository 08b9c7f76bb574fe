"""Manual adjustments: keyed by their own id, withdrawn and corrected, never charged twice (BILLING.md §8)."""

from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adjustments import NO_ADJUSTMENTS, Adjustments, adjustment_lines, fold_adjustments
from billing.days import day
from billing.facts import EventRef
from billing.invoice import calculate
from billing.invoiced import Invoiced, apply_lines
from billing.line import NO_SERVICE
from billing.policies import fold_policies
from tests.billing.laptops import CATALOG, terms

NOTHING_YET = Invoiced()
ZURICH = ZoneInfo("Europe/Zurich")
TERMS = fold_policies(
    [
        ({"source": "t", "id": "1", "type": "tenant.configured",
          "data": {"tenant_id": "t", "currency": "EUR", "timezone": "Europe/Zurich"}}, 1),
        ({"source": "t", "id": "2", "type": "customer.registered", "data": {"customer_id": "c1"}}, 2),
        ({"source": "t", "id": "3", "type": "customer.changed",
          "data": {"customer_id": "c1", "effective": "2027-01-01", "rounding": "down"}}, 3),
    ]
)[0].terms("c1")  # fmt: skip
assert TERMS is not None


def entered(event_id, adjustment_id, amount, effective="2026-06-15", **more):
    data = {
        "adjustment_id": adjustment_id, "customer_id": "c1", "amount": amount, "effective": effective,
        "reason": "case 4711", "author": "u-204", **more,
    }  # fmt: skip
    return {"source": "/finance", "id": event_id, "type": "adjustment.entered", "data": data}


def voided(event_id, target):
    data = {"customer_id": "c1", "supersedes": {"id": target}, "reason": "mistake", "author": "u-1"}
    return {"source": "/finance", "id": event_id, "type": "adjustment.voided", "data": data}


def folded(*events):
    return fold_adjustments(
        [(event, seq) for seq, event in enumerate(events, 1)], zone=ZURICH, currency="EUR"
    )


def lines(adjustments: Adjustments, invoiced=NOTHING_YET, on="2026-07-01"):
    return adjustment_lines(
        adjustments,
        invoiced.by_service.get(NO_SERVICE, ()),
        customer_id="c1",
        issue_day=day(on),
        terms=TERMS,
    )


def net(found):
    return sum(line.amount_minor for line in found)


def test_a_line_says_who_entered_it_and_why():
    adjustments, anomalies = folded(entered("e1", "a1", "-12.50", service_id="s1", text="Goodwill"))
    (line,) = lines(adjustments)
    assert anomalies == ()
    assert (line.kind, line.price_id, line.service_id, line.amount_minor) == ("adjustment", "a1", "s1", -1250)
    assert line.product_id == ""
    assert line.explanation.entered == ("Goodwill", "case 4711", "u-204")
    assert line.explanation.events == (EventRef("/finance", "e1"),)


def test_one_may_have_a_currency_of_its_own():
    adjustments, _ = folded(entered("e1", "a1", "7"), entered("e2", "a2", "700", currency="JPY"))
    assert [adjustments.currency_of(name) for name in ("a1", "a2")] == ["EUR", "JPY"]
    assert [line.amount_minor for line in lines(adjustments)] == [700, 700]


def test_each_says_when_it_was_heard():
    adjustments, _ = folded(voided("e0", "e9"), entered("e1", "a1", "7"), entered("e2", "a2", "5"))
    assert [(item.adjustment_id, item.heard) for item in adjustments.known] == [("a1", 2), ("a2", 3)]


def test_no_facts_are_no_adjustments():
    assert folded() == (NO_ADJUSTMENTS, ())


def test_what_is_due_later_waits():
    adjustments, _ = folded(entered("e1", "a1", "5", "2026-07-02"))
    assert lines(adjustments) == ()
    assert net(lines(adjustments, on="2026-07-02")) == 500


def test_an_instant_is_a_day_of_the_customer():
    adjustments, _ = folded(entered("e1", "a1", "5", "2026-06-30T22:30:00Z"))
    assert adjustments.known[0].day == day("2026-07-01")


@pytest.mark.parametrize("about", [{}, {"service_id": "s1"}], ids=["no service", "a service"])
def test_it_is_charged_once(about):
    adjustments, _ = folded(entered("e1", "a1", "5", **about))
    invoiced = apply_lines(Invoiced(), "INV-1", lines(adjustments))
    assert lines(adjustments, invoiced, on="2027-07-01") == ()


def test_what_was_invoiced_is_taken_back():
    before, _ = folded(entered("e1", "a1", "5"))
    invoiced = apply_lines(Invoiced(), "INV-1", lines(before))
    after, _ = folded(entered("e1", "a1", "5"), voided("e2", "e1"))
    (line,) = lines(after, invoiced)
    assert (line.amount_minor, line.reverses) == (-500, ("INV-1", 1))
    assert line.explanation.events == (EventRef("/finance", "e1"), EventRef("/finance", "e2"))
    assert line.explanation.entered is not None


def test_what_was_withdrawn_in_time_is_never_charged():
    adjustments, _ = folded(entered("e1", "a1", "5"), voided("e2", "e1"))
    assert lines(adjustments) == ()


def test_one_that_lost_its_place_is_taken_back_in_its_own_words():
    """Of two under one id the first in the fold's order counts, though the other went out already."""
    second = entered("e1", "a1", "7", "2026-06-20", reason="the second day")
    invoiced = apply_lines(Invoiced(), "INV-1", lines(folded(second)[0]))
    first = entered("e2", "a1", "5", "2026-06-10", reason="the first day")
    charge, back = sorted(lines(folded(second, first)[0], invoiced), key=lambda line: line.period_start)
    assert (charge.amount_minor, charge.explanation.entered.reason) == (500, "the first day")
    assert (back.amount_minor, back.explanation.entered.reason) == (-700, "the second day")
    assert [ref.id for ref in back.explanation.events] == ["e2", "e1"]


def said_at(time, event):
    return {**event, "time": time}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            said_at("2026-06-15T10:00:00Z", entered("e2", "a1", "5", "2026-06-14")),
            entered("e1", "a1", "7", "2026-06-15"),
            id="by its day",
        ),
        pytest.param(
            entered("e2", "a1", "5", "2026-06-15"),
            said_at("2026-06-15T09:00:00Z", entered("e1", "a1", "7", "2026-06-14T22:30:00Z")),
            id="which is the customer's",
        ),
        pytest.param(
            said_at("2026-06-15T08:00:00Z", entered("e2", "a1", "5")),
            said_at("2026-06-15T09:00:00Z", entered("e1", "a1", "7")),
            id="then by the time at which it was said",
        ),
        pytest.param(
            entered("e2", "a1", "5"),
            said_at("2026-06-15T09:00:00Z", entered("e1", "a1", "7")),
            id="one without a time before those with one",
        ),
        pytest.param(entered("e1", "a1", "5"), entered("e2", "a1", "7"), id="then by its name"),
    ],
)
def test_of_two_under_one_id_the_first_counts(first, second):
    """In the order of the fold (BILLING.md §2), whichever of them arrived first."""
    for events in permutations([first, second]):
        assert net(lines(folded(*events)[0])) == 500


def test_what_makes_no_sense_hides_nothing():
    """What comes after a taken id, or after another currency, counts as if neither were there."""
    adjustments, _ = folded(
        entered("e1", "a1", "1"),
        entered("e2", "a1", "10"),
        entered("e3", "a1", "100", currency="USD"),
        entered("e4", "a2", "1000"),
        voided("e5", "e9"),
        voided("e6", "e4"),
        entered("e7", "a3", "10000"),
    )
    assert net(lines(adjustments)) == 1_000_100


def test_a_correction_under_the_same_id_reverses_and_charges():
    before, _ = folded(entered("e1", "a1", "5"))
    invoiced = apply_lines(Invoiced(), "INV-1", lines(before))
    after, anomalies = folded(entered("e1", "a1", "5"), entered("e2", "a1", "7", supersedes={"id": "e1"}))
    assert anomalies == ()
    assert sorted(line.amount_minor for line in lines(after, invoiced)) == [-500, 700]


@pytest.mark.parametrize(
    ("events", "code", "named"),
    [
        pytest.param(
            [entered("e1", "a1", "5"), entered("e2", "a1", "7")], "adjustment_differs", "a1", id="taken id"
        ),
        pytest.param(
            [entered("e1", "a1", "5"), entered("e2", "a1", "5", currency="USD", supersedes={"id": "e1"})],
            "adjustment_differs",
            "a1",
            id="another currency",
        ),
        pytest.param([voided("e2", "e9")], "supersedes_unknown", "e9", id="unknown target"),
        pytest.param(
            [entered("e1", "a1", "5", supersedes={"id": "e1"})], "supersedes_unknown", "e1", id="itself"
        ),
    ],
)
def test_what_makes_no_sense_is_reported(events, code, named):
    (anomaly,) = folded(*events)[1]
    assert anomaly.code == code
    assert named in anomaly.detail


def test_finer_amounts_are_rounded_once():
    adjustments, _ = folded(entered("e1", "a1", "-0.125"))
    (line,) = lines(adjustments)
    assert line.amount_minor == -13
    assert (line.explanation.numerator, line.explanation.denominator) == (-25, 2)


def test_they_are_rounded_as_the_policy_of_their_day_says():
    amounts = []
    for effective in ("2026-12-31", "2027-01-01"):
        (line,) = lines(folded(entered("e1", "a1", "-0.125", effective))[0], on="2027-02-01")
        amounts.append((line.amount_minor, line.explanation.rounding))
    assert amounts == [(-13, "half_up"), (-12, "down")]


def test_arrival_order_never_matters():
    """Also where the withdrawal is heard before what it takes back."""
    events = [entered("e1", "a1", "5"), entered("e2", "a2", "-3"), voided("e3", "e1")]
    assert {net(lines(folded(*order)[0])) for order in permutations(events)} == {-300}


@given(
    st.lists(
        st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 28), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.integers(0, 12), min_size=1, max_size=5),
)
def test_many_runs_add_up_to_hindsight(items, cuts):
    """However many facts each run knew, what is invoiced in the end is what stands (BILLING.md §7 a)."""
    events = []
    for place, (amount, on, is_withdrawn) in enumerate(items):
        events.append(entered(f"e{place}", f"a{place}", str(amount), f"2026-06-{on:02d}"))
        if is_withdrawn:
            events.append(voided(f"v{place}", f"e{place}"))
    invoiced, total = Invoiced(), 0
    for number, cut in enumerate([*sorted(cuts), len(events)]):
        found = lines(folded(*events[:cut])[0], invoiced)
        invoiced = apply_lines(invoiced, str(number), found)
        total += net(found)
    assert total == 100 * sum(amount for amount, _, is_withdrawn in items if not is_withdrawn)


def test_an_adjustment_waits_for_a_customer_who_is_not_registered():
    adjustments, _ = folded(entered("e1", "a1", "5.00"))
    assert adjustments.known
    assert calculate("c1", day("2026-07-01"), [], {}, CATALOG, terms(), adjustments=adjustments) == ()
