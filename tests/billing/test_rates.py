"""Which unit amount applies on a day, and whose it is (BILLING.md §3)."""

import pytest

from billing.catalog import Price, PriceVersion
from billing.days import ALWAYS, day
from billing.facts import EventRef
from billing.money import exact
from billing.policies import CustomerPrice
from billing.rates import Tariff


def ref(name):
    return EventRef("x", name)


def version(amount, effective, applies="immediately"):
    since = ALWAYS if effective is None else day(effective)
    return PriceVersion(exact(amount), since, applies, 1, ref(f"catalog {amount}"))


def customer_price(amount, effective):
    return CustomerPrice(day(effective), amount and exact(amount), ref(f"customer {amount}"))


ONLY_ONE = (version("30", None),)


def tariff(*, own=(), customer=(), versions=ONLY_ONE):
    price = Price("rent", "Rent", True, "month", "in_advance", None, None, ALWAYS, tuple(versions))
    return Tariff.of(price, tuple((name, exact(amount)) for name, amount in own), customer, day("2026-01-10"))


DEARER = (version("30", None), version("33", "2026-03-15"))
RATE = (customer_price("20", "2026-02-01"), customer_price(None, "2026-04-01"))


@pytest.mark.parametrize(
    ("found", "on", "amount", "source", "name"),
    [
        pytest.param(tariff(), "2026-01-10", "30", "catalog", "catalog 30", id="catalog"),
        pytest.param(
            tariff(versions=DEARER), "2026-03-14", "30", "catalog", "catalog 30", id="before a version"
        ),
        pytest.param(tariff(versions=DEARER), "2026-03-15", "33", "catalog", "catalog 33", id="from its day"),
        pytest.param(
            tariff(customer=RATE), "2026-01-31", "30", "catalog", "catalog 30", id="before the customer's"
        ),
        pytest.param(
            tariff(customer=RATE), "2026-02-01", "20", "customer price", "customer 20", id="the customer's"
        ),
        pytest.param(tariff(customer=RATE), "2026-04-01", "30", "catalog", "catalog 30", id="taken back"),
        pytest.param(
            tariff(own=[("fee", "1"), ("rent", "9")], customer=RATE),
            "2026-02-01",
            "9",
            "own price",
            None,
            id="the service's own beats both",
        ),
        pytest.param(
            tariff(own=[("fee", "1")]), "2026-02-01", "30", "catalog", "catalog 30", id="another price's own"
        ),
    ],
)
def test_whose_price_applies(found, on, amount, source, name):
    unit = found.on(day(on), begin=day("2026-01-01"))
    assert (unit.amount.text, unit.source) == (amount, source)
    assert unit.version == (None if name is None else ref(name))


def test_no_price_is_no_amount():
    """A catalog whose first version begins later charges nothing before it."""
    assert (
        tariff(versions=[version("30", "2026-02-01")]).on(day("2026-01-31"), begin=day("2026-01-01")) is None
    )


def test_days_on_which_the_amount_may_change_lie_inside_the_period():
    found = tariff(customer=RATE, versions=DEARER)
    assert found.changes(day("2026-02-01"), day("2026-04-01")) == [day("2026-03-15")]
    assert found.changes(day("2026-01-31"), day("2026-04-02")) == [
        day("2026-02-01"),
        day("2026-03-15"),
        day("2026-04-01"),
    ]


@pytest.mark.parametrize(
    ("found", "constant"),
    [
        pytest.param(tariff(), True, id="one version"),
        pytest.param(tariff(versions=DEARER), False, id="two versions"),
        pytest.param(tariff(customer=RATE), False, id="a customer's price"),
        pytest.param(tariff(own=[("rent", "9")], customer=RATE, versions=DEARER), True, id="an own price"),
    ],
)
def test_what_never_changes_is_known_to_be_constant(found, constant):
    """Then spans need not be cut, and `plain_lines` asks once for all periods."""
    assert found.constant is constant
