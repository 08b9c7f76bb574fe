"""Dated policies of a tenant and its customers: which value holds when (BILLING.md §1)."""

from zoneinfo import ZoneInfo

import pytest

from billing.days import ALWAYS, day, iso
from billing.facts import EventRef
from billing.policies import Policy, fold_policies


def fact(kind, name, /, **data):
    members = {"time": data.pop("time")} if "time" in data else {}
    return {"source": "x", "id": name, "type": kind, "data": data, **members}


def tenant(name="t", /, **data):
    return fact("tenant.configured", name, **{"currency": "EUR", "timezone": "UTC", **data})


def registered(name="c", /, **data):
    return fact("customer.registered", name, **{"customer_id": "c", **data})


def changed(name, effective, /, **data):
    return fact("customer.changed", name, **{"customer_id": "c", "effective": effective, **data})


def folded(*facts):
    book, anomalies = fold_policies([(event, heard) for heard, event in enumerate(facts, 1)])
    return book, [(anomaly.ref.id, anomaly.code) for anomaly in anomalies]


def policies(*facts):
    book, anomalies = folded(*facts)
    assert anomalies == []
    return [("" if since == ALWAYS else iso(since), policy) for since, policy in book.terms("c").policies]


VALUES = {
    "alignment": "billing_day",
    "billing_day": 7,
    "proration": "none",
    "stop_day": "billed",
    "rounding": "down",
    "credit_on_stop": "none",
    "account_credit": "pay_out",
}


def test_the_defaults():
    """As BILLING.md §10 shows them; what is left over is set off."""
    assert Policy() == Policy(
        alignment="calendar",
        billing_day=1,
        proration="actual",
        stop_day="free",
        rounding="half_up",
        credit_on_stop="credit",
        account_credit="set_off",
    )


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_the_customers_else_the_tenants_else_the_default(name):
    value = {name: VALUES[name]}
    assert policies(tenant(), registered()) == [("", Policy())]
    assert policies(tenant(**value), registered()) == [("", Policy(**value))]
    assert policies(tenant(), registered(**value)) == [("", Policy(**value))]
    own = {name: getattr(Policy(), name)}
    assert policies(tenant(**value), registered(**own)) == [("", Policy())]
    assert policies(tenant(**value), registered(**{name: None})) == [("", Policy(**value))]


def test_a_value_counts_from_its_day():
    assert policies(
        tenant(billing_day=5),
        registered(),
        tenant("u", effective="2026-08-01", billing_day=6),
        changed("a", "2026-07-01", rounding="down"),
        changed("b", "2026-09-01", rounding=None),
        changed("n", "2026-09-10", name="nothing of a policy"),
        changed("s", "2026-09-11", billing_day=6),
    ) == [
        ("", Policy(billing_day=5)),
        ("2026-07-01", Policy(billing_day=5, rounding="down")),
        ("2026-08-01", Policy(billing_day=6, rounding="down")),
        ("2026-09-01", Policy(billing_day=6)),
    ]


def test_the_value_of_a_day_holds_from_that_day():
    book, _ = folded(tenant(), registered(), changed("a", "2026-07-01", billing_day=9))
    terms = book.terms("c")
    assert [terms.billing_day_on(day(on)) for on in ("2026-06-30", "2026-07-01", "2026-07-02")] == [1, 9, 9]
    assert terms.is_billing_day(day("2026-06-01"))
    assert not terms.is_billing_day(day("2026-07-01"))
    assert terms.is_billing_day(day("2026-07-09"))


def test_the_tenants_first_fact_counts_from_always_and_the_later_heard_wins():
    assert policies(
        tenant(effective="2026-08-01", billing_day=5),
        registered(),
        tenant("u", effective="2026-09-01", billing_day=7),
        tenant("a", effective="2026-09-01", billing_day=8),
    ) == [("", Policy(billing_day=5)), ("2026-09-01", Policy(billing_day=8))]


def test_facts_are_known_by_name_and_the_first_heard_counts():
    early, late = changed("a", "2026-07-01", billing_day=8), changed("b", "2026-07-01", billing_day=9)
    book, _ = fold_policies([(early, 9), (late, 5), (early, 3), (registered(), 2), (tenant(), 1)])
    assert book.terms("c").billing_day_on(day("2026-07-01")) == 9


def test_an_instant_takes_the_zone_of_whose_policy_it_is():
    instant = "2026-06-30T23:30:00Z"
    zurich = registered(timezone="Europe/Zurich")
    assert policies(tenant(), zurich, changed("a", instant, billing_day=9))[1][0] == "2026-07-01"
    assert policies(tenant(), registered(), changed("a", instant, billing_day=9))[1][0] == "2026-06-30"
    assert policies(tenant(), zurich, tenant("u", effective=instant, billing_day=9))[1][0] == "2026-06-30"
    of_zurich = {"timezone": "Europe/Zurich"}
    later = tenant("u", effective=instant, billing_day=9, **of_zurich)
    assert policies(tenant(**of_zurich), registered(), later)[1][0] == "2026-07-01"


def test_zones():
    book, anomalies = folded(
        tenant(timezone="Europe/Zurich"),
        registered("d", customer_id="d", timezone="America/New_York"),
        registered("b", customer_id="b", timezone="America/New_York"),
        registered(),
    )
    assert book.customer_ids == ("b", "c", "d")
    assert [book.terms(name).zone.key for name in ("b", "c")] == ["America/New_York", "Europe/Zurich"]
    assert book.zone == ZoneInfo("Europe/Zurich")
    assert book.zone_of(["b", "d"]).key == "America/New_York"
    assert [book.zone_of(names).key for names in ([], ["c"], ["b", "c"], ["?"], ["b", "?"])] == [
        "Europe/Zurich"
    ] * 5
    assert (book.currency, book.terms("?"), anomalies) == ("EUR", None, [])
    assert book.terms("b") is book.terms("b")


@pytest.mark.parametrize(
    ("facts", "zone", "odd"),
    [
        pytest.param(
            [registered("a", timezone="Europe/Zurich", time="2026-01-02T00:00:00Z"), registered("b")],
            "UTC",
            [("a", "customer_differs")],
            id="one that names no time is first",
        ),
        pytest.param(
            [
                registered("a", timezone="Europe/Zurich", time="2026-01-02T00:00:00Z"),
                registered("b", timezone="Asia/Tokyo", time="2026-01-01T00:00:00Z"),
            ],
            "Asia/Tokyo",
            [("a", "customer_differs")],
            id="then the earlier",
        ),
        pytest.param(
            [registered("b", timezone="Europe/Zurich"), registered("a", timezone="Asia/Tokyo")],
            "Asia/Tokyo",
            [("b", "customer_differs")],
            id="then by name",
        ),
        pytest.param([registered("a"), registered("b")], "UTC", [], id="the same again"),
    ],
)
def test_of_several_registrations_the_first_in_the_order_of_the_fold_counts(facts, zone, odd):
    book, anomalies = folded(tenant(), *facts)
    assert (book.terms("c").zone.key, anomalies) == (zone, odd)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param([tenant("u", currency="CHF")], [("u", "tenant_differs")], id="currency"),
        pytest.param([tenant("u", timezone="Asia/Tokyo")], [("u", "tenant_differs")], id="time zone"),
        pytest.param(
            [tenant("u", currency="CHF", timezone="Asia/Tokyo")],
            [("u", "tenant_differs"), ("u", "tenant_differs")],
            id="both",
        ),
        pytest.param([fact("tenant.configured", "u", name="N")], [], id="neither is named again"),
        pytest.param([tenant("u", billing_day=3)], [("u", "effective_missing")], id="from which day?"),
        pytest.param(
            [changed("d", "2026-06-10", supersedes={"id": "c"})], [("d", "supersedes_unknown")], id="c"
        ),
        pytest.param(
            [changed("d", "2026-06-10", supersedes={"id": "d"})], [("d", "supersedes_unknown")], id="d"
        ),
        pytest.param(
            [tenant("u", effective="2026-06-10", supersedes={"id": "t"})],
            [("u", "supersedes_unknown")],
            id="what opened the ledger can't be superseded",
        ),
        pytest.param(
            [changed("d", "2026-06-10", customer_id="?"), changed("e", "2026-06-10", customer_id="?")],
            [("d", "unknown_customer"), ("e", "unknown_customer")],
            id="never registered",
        ),
    ],
)
def test_what_makes_no_sense(facts, expected):
    book, anomalies = folded(tenant(), registered(), *facts)
    assert anomalies == expected
    assert book.terms("?") is None
    assert book.terms("c").policies == ((ALWAYS, Policy()),)


def test_what_is_superseded_is_out_values_and_prices():
    book, anomalies = folded(
        tenant(),
        registered(price_overrides={"p": {"rent": "9"}}),
        changed("a", "2026-06-10", billing_day=9, price_overrides={"p": {"rent": "8"}}),
        changed(
            "b",
            "2026-06-11",
            supersedes={"id": "a"},
            price_overrides={"p": {"rent": None}, "q": {"fee": "1"}},
        ),
        tenant("u", effective="2026-07-01", rounding="down"),
        tenant("v", effective="2026-07-01", supersedes={"id": "u"}),
    )
    terms = book.terms("c")
    assert ([policy for _, policy in terms.policies], anomalies) == ([Policy()], [])
    found = {
        key: [(price.effective, price.amount and price.amount.text, price.ref) for price in prices]
        for key, prices in terms.prices.items()
    }
    assert found == {
        ("p", "rent"): [
            (ALWAYS, "9", EventRef("x", "c")),
            (day("2026-06-11"), None, EventRef("x", "b")),
        ],
        ("q", "fee"): [(day("2026-06-11"), "1", EventRef("x", "b"))],
    }


def test_prices_stand_in_the_order_of_their_days_then_as_heard():
    book, _ = folded(
        tenant(),
        registered(),
        changed("z", "2026-08-01", price_overrides={"p": {"rent": "7"}}),
        changed("y", "2026-07-01", price_overrides={"p": {"rent": "6"}}),
        changed("x", "2026-07-01", price_overrides={"p": {"rent": "5"}}),
    )
    assert [price.ref.id for price in book.terms("c").prices["p", "rent"]] == ["y", "x", "z"]


def test_full_periods_follow_the_alignment_in_force():
    book, _ = folded(
        tenant(billing_day=15),
        registered(),
        changed("a", "2026-07-01", alignment="billing_day"),
    )
    grid = book.terms("c").grid("month", day("2026-06-01"))
    index = grid.at(day("2026-07-02"))
    assert [iso(one) for one in (grid.starts[index], grid.begins[index], grid.ends[index])] == [
        "2026-06-15",
        "2026-07-01",
        "2026-07-15",
    ]


def test_the_billing_days_that_a_customer_set_are_told_and_taken_again():
    """A forecast keeps them instead of the customer: its terms have the same billing days."""
    book, _ = folded(
        tenant(timezone="Europe/Zurich", billing_day=5),
        registered(billing_day=7, timezone="Asia/Tokyo", price_overrides={"p": {"rent": "9"}}),
        changed("n", "2026-06-01", rounding="down"),
        changed("a", "2026-07-01", billing_day=9),
        changed("b", "2026-08-01", billing_day=None),
        registered("d", customer_id="d"),
    )
    own = book.own_billing_days("c")
    assert own == ((ALWAYS, 7), (day("2026-07-01"), 9), (day("2026-08-01"), None))
    assert (book.own_billing_days("d"), book.own_billing_days("?")) == ((), ())
    terms = book.terms_with(own)
    assert [terms.billing_day_on(day(on)) for on in ("2026-06-30", "2026-07-01", "2026-08-01")] == [7, 9, 5]
    assert (terms.zone, terms.prices) == (ZoneInfo("Europe/Zurich"), {})
    assert terms.policy(day("2026-07-01")).rounding == "half_up"


def test_a_billing_day_does_not_part_the_grids_of_calendar_months():
    book, _ = folded(tenant(), registered(billing_day=7), registered("d", customer_id="d", billing_day=9))
    one, other = (book.terms(name).grid("month", day("2026-06-01")) for name in ("c", "d"))
    assert one is other
