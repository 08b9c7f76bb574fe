"""Why the states of a service are as they are, and what a timeline keeps of them (BILLING.md §2)."""

import orjson
import pytest

from billing.days import day, iso
from billing.facts import EventRef
from billing.invoice import withdrawn_by
from billing.lifecycle import SERVICE_EVENT_TYPES
from billing.money import exact
from billing.timeline import Timeline, customers_in, fold
from tests.billing.test_lines import invoiced
from tests.billing.test_timeline import activated, codes, event, states, zones

PLANNED = event("scheduled", "2026-05-01", "plan", customer_id="c1", product_id="p", quantity="2")
OWN = {"rent": exact("9")}


@pytest.mark.parametrize(
    ("events", "causes"),
    [
        pytest.param([PLANNED, event("activated", "2026-06-01", "a")], ["a plan"], id="as planned"),
        pytest.param([PLANNED, activated(event_id="a")], ["a"], id="planned, but the activation says all"),
        pytest.param(
            [PLANNED, event("activated", "2026-06-01", "a", customer_id="c2")],
            ["a plan"],
            id="the product as planned",
        ),
        pytest.param(
            [PLANNED, event("activated", "2026-06-01", "a", product_id="q")],
            ["a plan"],
            id="the customer as planned",
        ),
        pytest.param(
            [
                activated(event_id="a"),
                event("changed", "2026-06-03", "b", product_id="q"),
                event("changed", "2026-06-04", "c", customer_id="c2"),
                event("deactivated", "2026-06-05", "d"),
                event("activated", "2026-06-07", "e"),
            ],
            ["a", "a b", "a b c", "e c b"],
            id="activated again, as it was",
        ),
        pytest.param(
            [
                activated(event_id="a"),
                event("changed", "2026-06-03", "b", price_overrides=OWN),
                event("changed", "2026-06-04", "c", price_overrides={"fee": exact("1")}),
                event("changed", "2026-06-05", "d", price_overrides={"rent": exact("8")}),
                event("changed", "2026-06-06", "e", product_id="q"),
            ],
            ["a", "a b", "a b c", "a c d", "a e"],
            id="own prices, until the product changes",
        ),
        pytest.param(
            [
                activated(event_id="a"),
                event("changed", "2026-06-03", "b", price_overrides=OWN),
                event("changed", "2026-06-04", "c", product_id="q", price_overrides=OWN),
            ],
            ["a", "a b", "a c"],
            id="an own price that is named again",
        ),
        pytest.param(
            [
                activated(event_id="a"),
                event("suspended", "2026-06-03", "b"),
                event("resumed", "2026-06-04", "c"),
                event("suspended", "2026-06-05", "d"),
                event("resumed", "2026-06-06", "e"),
            ],
            ["a", "a b", "a c", "a c d", "a e"],
            id="a pause is no reason once it is over",
        ),
        pytest.param(
            [activated(event_id="a"), event("changed", "2026-06-03", "b", attributes={"room": "1"})],
            ["a", "a"],
            id="an attribute has no part in an amount",
        ),
        pytest.param(
            [activated(event_id="a"), event("changed", "2026-06-03", "b", quantity="1.0", customer_id="c1")],
            ["a"],
            id="what changes nothing",
        ),
    ],
)
def test_why_a_state_is_as_it_is(events, causes):
    timeline = fold(events, zones)
    assert [" ".join(ref.id for ref in segment.causes) for segment in timeline.segments] == causes
    assert timeline.anomalies == ()


def test_a_trigger_names_its_own_event_last():
    timeline = fold(
        [
            activated(event_id="a"),
            event("changed", "2026-06-03", "b", quantity="2"),
            event("deactivated", "2026-06-04", "c"),
            event("returned", "2026-06-05", "d"),
        ],
        zones,
    )
    assert [(trigger.kind, " ".join(ref.id for ref in trigger.causes)) for trigger in timeline.triggers] == [
        ("activation", "a"),
        ("change", "a b"),
        ("return", "a b d"),
    ]


def test_a_stop_holds_the_state_right_before_it():
    timeline = fold(
        [
            activated(event_id="a", quantity="2", price_overrides=OWN, free_until=day("2026-06-02")),
            event("changed", "2026-06-03", "b", customer_id="c2"),
            event("deactivated", "2026-06-04", "c", attributes={"room": None}),
        ],
        zones,
    )
    (stop,) = timeline.stops
    assert (iso(stop.day), stop.customer_id, stop.product_id, stop.quantity) == (
        "2026-06-04",
        "c2",
        "p",
        exact("2"),
    )
    assert (stop.own_prices, iso(stop.activation)) == ((("rent", exact("9")),), "2026-06-01")
    assert (iso(stop.charged_from), [ref.id for ref in stop.causes], stop.ref.id) == (
        "2026-06-02",
        ["a", "b"],
        "c",
    )
    assert timeline.customers() == {"c1", "c2"}


def test_attributes_are_merged_and_null_removes_one():
    timeline = fold(
        [
            activated(attributes={"room": "1", "serial": "x"}),
            event("suspended", "2026-06-03", attributes={"room": "2"}),
            event("resumed", "2026-06-04", attributes={"room": None}),
            event("changed", "2026-06-05", attributes={"rack": 7}),
        ],
        zones,
    )
    assert [dict(segment.attributes) for segment in timeline.segments] == [
        {"room": "1", "serial": "x"},
        {"room": "2", "serial": "x"},
        {"serial": "x"},
        {"serial": "x", "rack": 7},
    ]


@pytest.mark.parametrize("which", ["customer_id", "product_id"])
def test_a_plan_and_an_activation_need_customer_and_product(which):
    members = {"customer_id": "c1", "product_id": "p"}
    del members[which]
    plan = fold([event("scheduled", "2026-06-01", **members)], zones)
    assert (plan.plans, [code for _, code in codes(plan)]) == ((), ["incomplete_plan"])
    live = fold([event("activated", "2026-06-01", **members)], zones)
    assert (live.segments, [code for _, code in codes(live)]) == ((), ["incomplete_activation"])


def test_a_plan_after_a_stop_keeps_customer_and_product():
    timeline = fold(
        [
            activated(),
            event("deactivated", "2026-06-10", "off"),
            event("scheduled", "2026-07-01", "plan", price_overrides=OWN),
        ],
        zones,
    )
    (plan,) = timeline.plans
    assert (iso(plan.start), plan.customer_id, plan.product_id) == ("2026-07-01", "c1", "p")
    assert (plan.quantity, plan.own_prices, [ref.id for ref in plan.causes]) == (
        exact("1"),
        (("rent", exact("9")),),
        ["plan"],
    )
    again = fold([activated(), event("deactivated", "2026-06-10", "off"), PLANNED], zones)
    assert again.segments[0].causes == (EventRef("x", "activated-2026-06-01"),)


def test_a_state_of_no_day_leaves_no_segment():
    timeline = fold(
        [
            activated(event_id="a"),
            event("changed", "2026-06-01", "b", quantity="2"),
            event("changed", "2026-06-02", "c", quantity="3"),
            event("changed", "2026-06-02", "d", quantity="4"),
        ],
        zones,
    )
    assert states(timeline) == [("2026-06-01", "2026-06-02", "p", "2"), ("2026-06-02", "", "p", "4")]


def test_the_same_quantity_in_other_digits_is_no_change():
    """It is printed as it was given first."""
    timeline = fold(
        [activated(quantity="2"), event("changed", "2026-06-03", customer_id="c2", quantity="2.0")], zones
    )
    assert [segment.quantity.text for segment in timeline.segments] == ["2", "2"]
    assert [trigger.kind for trigger in timeline.triggers] == ["activation"]


EVERYTHING = [
    activated("2026-06-01", "a", attributes={"room": "1"}, price_overrides=OWN),
    event("changed", "2026-06-03", "b", customer_id="c2", quantity="2"),
    event("suspended", "2026-06-04", "c"),
    event("resumed", "2026-06-06", "d"),
    event("returned", "2026-06-10", "e"),
    event("returned", "2026-06-11", "odd"),
    event("voided", "2026-06-12", "v", supersedes="gone"),
    event("changed", "2026-06-07", "gone", quantity="9"),
    event("scheduled", "2026-07-01", "plan", price_overrides=OWN),
]


def test_a_timeline_survives_storage():
    timeline = fold(EVERYTHING, zones)
    pieces = (timeline.segments, timeline.stops, timeline.triggers, timeline.plans)
    assert all((*pieces, timeline.anomalies, timeline.withdrawals)), "there is something of each"
    data = orjson.loads(orjson.dumps(timeline.as_data()))
    assert Timeline.from_data(data) == timeline
    assert customers_in([data]) == timeline.customers() == {"c1", "c2"}


def test_each_piece_names_what_ended_it():
    timeline = fold(EVERYTHING, zones)
    assert [(piece.suspended, piece.ended_by.id) for piece in timeline.segments] == [
        (False, "b"),
        (False, "c"),
        (True, "d"),
        (False, "e"),
    ]


def test_the_types_of_service_events():
    """As BILLING.md §2 names them."""
    kinds = "scheduled activated changed suspended resumed deactivated returned voided"
    assert {f"service.{kind}" for kind in kinds.split()} == SERVICE_EVENT_TYPES


def test_a_running_service_survives_storage():
    """Nothing ended it."""
    timeline = fold([activated()], zones)
    data = orjson.loads(orjson.dumps(timeline.as_data()))
    assert Timeline.from_data(data) == timeline
    assert timeline.segments[0].ended_by is None


@pytest.mark.parametrize(
    "members",
    [{"already_billed_through": day("2026-06-30")}, {}],
    ids=["only its stop says whose it was", "and its activation"],
)
def test_whoever_held_a_service_for_no_day_may_be_charged(members):
    stop = event("deactivated", "2026-06-01", "stop")
    timeline = fold([activated(event_id="on", **members), stop], zones)
    assert timeline.segments == ()
    assert customers_in([timeline.as_data()]) == timeline.customers() == {"c1"}


AGAIN = [activated("2026-06-01", "a"), event("deactivated", "2026-06-10"), activated("2026-06-20", "b")]
FOR_NO_DAY = [*AGAIN, event("deactivated", "2026-06-20"), activated("2026-06-30", "c")]


@pytest.mark.parametrize(
    ("events", "on", "activation"),
    [
        pytest.param(AGAIN, "2026-05-31", "2026-06-01", id="before the first"),
        pytest.param(AGAIN, "2026-06-19", "2026-06-01", id="stopped, not yet active again"),
        pytest.param(AGAIN, "2026-06-20", "2026-06-20", id="active again"),
        pytest.param(FOR_NO_DAY, "2026-06-19", "2026-06-01", id="before it was active for no day"),
        pytest.param(FOR_NO_DAY, "2026-06-25", "2026-06-20", id="a day that only its stop may charge"),
        pytest.param([FOR_NO_DAY[2], FOR_NO_DAY[3]], "2026-06-30", "2026-06-20", id="never for a day"),
        pytest.param(
            [AGAIN[0], AGAIN[1], activated("2026-06-10", "on again")],
            "2026-06-10",
            "2026-06-10",
            id="stopped and active again on one day",
        ),
    ],
)
def test_the_activation_that_a_day_belongs_to(events, on, activation):
    assert iso(fold(events, zones).activation_on(day(on))) == activation


MORE = event("changed", "2026-06-11", "b", quantity="2")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [MORE, event("changed", "2026-06-21", "c", quantity="3")],
            "b a",
            id="what it was on these days, and what ended the time before",
        ),
        pytest.param([event("deactivated", "2026-06-11", "off")], "a off", id="what it was last, its stop"),
        pytest.param([event("deactivated", "2026-06-25", "off")], "a", id="not what came later"),
        pytest.param([event("deactivated", "2026-06-01", "stop")], "a stop", id="no day: only its stop"),
        pytest.param(
            [MORE, event("voided", "2026-06-12", "v", supersedes="b")], "a v", id="what took an event back"
        ),
    ],
)
def test_a_reversal_names_what_said_otherwise(events, expected):
    """For what was invoiced for 11 to 20 June."""
    timeline = fold([activated(event_id="a"), *events], zones)
    span = invoiced("2026-06-11", "2026-06-21")
    assert " ".join(ref.id for ref in withdrawn_by(timeline, span)) == expected
