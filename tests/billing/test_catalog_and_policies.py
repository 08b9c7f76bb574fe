"""Catalog and policies, folded from their facts; what makes no sense is reported (BILLING.md §1 to §3)."""

from zoneinfo import ZoneInfo

import pytest

from billing.catalog import fold_catalog
from billing.days import ALWAYS, day, iso
from billing.errors import InvalidFactError
from billing.facts import EventRef
from billing.money import exact
from billing.policies import Policy, fold_policies
from billing.rates import Tariff


def fact(kind, event_id, **data):
    members = {"time": data.pop("time")} if "time" in data else {}
    return {"source": "x", "id": event_id, "type": kind, "data": data, **members}


def product(event_id="p", **changes):
    rent = {
        "price_id": "rent",
        "kind": "recurring",
        "amount": "30.00",
        "interval": "month",
        "timing": "in_advance",
        **changes.pop("rent", {}),
    }
    prices = [rent, *changes.pop("more", [])]
    return fact("product.published", event_id, product_id="p", name="P", prices=prices, **changes)


def version(event_id, effective, amount="33.00", applies="immediately", price_id="rent", **more):
    return fact(
        "price.published",
        event_id,
        product_id="p",
        price_id=price_id,
        amount=amount,
        effective=effective,
        applies=applies,
        **more,
    )


def codes(anomalies):
    return [(anomaly.ref.id, anomaly.code) for anomaly in anomalies]


def amounts(catalog, activation="2026-01-01", *, begin, on, whole=False):
    tariff = Tariff.of(catalog.products["p"].prices[0], (), (), day(activation))
    unit = tariff.on(day(on), begin=day(begin), whole=whole)
    return unit and unit.amount.text


def test_the_first_publication_counts_from_always():
    catalog, anomalies = fold_catalog([(product(), 1)])
    (price,) = catalog.products["p"].prices
    assert (price.since, price.versions[0].effective, anomalies) == (ALWAYS, ALWAYS, ())


def test_a_later_publication_may_rename_and_add_prices():
    fee = {"price_id": "fee", "kind": "one_time", "amount": "1", "trigger": "change", "since": "2026-07-01"}
    late = fee | {"price_id": "late", "since": None}
    catalog, anomalies = fold_catalog(
        [(product(), 1), (product("q", more=[late, fee], description="better"), 2)]
    )
    assert [price.price_id for price in catalog.products["p"].prices] == ["fee", "rent"]
    assert iso(catalog.products["p"].prices[0].since) == "2026-07-01"
    assert catalog.products["p"].description == "better"
    assert codes(anomalies) == [("q", "since_missing")]


def test_what_a_later_publication_may_not_change():
    changed = product("q", rent={"amount": "31.00"}, currency="CHF")
    catalog, anomalies = fold_catalog([(changed, 2), (product(), 1)])
    assert catalog.products["p"].prices[0].versions[0].amount == exact("30")
    assert catalog.products["p"].currency is None
    assert codes(anomalies) == [("q", "price_differs"), ("q", "product_differs")]


@pytest.mark.parametrize(
    ("applies", "activation", "expected"),
    [
        ("immediately", "2026-01-01", ["30.00", "33.00", "33.00"]),
        ("next_period", "2026-01-01", ["30.00", "30.00", "33.00"]),
        ("new_services", "2026-01-01", ["30.00", "30.00", "30.00"]),
        ("new_services", "2026-06-15", ["30.00", "33.00", "33.00"]),
        ("next_period", "2026-06-16", ["30.00", "33.00", "33.00"]),
    ],
)
def test_how_a_version_reaches_a_service(applies, activation, expected):
    """Effective 15 June; on the 14th, on the 20th, and in July."""
    catalog, _ = fold_catalog([(product(), 1), (version("v", "2026-06-15", applies=applies), 2)])
    found = [
        amounts(catalog, activation, begin=begin, on=on)
        for begin, on in (
            ("2026-06-01", "2026-06-14"),
            ("2026-06-01", "2026-06-20"),
            ("2026-07-01", "2026-07-01"),
        )
    ]
    assert found == expected


def test_under_none_immediately_is_next_period():
    catalog, _ = fold_catalog([(product(), 1), (version("v", "2026-06-15"), 2)])
    assert amounts(catalog, begin="2026-06-01", on="2026-06-20", whole=True) == "30.00"
    assert amounts(catalog, begin="2026-07-01", on="2026-07-01", whole=True) == "33.00"


def test_of_two_versions_of_one_day_the_later_heard_counts():
    versions = [(version("b", "2026-06-15", "35.00"), 3), (version("a", "2026-06-15", "33.00"), 2)]
    catalog, _ = fold_catalog([(product(), 1), *versions])
    assert amounts(catalog, begin="2026-06-01", on="2026-06-20") == "35.00"


def test_a_version_can_be_superseded():
    facts = [
        (product(), 1),
        (version("d", "2026-06-16", price_id="none"), 2),
        (version("a", "2026-06-15"), 3),
        (version("b", "2026-06-15", "29.00", supersedes={"id": "a"}), 4),
        (version("c", "2026-06-16", "28.00", supersedes={"id": "p"}), 5),
    ]
    catalog, anomalies = fold_catalog(facts)
    assert amounts(catalog, begin="2026-06-01", on="2026-06-15") == "29.00"
    assert [entry.ref.id for entry in catalog.products["p"].prices[0].versions] == ["p", "b", "c"]
    assert codes(anomalies) == [("c", "supersedes_unknown"), ("d", "unknown_price")]


def test_what_a_publication_leaves_out_stays_or_is_the_id():
    bare = fact("product.published", "a", product_id="p", prices=[])
    first, _ = fold_catalog([(bare, 1)])
    assert (first.products["p"].name, first.products["p"].service_type, first.products["p"].description) == (
        "p",
        "",
        "",
    )
    full = fact(
        "product.published",
        "b",
        product_id="p",
        name="Laptop",
        service_type="device",
        description="14 inches",
        prices=[],
    )
    later = fact("product.published", "c", product_id="p", prices=[])
    kept, anomalies = fold_catalog([(full, 1), (later, 2)])
    laptop = kept.products["p"]
    assert (laptop.product_id, laptop.name, laptop.service_type, laptop.description) == (
        "p",
        "Laptop",
        "device",
        "14 inches",
    )
    renamed = {**later, "data": {**later["data"], "name": "N", "service_type": "s", "description": "d"}}
    named = fold_catalog([(full, 1), (renamed, 2)])[0].products["p"]
    assert (named.name, named.service_type, named.description, anomalies) == ("N", "s", "d", ())


def test_a_price_is_as_it_was_published():
    more = [
        {"price_id": "fee", "kind": "one_time", "amount": "1", "trigger": "change", "name": "Change"},
        {
            "price_id": "weeks",
            "kind": "recurring",
            "amount": "2",
            "interval": "week",
            "timing": "in_arrears",
            "proration": "none",
            "since": "2026-06-01",
        },
    ]
    catalog, _ = fold_catalog([(product(more=more, currency="CHF"), 7)])
    fee, rent, weeks = catalog.products["p"].prices
    assert (fee.name, fee.recurring, fee.trigger, fee.interval, fee.timing) == (
        "Change",
        False,
        "change",
        None,
        None,
    )
    assert (rent.name, rent.recurring, rent.interval, rent.timing) == ("rent", True, "month", "in_advance")
    assert (rent.trigger, rent.proration, weeks.proration, iso(weeks.since)) == (
        None,
        None,
        "none",
        "2026-06-01",
    )
    (first,) = weeks.versions
    assert (first.amount, first.effective, first.applies, first.heard, first.ref) == (
        exact("2"),
        weeks.since,
        "immediately",
        7,
        EventRef("x", "p"),
    )
    assert catalog.products["p"].currency == "CHF"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "one_time"),
        ("amount", "31.00"),
        ("interval", "year"),
        ("timing", "in_arrears"),
        ("trigger", "change"),
        ("proration", "none"),
        ("since", "2026-06-01"),
    ],
)
def test_a_later_publication_changes_nothing_of_a_price(name, value):
    before, _ = fold_catalog([(product(), 1)])
    catalog, anomalies = fold_catalog([(product(), 1), (product("q", rent={name: value}), 2)])
    assert codes(anomalies) == [("q", "price_differs")]
    assert catalog == before


def test_a_later_publication_may_say_the_same_again():
    catalog, anomalies = fold_catalog([(product(currency="CHF"), 1), (product("q"), 2)])
    assert (catalog.products["p"].currency, anomalies) == ("CHF", ())
    assert len(catalog.products["p"].prices) == 1


def test_of_one_fact_heard_twice_the_first_counts():
    again = version("v", "2026-06-15", "35.00")
    late = version("w", "2026-06-15", "33.00")
    catalog, _ = fold_catalog([(again, 9), (late, 5), (again, 3), (product(), 1)])
    assert [(entry.amount.text, entry.heard) for entry in catalog.products["p"].prices[0].versions] == [
        ("30.00", 1),
        ("35.00", 3),
        ("33.00", 5),
    ]


def test_versions_stand_in_the_order_of_their_days_and_one_price_has_its_own():
    fee = {"price_id": "fee", "kind": "one_time", "amount": "1", "trigger": "change"}
    facts = [
        (product(more=[fee]), 1),
        (version("late", "2026-08-01", "32.00"), 2),
        (version("early", "2026-07-01", "31.00", applies="new_services"), 3),
        (version("fee", "2026-07-01", "2", price_id="fee"), 4),
    ]
    catalog, anomalies = fold_catalog(facts)
    found = {
        price.price_id: [(entry.ref.id, entry.applies) for entry in price.versions]
        for price in catalog.products["p"].prices
    }
    assert found == {
        "fee": [("p", "immediately"), ("fee", "immediately")],
        "rent": [("p", "immediately"), ("early", "new_services"), ("late", "immediately")],
    }
    assert anomalies == ()


def test_an_instant_of_a_version_takes_the_tenants_zone():
    facts = [(product(), 1), (version("v", "2026-06-14T23:30:00Z"), 2)]
    days = [
        iso(fold_catalog(facts, zone=ZoneInfo(zone))[0].products["p"].prices[0].versions[1].effective)
        for zone in ("UTC", "Europe/Zurich")
    ]
    assert days == ["2026-06-14", "2026-06-15"]
    assert iso(fold_catalog(facts)[0].products["p"].prices[0].versions[1].effective) == "2026-06-14"


def test_only_a_version_of_the_same_price_can_be_superseded():
    fee = {"price_id": "fee", "kind": "one_time", "amount": "1", "trigger": "change"}
    facts = [
        (product(more=[fee]), 1),
        (version("a", "2026-06-15"), 2),
        (version("b", "2026-06-16", "2", price_id="fee", supersedes={"id": "a"}), 3),
        (version("c", "2026-06-17", "34.00", supersedes={"id": "c"}), 4),
        (version("d", "2026-06-18", "35.00", supersedes={"id": "a", "source": "y"}), 5),
        (version("e", "2026-06-19", price_id="none", supersedes={"id": "gone"}), 6),
    ]
    catalog, anomalies = fold_catalog(facts)
    rent = catalog.products["p"].prices[1]
    assert [entry.ref.id for entry in rent.versions] == ["p", "a", "c", "d"]
    assert codes(anomalies) == [
        ("b", "supersedes_unknown"),
        ("c", "supersedes_unknown"),
        ("d", "supersedes_unknown"),
        ("e", "supersedes_unknown"),
        ("e", "unknown_price"),
    ]


TENANT = fact("tenant.configured", "t", tenant_id="t", currency="EUR", timezone="UTC", billing_day=5)


def terms(*facts):
    book, _ = fold_policies([(event, heard) for heard, event in enumerate((TENANT, *facts))])
    found = book.terms("c")
    assert found
    return found


def customer(event_id="c", **data):
    return fact("customer.registered", event_id, customer_id="c", **data)


def changed(event_id, effective, **data):
    return fact("customer.changed", event_id, customer_id="c", effective=effective, **data)


def test_defaults_then_the_tenants_then_the_customers():
    assert terms(customer()).policy(day("2026-06-01")) == Policy(billing_day=5)
    assert terms(customer(billing_day=7)).billing_day_on(day("2026-06-01")) == 7


def test_a_customers_value_counts_from_its_day_and_null_takes_it_back():
    held = terms(
        customer(),
        changed("a", "2026-06-10", billing_day=15),
        changed("b", "2026-07-10", billing_day=None),
        fact("tenant.configured", "u", effective="2026-07-20", billing_day=9),
    )
    days = ["2026-06-09", "2026-06-10", "2026-07-10", "2026-07-20"]
    assert [held.billing_day_on(day(on)) for on in days] == [5, 15, 5, 9]
    assert held.is_billing_day(day("2026-06-15"))
    assert not held.is_billing_day(day("2026-06-05") + 5)


def test_of_two_values_of_one_day_the_later_heard_counts():
    held = terms(
        customer(),
        changed("z", "2026-06-10", proration="none"),
        changed("a", "2026-06-10", proration="fixed_30"),
    )
    assert held.policy(day("2026-06-10")).proration == "fixed_30"


def test_customer_prices_are_merged_and_taken_back():
    held = terms(
        customer(price_overrides={"p": {"rent": "28.00", "fee": "1.00"}}),
        changed("a", "2026-06-10", price_overrides={"p": {"rent": None}}),
    )
    (first, second) = held.prices["p", "rent"]
    assert (first.effective, first.amount) == (ALWAYS, exact("28"))
    assert (iso(second.effective), second.amount) == ("2026-06-10", None)
    assert len(held.prices["p", "fee"]) == 1


def test_a_policy_can_be_superseded():
    held = terms(
        customer(),
        changed("a", "2026-06-10", billing_day=15),
        changed("b", "2026-06-10", proration="none", supersedes={"id": "a"}),
    )
    assert held.policy(day("2026-06-10")) == Policy(billing_day=5, proration="none")


def test_what_makes_no_sense_is_reported():
    facts = [
        TENANT,
        fact("tenant.configured", "u", currency="CHF", timezone="UTC"),
        fact("tenant.configured", "v", billing_day=7),
        customer("c1", timezone="Europe/Zurich", time="2026-01-02T00:00:00Z"),
        customer("c2", time="2026-01-01T00:00:00Z"),
        changed("d", "2026-06-10", supersedes={"id": "c1"}),
        fact("customer.changed", "e", customer_id="nobody", effective="2026-06-10", billing_day=3),
    ]
    book, anomalies = fold_policies([(event, heard) for heard, event in enumerate(facts)])
    assert codes(anomalies) == [
        ("c1", "customer_differs"),
        ("d", "supersedes_unknown"),
        ("e", "unknown_customer"),
        ("u", "tenant_differs"),
        ("v", "effective_missing"),
    ]
    assert book.zone_of(["c"]).key == "UTC", "the first registration in the fold's order"
    assert book.terms("nobody") is None
    assert anomalies[0].ref == EventRef("x", "c1")


def test_without_a_tenant_nothing_can_be_folded():
    with pytest.raises(InvalidFactError, match=r"no tenant\.configured"):
        fold_policies([(customer(), 1)])


def test_customers_with_equal_layouts_share_their_grids():
    book, _ = fold_policies(
        [
            (TENANT, 0),
            (customer(), 1),
            (fact("customer.registered", "d", customer_id="d", proration="none"), 2),
        ]
    )
    one, two = book.terms("c"), book.terms("d")
    assert one
    assert two
    assert one.grid("month", day("2026-06-01")) is two.grid("month", day("2026-06-20"))
