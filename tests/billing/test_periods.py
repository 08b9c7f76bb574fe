"""Where full periods lie, and the shares of their parts (BILLING.md §4, §5)."""

import pytest

from billing.days import ALWAYS, FOREVER, day, iso
from billing.periods import Grids, Layout, day_in_month, is_day_of_month
from billing.proration import days_30e_360, share


def pieces(grid, first, count):
    index = grid.at(day(first))
    grid.at(day(first) + 40 * count)
    return [
        (iso(grid.begins[i]), iso(grid.starts[i]), iso(grid.ends[i])) for i in range(index, index + count)
    ]


def boundaries(layout, interval, activation, first, count):
    """The starts of full periods from the one that contains `first` on."""
    grid = Grids([(ALWAYS, layout)]).grid(interval, day(activation))
    index = grid.at(day(first))
    grid.at(day(first) + 400 * count)
    return [iso(start) for start in grid.starts[index : index + count]]


CALENDAR, ANNIVERSARY = Layout("calendar", 1), Layout("anniversary", 1)


@pytest.mark.parametrize(
    ("layout", "interval", "activation", "starts"),
    [
        pytest.param(CALENDAR, "month", "2026-06-24", ["2026-06-01", "2026-07-01"], id="calendar month"),
        pytest.param(CALENDAR, "quarter", "2026-06-24", ["2026-04-01", "2026-07-01"], id="calendar quarter"),
        pytest.param(CALENDAR, "half_year", "2026-06-24", ["2026-01-01", "2026-07-01"], id="half-year"),
        pytest.param(CALENDAR, "year", "2026-06-24", ["2026-01-01", "2027-01-01"], id="calendar year"),
        pytest.param(CALENDAR, "week", "2026-06-24", ["2026-06-22", "2026-06-29"], id="Monday"),
        pytest.param(
            Layout("billing_day", 15),
            "week",
            "2026-06-24",
            ["2026-06-22", "2026-06-29"],
            id="Monday, whatever the billing day",
        ),
        pytest.param(ANNIVERSARY, "week", "2026-06-24", ["2026-06-24", "2026-07-01"], id="weekday"),
        pytest.param(
            Layout("billing_day", 31),
            "month",
            "2027-01-31",
            ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"],
            id="billing day 31, clamped from the anchor",
        ),
        pytest.param(
            Layout("billing_day", 31),
            "quarter",
            "2026-11-01",
            ["2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31"],
            id="a quarter anchored at the end of November",
        ),
        pytest.param(
            Layout("billing_day", 15),
            "quarter",
            "2026-06-16",
            ["2026-04-15", "2026-07-15"],
            id="the first billing day after the activation is the anchor",
        ),
        pytest.param(
            Layout("billing_day", 15), "quarter", "2026-06-15", ["2026-06-15", "2026-09-15"], id="on it"
        ),
        pytest.param(
            ANNIVERSARY,
            "month",
            "2024-01-31",
            ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"],
            id="anniversary at the end of a month",
        ),
        pytest.param(
            ANNIVERSARY, "year", "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28"], id="29 February"
        ),
    ],
)
def test_boundaries(layout, interval, activation, starts):
    assert boundaries(layout, interval, activation, activation, len(starts)) == starts


def changing(*layouts):
    return Grids([(ALWAYS, layouts[0][1]), *((day(since), layout) for since, layout in layouts[1:])])


def test_a_period_ends_before_another_alignment_begins():
    """From calendar months to billing day 15, effective within October (OWN-101)."""
    grids = changing((None, CALENDAR), ("2026-10-10", Layout("billing_day", 15)))
    assert pieces(grids.grid("month", day("2026-10-01")), "2026-10-01", 3) == [
        ("2026-10-01", "2026-10-01", "2026-11-01"),
        ("2026-11-01", "2026-10-15", "2026-11-15"),
        ("2026-11-15", "2026-11-15", "2026-12-15"),
    ]


def test_a_service_activated_inside_an_old_period_keeps_it():
    grids = changing((None, CALENDAR), ("2026-10-10", Layout("billing_day", 15)))
    assert pieces(grids.grid("month", day("2026-10-20")), "2026-10-20", 2) == [
        ("2026-10-01", "2026-10-01", "2026-11-01"),
        ("2026-11-01", "2026-10-15", "2026-11-15"),
    ]


def test_a_period_that_begins_on_the_day_of_the_change_has_the_new_alignment():
    """Also for a service that is activated later (BILLING.md §1)."""
    grids = changing((None, CALENDAR), ("2026-11-01", Layout("billing_day", 15)))
    for activation in ("2026-06-24", "2026-11-20"):
        assert pieces(grids.grid("month", day(activation)), "2026-11-20", 1) == [
            ("2026-11-15", "2026-11-15", "2026-12-15")
        ]


def test_a_change_that_is_taken_back_before_a_boundary_is_nothing():
    grids = changing((None, CALENDAR), ("2026-10-10", ANNIVERSARY), ("2026-10-20", CALENDAR))
    assert pieces(grids.grid("month", day("2026-01-10")), "2026-10-12", 2) == [
        ("2026-10-01", "2026-10-01", "2026-11-01"),
        ("2026-11-01", "2026-11-01", "2026-12-01"),
    ]


def test_a_grid_is_shared_where_boundaries_are_the_same():
    grids = Grids([(ALWAYS, Layout("billing_day", 15))])
    assert grids.grid("quarter", day("2026-06-01")) is grids.grid("quarter", day("2026-09-15"))
    assert grids.grid("quarter", day("2026-06-01")) is not grids.grid("quarter", day("2026-06-16"))


def test_the_grid_of_an_anniversary_is_kept():
    grids = Grids([(ALWAYS, ANNIVERSARY)])
    assert grids.grid("month", day("2026-06-24")) is grids.grid("month", day("2026-06-24"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("2030-01-25", "2030-01-02", id="weeks before it"),
        pytest.param("2040-01-02", "2040-01-01", id="a Monday, and the Sunday before"),
    ],
)
def test_a_shared_grid_has_the_periods_of_an_earlier_activation(first, second):
    grids = Grids([(ALWAYS, CALENDAR)])
    later, earlier = (grids.grid("week", day(activation)) for activation in (first, second))
    assert later is earlier
    assert earlier.starts[earlier.at(day(second))] <= day(second)


def test_the_day_on_which_a_period_ends_is_of_the_next_one():
    grid = Grids([(ALWAYS, ANNIVERSARY)]).grid("month", day("2026-06-24"))
    index = grid.at(day("2026-07-24"))
    assert iso(grid.starts[index]) == "2026-07-24"


def test_nothing_is_looked_for_beyond_the_limit():
    grid = Grids([(ALWAYS, CALENDAR)]).grid("month", day("2026-06-24"))
    assert grid.within(day("9999-12-31"), day("2026-07-02")) == -1
    assert len(grid.ends) < 200
    index = grid.within(day("2026-07-31"), day("2026-07-02"))
    assert iso(grid.begins[index]) == "2026-07-01"
    assert grid.within(day("2026-07-31"), day("2026-06-30")) == -1, "it is known by now, but lies beyond"
    assert grid.following(index, day("2026-07-31")) == -1
    assert grid.following(index, day("2026-08-01")) == index + 1


def test_time_ends_without_an_error():
    assert day_in_month(9999 * 12 + 11, 31) == day("9999-12-31")
    assert day_in_month(10000 * 12, 15) == FOREVER


@pytest.mark.parametrize(
    ("on", "billing_day", "is_one"),
    [("2026-02-28", 31, True), ("2026-03-30", 31, False), ("2026-04-30", 31, True), ("2026-04-15", 15, True)],
)
def test_billing_days_are_clamped(on, billing_day, is_one):
    assert is_day_of_month(day(on), billing_day) is is_one


@pytest.mark.parametrize(
    ("proration", "interval", "full", "served", "expected"),
    [
        ("actual", "month", ("2026-06-01", "2026-07-01"), ("2026-06-24", "2026-07-01"), (7, 30)),
        ("actual", "quarter", ("2026-04-01", "2026-07-01"), ("2026-05-20", "2026-07-01"), (42, 91)),
        ("fixed_30", "month", ("2026-07-01", "2026-08-01"), ("2026-07-11", "2026-08-01"), (21, 30)),
        ("fixed_30", "month", ("2026-07-01", "2026-08-01"), ("2026-07-02", "2026-08-01"), (1, 1)),
        ("fixed_30", "month", ("2026-02-01", "2026-03-01"), ("2026-02-01", "2026-03-01"), (1, 1)),
        ("fixed_30", "month", ("2026-02-01", "2026-03-01"), ("2026-02-02", "2026-03-01"), (27, 30)),
        ("fixed_30", "year", ("2026-01-01", "2027-01-01"), ("2026-07-01", "2027-01-01"), (184, 360)),
        ("thirty_360", "month", ("2026-07-01", "2026-08-01"), ("2026-07-31", "2026-08-01"), (1, 30)),
        ("thirty_360", "month", ("2026-02-01", "2026-03-01"), ("2026-02-15", "2026-03-01"), (16, 30)),
        ("thirty_360", "year", ("2026-01-01", "2027-01-01"), ("2026-07-01", "2027-01-01"), (180, 360)),
        ("thirty_360", "week", ("2026-06-22", "2026-06-29"), ("2026-06-24", "2026-06-29"), (5, 7)),
        ("fixed_30", "week", ("2026-06-22", "2026-06-29"), ("2026-06-24", "2026-06-29"), (5, 7)),
        ("none", "month", ("2026-06-01", "2026-07-01"), ("2026-06-24", "2026-07-01"), (1, 1)),
    ],
)
def test_share(proration, interval, full, served, expected):
    spans = [tuple(day(text) for text in span) for span in (full, served)]
    assert share(proration, interval, full=spans[0], served=spans[1]) == expected


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-01-30", "2026-01-31", 0),
        ("2026-01-31", "2026-02-28", 28),
        ("2026-02-28", "2026-03-31", 32),
        ("2026-01-15", "2027-01-15", 360),
    ],
)
def test_30e_360(start, end, days):
    """Day 31 counts as 30 at both ends; the end of February is no exception (ISDA 2006, 4.16 g)."""
    assert days_30e_360(day(start), day(end)) == days
