"""The fold of one service's events (BILLING.md §2): order, states, anomalies."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.days import ALWAYS, FOREVER, day, iso
from billing.facts import EventRef, ServiceEvent, service_event
from billing.money import exact
from billing.timeline import fold

ZURICH = ZoneInfo("Europe/Zurich")


def zones(customer_ids):
    """c1 and c2 live in Zurich, c3 in New York, the tenant in UTC."""
    found = {ZoneInfo("America/New_York") if name == "c3" else ZURICH for name in customer_ids}
    return found.pop() if len(found) == 1 else ZoneInfo("UTC")


def event(kind, effective, event_id=None, **members):
    members = {"service_id": "s1", "heard": 0, **members}
    if "quantity" in members:
        members["quantity"] = exact(members["quantity"])
    if "supersedes" in members:
        members["supersedes"] = EventRef("x", members["supersedes"])
    when = day(effective) if isinstance(effective, str) else effective
    ref = EventRef("x", event_id or f"{kind}-{effective}")
    return ServiceEvent(ref=ref, type=f"service.{kind}", effective=when, **members)


def activated(effective="2026-06-01", event_id=None, **members):
    return event("activated", effective, event_id, **{"customer_id": "c1", "product_id": "p", **members})


def states(timeline):
    """(start, end, product, quantity) of each segment; a suspended one has no quantity."""
    return [
        (
            iso(segment.start),
            "" if segment.end == FOREVER else iso(segment.end),
            segment.product_id,
            "-" if segment.suspended else segment.quantity.text,
        )
        for segment in timeline.segments
    ]


def codes(timeline):
    return [(anomaly.ref.id, anomaly.code) for anomaly in timeline.anomalies]


def test_events_are_ordered_by_day_then_occurrence_then_name():
    """None sorts first; then source and id."""
    at = datetime(2026, 6, 1, 9, tzinfo=UTC)
    timeline = fold(
        [
            event("changed", "2026-06-01", "b", quantity="4"),
            event("changed", "2026-06-01", "z", quantity="2", occurred_at=at),
            event("changed", "2026-06-01", "c", quantity="3", occurred_at=at),
            activated(event_id="a"),
        ],
        zones,
    )
    assert states(timeline) == [("2026-06-01", "", "p", "2")]
    assert [trigger.quantity.text for trigger in timeline.triggers] == ["1", "4", "3", "2"]


@pytest.mark.parametrize(
    ("customer_id", "start"), [("c1", "2026-07-01"), ("c3", "2026-06-30")], ids=["Zurich", "New York"]
)
def test_an_instant_takes_the_customers_zone(customer_id, start):
    instant = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    timeline = fold([activated(instant, customer_id=customer_id)], zones)
    assert iso(timeline.segments[0].start) == start


def test_customers_of_two_zones_leave_the_tenants():
    instant = datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    timeline = fold([activated(instant), event("changed", "2026-07-10", customer_id="c3")], zones)
    assert iso(timeline.segments[0].start) == "2026-06-30"
    withdrawn = fold(
        [
            activated(instant),
            event("changed", "2026-07-10", "moved", customer_id="c3"),
            event("voided", "2026-07-10", supersedes="moved"),
        ],
        zones,
    )
    assert iso(withdrawn.segments[0].start) == "2026-07-01", "what is not folded names nobody"


def test_a_change_keeps_what_it_does_not_name():
    own = {"rent": exact("27.50"), "fee": exact("1")}
    timeline = fold(
        [
            activated(quantity="2", price_overrides=own, attributes={"room": "1", "serial": "x"}),
            event("changed", "2026-06-10", price_overrides={"fee": None}, attributes={"room": "2"}),
            event("changed", "2026-06-20", product_id="q"),
        ],
        zones,
    )
    first, second, third = timeline.segments
    assert first.own_prices == (("fee", exact("1")), ("rent", exact("27.50")))
    assert (second.own_prices, second.quantity) == ((("rent", exact("27.50")),), exact("2"))
    assert second.attributes == {"room": "2", "serial": "x"}
    assert third.own_prices == (), "own prices end with a change of product"
    assert [trigger.kind for trigger in timeline.triggers] == ["activation", "change", "change"]


@pytest.mark.parametrize(
    "members",
    [
        {"attributes": {"room": "2"}},
        {"quantity": "1.0"},
        {"product_id": "p"},
        {"customer_id": "c2"},
        {"price_overrides": {"rent": exact("30")}},
        {"price_overrides": {"none": None}},
    ],
    ids=["attributes", "same quantity", "same product", "customer", "same price", "removes nothing"],
)
def test_what_does_not_trigger(members):
    timeline = fold(
        [
            activated(price_overrides={"rent": exact("30.00")}),
            event("changed", "2026-06-10", **members),
        ],
        zones,
    )
    assert [trigger.kind for trigger in timeline.triggers] == ["activation"]
    assert timeline.anomalies == ()


def test_suspension_and_resume():
    timeline = fold(
        [
            activated(),
            event("suspended", "2026-06-11"),
            event("changed", "2026-06-15", quantity="3"),
            event("resumed", "2026-06-21"),
            event("suspended", "2026-07-01", "s"),
            event("resumed", "2026-07-01", "t"),
        ],
        zones,
    )
    assert states(timeline) == [
        ("2026-06-01", "2026-06-11", "p", "1"),
        ("2026-06-11", "2026-06-15", "p", "-"),
        ("2026-06-15", "2026-06-21", "p", "-"),
        ("2026-06-21", "2026-07-01", "p", "3"),
        ("2026-07-01", "", "p", "3"),
    ]
    assert timeline.anomalies == ()


def test_a_second_activation_begins_anew():
    timeline = fold(
        [
            activated(quantity="2", price_overrides={"rent": exact("1")}),
            event("deactivated", "2026-06-11"),
            event("activated", "2026-06-21"),
        ],
        zones,
    )
    again = timeline.segments[1]
    assert (again.customer_id, again.product_id, again.quantity) == ("c1", "p", exact("1"))
    assert (again.own_prices, again.activation) == ((), day("2026-06-21"))
    assert [iso(stop.day) for stop in timeline.stops] == ["2026-06-11"]


def test_a_stop_while_suspended_is_no_stop_that_may_be_billed():
    timeline = fold([activated(), event("suspended", "2026-06-11"), event("returned", "2026-06-21")], zones)
    assert timeline.stops == ()
    assert [trigger.kind for trigger in timeline.triggers] == ["activation", "return"]


def test_returned_once_until_the_next_activation():
    timeline = fold(
        [
            activated(),
            event("deactivated", "2026-06-11"),
            event("returned", "2026-06-15"),
            event("returned", "2026-06-16"),
            event("activated", "2026-07-01"),
            event("returned", "2026-07-10"),
        ],
        zones,
    )
    returns = [iso(trigger.day) for trigger in timeline.triggers if trigger.kind == "return"]
    assert returns == ["2026-06-15", "2026-07-10"]
    assert codes(timeline) == [("returned-2026-06-16", "already_returned")]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event("changed", "2026-06-01", quantity="2")], "not_active"),
        ([event("suspended", "2026-06-01")], "not_active"),
        ([event("deactivated", "2026-06-01")], "not_active"),
        ([event("returned", "2026-06-01")], "never_active"),
        ([event("resumed", "2026-06-01")], "not_suspended"),
        ([event("activated", "2026-06-01")], "incomplete_activation"),
        ([event("scheduled", "2026-06-01", customer_id="c1")], "incomplete_plan"),
        ([activated(), activated("2026-06-02")], "already_active"),
        (
            [activated(), event("suspended", "2026-06-02"), event("suspended", "2026-06-03")],
            "not_active",
        ),
        ([activated(), event("suspended", "2026-06-02"), activated("2026-06-03")], "already_active"),
        ([activated(), event("resumed", "2026-06-03")], "not_suspended"),
        (
            [activated(), event("deactivated", "2026-06-02"), event("deactivated", "2026-06-03")],
            "not_active",
        ),
        ([activated(), event("voided", "2026-06-02", supersedes="nothing")], "supersedes_unknown"),
        ([activated(), event("voided", "2026-06-02", "me", supersedes="me")], "supersedes_unknown"),
    ],
)
def test_what_makes_no_sense_is_reported(events, expected):
    timeline = fold(events, zones)
    assert [code for _, code in codes(timeline)] == [expected]
    assert timeline.anomalies[0].ref == events[-1].ref


def test_a_superseded_event_stays_out_for_good():
    """Also when the one that named it is itself voided; nothing is inherited."""
    timeline = fold(
        [
            activated("2026-06-01", "a", quantity="5"),
            activated("2026-06-10", "b", supersedes="a"),
            event("voided", "2026-06-10", "v", supersedes="b"),
        ],
        zones,
    )
    assert timeline.segments == ()
    assert timeline.withdrawals == (
        (EventRef("x", "a"), EventRef("x", "b")),
        (EventRef("x", "b"), EventRef("x", "v")),
    )
    replaced = fold(
        [activated("2026-06-01", "a", quantity="5"), activated("2026-06-10", "b", supersedes="a")], zones
    )
    assert states(replaced) == [("2026-06-10", "", "p", "1")]


def test_a_plan_lives_until_an_activation():
    plan = event("scheduled", "2026-07-01", customer_id="c1", product_id="p", quantity="2")
    planned = fold([plan], zones)
    assert [(iso(piece.start), piece.quantity.text) for piece in planned.plans] == [("2026-07-01", "2")]
    assert planned.segments == ()
    live = fold([plan, event("activated", "2026-07-10")], zones)
    assert (live.plans, live.anomalies) == ((), ())
    assert (live.segments[0].customer_id, live.segments[0].quantity) == ("c1", exact("1"))
    assert fold([activated(), plan], zones).plans == (), "a service that runs is not planned"


@pytest.mark.parametrize(
    ("members", "charged_from", "triggers"),
    [
        ({}, ALWAYS, 1),
        ({"already_billed_through": day("2026-06-30")}, day("2026-07-01"), 0),
        ({"free_until": day("2026-07-15")}, day("2026-07-15"), 1),
        (
            {"already_billed_through": day("2026-06-30"), "free_until": day("2026-07-15")},
            day("2026-07-15"),
            0,
        ),
        (
            {"already_billed_through": day("2026-07-20"), "free_until": day("2026-07-15")},
            day("2026-07-21"),
            0,
        ),
    ],
)
def test_how_the_past_is_to_be_taken(members, charged_from, triggers):
    timeline = fold([activated(**members)], zones)
    assert timeline.segments[0].charged_from == charged_from
    assert len(timeline.triggers) == triggers


def test_causes_name_what_shaped_a_state():
    timeline = fold(
        [
            activated(event_id="a"),
            event("changed", "2026-06-05", "b", quantity="2"),
            event("changed", "2026-06-07", "c", quantity="3"),
            event("suspended", "2026-06-11", "d"),
        ],
        zones,
    )
    causes = [[ref.id for ref in segment.causes] for segment in timeline.segments]
    assert causes == [["a"], ["a", "b"], ["a", "c"], ["a", "c", "d"]]
    assert [segment.ended_by and segment.ended_by.id for segment in timeline.segments] == [
        "b",
        "c",
        "d",
        None,
    ]


def test_a_fact_is_read_from_its_event():
    fact = service_event(
        {
            "source": "/f",
            "id": "1",
            "type": "service.activated",
            "time": "2026-06-24T08:12:31Z",
            "data": {
                "service_id": "s1",
                "customer_id": "c",
                "product_id": "p",
                "quantity": "1.50",
                "effective": "2026-06-24T10:00:00+02:00",
                "price_overrides": {"rent": "27.50", "fee": None},
                "supersedes": {"id": "0"},
                "free_until": "2026-07-01",
            },
        },
        heard=7,
    )
    assert fact.effective == datetime(2026, 6, 24, 8, tzinfo=UTC)
    assert fact.occurred_at == datetime(2026, 6, 24, 8, 12, 31, tzinfo=UTC)
    assert (fact.heard, fact.quantity, fact.supersedes) == (7, exact("1.5"), EventRef("/f", "0"))
    assert fact.price_overrides == {"rent": exact("27.5"), "fee": None}
    assert (fact.free_until, fact.already_billed_through) == (day("2026-07-01"), None)
