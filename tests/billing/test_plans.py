"""Plans: what a forecast takes for granted of a service that is only scheduled (BILLING.md §2)."""

from billing.days import day, iso
from billing.money import exact
from billing.plans import activated, activated_in_turn
from billing.timeline import fold
from tests.billing.test_timeline import event, zones

SAID = {
    "customer_id": "c1",
    "product_id": "p",
    "quantity": "2",
    "price_overrides": {"rent": exact("9")},
}


def planned(*days):
    return fold([event("scheduled", on, f"e{place}", **SAID) for place, on in enumerate(days)], zones)


def test_a_plan_is_charged_as_if_an_activation_had_been_heard_in_its_place():
    timeline = planned("2026-07-10")
    (plan,) = timeline.plans
    assert activated(timeline, plan) == fold([event("activated", "2026-07-10", "e0", **SAID)], zones)


def test_a_plan_takes_the_place_of_all_that_was():
    """An earlier activity is charged by itself; the forecast adds the plan to it."""
    events = [
        event("activated", "2026-06-01", "on", **SAID),
        event("deactivated", "2026-06-20", "off"),
        event("scheduled", "2026-07-10", "again", quantity="3"),
    ]
    timeline = fold(events, zones)
    (found,) = activated_in_turn(timeline)
    (segment,) = found.segments
    assert (iso(segment.start), segment.quantity.text, segment.ended_by) == ("2026-07-10", "3", None)
    assert [trigger.day for trigger in found.triggers] == [day("2026-07-10")]
    assert (found.stops, found.plans) == ((), ())


def test_each_plan_holds_until_the_next_one_begins():
    """Of two that begin on one day the later one holds."""
    timeline = planned("2026-07-10", "2026-08-01", "2026-08-01", "2026-09-01")
    found = [piece for turn in activated_in_turn(timeline) for piece in turn.segments]
    assert [(iso(piece.start), piece.causes[0].id) for piece in found] == [
        ("2026-07-10", "e0"),
        ("2026-08-01", "e2"),
        ("2026-09-01", "e3"),
    ]
    assert [piece.end for piece in found[:2]] == [day("2026-08-01"), day("2026-09-01")]


def test_without_a_plan_there_is_nothing_to_charge():
    assert list(activated_in_turn(fold([event("activated", "2026-06-01", **SAID)], zones))) == []
