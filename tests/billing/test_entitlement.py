"""What a timeline entitles to, and because of which facts (BILLING.md §3 to §6)."""

import pytest

from billing.days import day, iso
from billing.entitlement import amount_of, entitle, not_ratable
from billing.facts import EventRef
from billing.money import exact
from tests.billing.laptops import ACTIVATED, CATALOG, fact, later, terms, timeline


def found(*events, until="2026-07-15", since=None, price="rent", **policy):
    """(start, end, minor units, ids of events) of one price."""
    policies = terms(**policy)
    spans = entitle(
        timeline(*events, policies=policies),
        CATALOG,
        policies,
        until=day(until),
        since=since and day(since),
    )
    return [
        (
            iso(span.start),
            iso(span.end),
            span.amount_minor,
            " ".join(ref.id for ref in span.explanation.events),
        )
        for span in spans
        if span.price_id == price
    ]


MAY = ("2026-05-10", "2026-06-01", 2129, "on")
JUNE = ("2026-06-01", "2026-07-01", 3000, "on")
JULY = ("2026-07-01", "2026-08-01", 3000, "on")


@pytest.mark.parametrize(
    ("until", "since", "expected"),
    [
        pytest.param("2026-07-01", None, [MAY, JUNE, JULY], id="a period that begins on the last day"),
        pytest.param("2026-06-30", None, [MAY, JUNE], id="none that begins later"),
        pytest.param("2026-07-15", "2026-05-31", [MAY, JUNE, JULY], id="what ends later than it is settled"),
        pytest.param("2026-07-15", "2026-06-01", [JUNE, JULY], id="not what has ended by then"),
    ],
)
@pytest.mark.parametrize("credit_on_stop", ["credit", "none"])
def test_periods_from_and_till_a_day(until, since, expected, credit_on_stop):
    assert found(ACTIVATED, until=until, since=since, credit_on_stop=credit_on_stop) == expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [(None, 1), ("2026-05-10", 1), ("2026-05-11", 0)],
    ids=["all", "its own day", "the day after"],
)
def test_one_time_amounts_from_a_day(since, expected):
    assert len(found(ACTIVATED, since=since, price="setup")) == expected


@pytest.mark.parametrize(("price", "expected"), [("gift", 1), ("late", 0)])
def test_a_one_time_price_counts_from_its_day(price, expected):
    assert len(found(ACTIVATED, price=price)) == expected


def test_recurring_and_one_time_amounts_say_which_they_are():
    policies = terms()
    spans = entitle(timeline(ACTIVATED, policies=policies), CATALOG, policies, until=day("2026-05-31"))
    assert [(span.price_id, span.kind, span.explanation.rule, span.full_end) for span in spans] == [
        ("gift", "one_time", "one_time", None),
        ("setup", "one_time", "one_time", None),
        ("rent", "recurring", "actual", day("2026-06-01")),
    ]


def test_a_quantity_of_zero_makes_no_line():
    none = fact("service.activated", "on", **{**ACTIVATED["data"], "quantity": 0})
    assert found(none, price="setup") == []
    assert found(none, price="rent") == []
    more = later("changed", "more", "2026-05-20", quantity=1)
    assert found(none, more, price="swap") == [("2026-05-20", "2026-05-21", 500, "on more")]


@pytest.mark.parametrize(("rounding", "expected"), [("half_up", 5), ("half_even", 4), ("down", 4)])
def test_a_span_is_rounded_as_its_policy_says(rounding, expected):
    little = fact("service.activated", "on", **{**ACTIVATED["data"], "quantity": "0.0015"})
    assert [amount for *_, amount, _ in found(little, rounding=rounding)][1:] == [expected, expected]


def test_a_backdated_start_is_told_on_the_span_that_it_shortens():
    billed = fact("service.activated", "on", **{**ACTIVATED["data"], "already_billed_through": "2026-05-19"})
    policies = terms()
    history = timeline(billed, later("changed", "more", "2026-05-25", quantity=2), policies=policies)
    spans = entitle(history, CATALOG, policies, until=day("2026-06-01"))
    told = [(iso(span.start), span.explanation.charged_from) for span in spans if span.price_id == "rent"]
    assert told == [("2026-05-20", day("2026-05-20")), ("2026-05-25", None), ("2026-06-01", None)]


def test_one_time_amounts_after_one_that_is_settled_or_not_ratable():
    later_ones = (
        later("changed", "more", "2026-05-20", quantity=2),
        later("changed", "less", "2026-05-25", quantity=1),
    )
    expected = [("2026-05-25", "2026-05-26", 500, "on less")]
    assert found(ACTIVATED, *later_ones, since="2026-05-21", price="swap") == expected
    unknown = fact(
        "service.activated", "on", service_id="s", customer_id="?", product_id="gone", effective="2026-05-10"
    )
    taken = (
        later("changed", "known", "2026-05-15", customer_id="c", quantity=3),
        later("changed", "laptop", "2026-05-20", product_id="laptop"),
    )
    assert found(unknown, *taken, price="swap") == [("2026-05-20", "2026-05-21", 1500, "on known laptop")]


@pytest.mark.parametrize(("since", "kept"), [("2026-05-31", True), ("2026-06-01", False)])
def test_what_a_stop_leaves_standing_is_settled_like_the_rest(since, kept):
    stop = later("deactivated", "off", "2026-05-20")
    expected = [("2026-05-10", "2026-06-01", 2129, "on off")] if kept else []
    assert found(ACTIVATED, stop, since=since, credit_on_stop="none") == expected


def test_a_price_that_begins_on_the_last_active_day_is_kept_till_its_period_ends():
    stop = later("deactivated", "off", "2026-06-11")
    assert found(ACTIVATED, stop, price="care", credit_on_stop="none") == [
        ("2026-06-10", "2026-07-01", 2100, "on off")
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [later("changed", "more", "2026-06-11", quantity=2)],
            [
                MAY,
                ("2026-06-01", "2026-06-11", 1000, "on more"),
                ("2026-06-11", "2026-07-01", 4000, "on more"),
                ("2026-07-01", "2026-08-01", 6000, "on more"),
            ],
            id="a change that cuts a period ends one span and begins the next",
        ),
        pytest.param(
            [later("changed", "more", "2026-07-01", quantity=2)],
            [MAY, JUNE, ("2026-07-01", "2026-08-01", 6000, "on more")],
            id="a change on a boundary has no part in the period before",
        ),
        pytest.param(
            [later("deactivated", "off", "2026-06-11")],
            [MAY, ("2026-06-01", "2026-06-11", 1000, "on off")],
            id="a stop",
        ),
        pytest.param([later("deactivated", "off", "2026-07-01")], [MAY, JUNE], id="a stop on a boundary"),
        pytest.param(
            [
                later("changed", "own", "2026-06-11", price_overrides={"rent": "30.00"}),
                later("changed", "usual", "2026-06-21", price_overrides={"rent": None}),
            ],
            [
                MAY,
                ("2026-06-01", "2026-07-01", 3000, "on own usual"),
                ("2026-07-01", "2026-08-01", 3000, "on usual"),
            ],
            id="neighbouring days at one rate are one span of all facts",
        ),
    ],
)
def test_a_span_names_the_facts_that_made_it(events, expected):
    assert found(ACTIVATED, *events) == expected


def test_a_stop_on_a_boundary_leaves_nothing_standing():
    stop = later("deactivated", "off", "2026-07-01")
    assert found(ACTIVATED, stop, credit_on_stop="none") == [MAY, JUNE]


def test_a_day_on_which_it_stops_and_starts_again_is_charged_once():
    """It belongs to the later state; a later stop still has its day (BILLING.md §2)."""
    events = (
        later("deactivated", "1 stop", "2026-06-11"),
        later("activated", "2 again", "2026-06-11"),
        later("deactivated", "3 stop", "2026-06-20"),
    )
    assert [span[:3] for span in found(ACTIVATED, *events, stop_day="billed")] == [
        MAY[:3],
        ("2026-06-01", "2026-06-21", 2000),
    ]


def test_an_activity_of_no_day_changes_nothing_of_what_stands():
    events = (
        later("deactivated", "1 stop", "2026-06-11"),
        later("activated", "2 again", "2026-06-20", quantity=2),
        later("deactivated", "3 stop", "2026-06-20"),
    )
    assert [span[:3] for span in found(ACTIVATED, *events, credit_on_stop="none")] == [MAY[:3], JUNE[:3]]


def test_what_is_not_known_costs_nothing_and_is_reported_once():
    policies = terms(stop_day="billed", credit_on_stop="none")
    events = (
        fact(
            "service.activated",
            "on",
            service_id="s",
            customer_id="?",
            product_id="laptop",
            effective="2026-05-10",
        ),
        later("changed", "more", "2026-05-20", quantity=2),
        later("changed", "known", "2026-06-10", customer_id="c", product_id="gone"),
        later("deactivated", "off", "2026-06-20"),
    )
    line = timeline(*events, policies=policies)
    assert entitle(line, CATALOG, policies, until=day("2026-07-15")) == ()
    assert [
        (anomaly.ref, anomaly.code, anomaly.detail) for anomaly in not_ratable(line, CATALOG, policies)
    ] == [
        (EventRef("x", "on"), "unknown_customer", "customer ? is not known"),
        (EventRef("x", "on"), "unknown_product", "product gone is not known"),
    ]


def test_whatever_happens_to_a_service_of_an_unknown_customer_costs_nothing():
    policies = terms(stop_day="billed", credit_on_stop="none")
    unknown = fact(
        "service.activated",
        "on",
        service_id="s",
        customer_id="?",
        product_id="laptop",
        effective="2026-05-10",
    )
    exchanged = later("changed", "weekly", "2026-06-10", product_id="weekly")
    line = timeline(unknown, exchanged, later("deactivated", "off", "2026-06-20"), policies=policies)
    assert entitle(line, CATALOG, policies, until=day("2026-07-15")) == ()


@pytest.mark.parametrize(
    ("unit", "quantity", "part", "currency", "expected"),
    [
        pytest.param("30", "1", (1, 1), "EUR", (3000, 3000, 1), id="whole"),
        pytest.param("0.30", "2.5", (1, 1), "EUR", (75, 75, 1), id="as fine as the currency"),
        pytest.param("30", "1", (1, 2), "EUR", (1500, 1500, 1), id="a half"),
        pytest.param("10", "1", (7, 30), "EUR", (233, 700, 3), id="in lowest terms"),
        pytest.param("0.0125", "3", (1, 1), "EUR", (4, 15, 4), id="finer than a cent"),
        pytest.param("0.5", "1", (1, 1), "JPY", (1, 1, 2), id="no decimals"),
        pytest.param("1.2345", "1", (1, 1), "KWD", (1235, 2469, 2), id="three decimals"),
    ],
)
def test_an_amount_is_exact_until_it_is_rounded_once(unit, quantity, part, currency, expected):
    """Minor units, and the fraction before it was rounded (BILLING.md §5)."""
    assert amount_of(exact(unit), exact(quantity), part, currency, "half_up") == expected
