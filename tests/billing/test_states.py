"""The states in which a service is charged: what is active, and the days of its stops (BILLING.md §2)."""

from billing.days import ALWAYS, FOREVER, day
from billing.facts import EventRef
from billing.segments import Segment
from billing.states import State, states
from billing.timeline import fold
from tests.billing.test_timeline import activated, event, zones

ON, OFF = activated("2026-06-01", "on", attributes={"room": "1"}), event("deactivated", "2026-06-10", "off")


def test_without_a_stop_a_state_is_what_is_active():
    timeline = fold([ON, event("suspended", "2026-06-03", "s"), event("resumed", "2026-06-05", "r")], zones)
    first, suspended, last = timeline.segments
    assert suspended.suspended
    assert states(timeline) == [
        State(first, stop_day=False, stop=None, again=FOREVER),
        State(last, stop_day=False, stop=None, again=FOREVER),
    ]


def test_a_stop_adds_its_day_in_the_state_right_before_it():
    """It may be charged, and names what stopped the service."""
    timeline = fold([ON, OFF, activated("2026-06-20", "again")], zones)
    (stop,) = timeline.stops
    before, after = timeline.segments
    its_day = Segment(
        start=day("2026-06-10"),
        end=day("2026-06-11"),
        suspended=False,
        customer_id="c1",
        product_id="p",
        quantity=before.quantity,
        own_prices=(),
        activation=day("2026-06-01"),
        charged_from=ALWAYS,
        attributes={},
        causes=(EventRef("x", "on"),),
        ended_by=EventRef("x", "off"),
    )
    assert states(timeline) == [
        State(before, stop_day=False, stop=stop, again=day("2026-06-20")),
        State(its_day, stop_day=True, stop=stop, again=day("2026-06-20")),
        State(after, stop_day=False, stop=None, again=FOREVER),
    ]


def test_a_day_on_which_a_service_stops_and_starts_again_is_of_the_later_state():
    timeline = fold([ON, OFF, activated("2026-06-10", "on again")], zones)
    assert states(timeline) == [
        State(segment, stop_day=False, stop=None, again=FOREVER) for segment in timeline.segments
    ]
