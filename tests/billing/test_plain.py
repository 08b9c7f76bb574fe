"""Which cases are plain, and that the quick way charges them as the long way does.

What is wrongly left to the long way costs only time, so no amount would show it: this table does.
"""

import pytest

from billing.catalog import fold_catalog
from billing.days import day
from billing.entitlement import entitle
from billing.invoice import calculate, line_order
from billing.invoiced import Invoiced, apply_lines
from billing.money import exact
from billing.plain import plain_lines
from billing.reconciliation import due_lines
from tests.billing.laptops import ACTIVATED, CATALOG, LAPTOP, RENT, WEEKLY, fact, later, terms, timeline


def activated(**data):
    return fact("service.activated", "on", **{**ACTIVATED["data"], **data})


def version(amount, effective, applies="immediately"):
    return fact(
        "price.published",
        f"v{effective}",
        product_id="laptop",
        price_id="rent",
        amount=amount,
        effective=effective,
        applies=applies,
    )


def catalog(*facts):
    return fold_catalog([(event, heard) for heard, event in enumerate((LAPTOP, WEEKLY, *facts))])[0]


ARREARS = catalog(
    fact(
        "product.published",
        "care",
        product_id="laptop",
        prices=[{"price_id": "late", **RENT, "timing": "in_arrears", "since": "2026-05-20"}],
    )
)


def invoiced(policies, products, on="2026-06-05"):
    """What stands after an invoice."""
    drafts = calculate("c", day(on), [timeline(activated(), policies=policies)], {}, products, policies)
    state = Invoiced()
    for draft in drafts:
        state = apply_lines(state, "INV-1", draft.lines)
    return state.by_service["s"]


def ways(*events, products=CATALOG, standing=(), customer_id="c", on="2026-07-15", since=None, policies=None):
    """The lines that the quick way and the long way give; None if the quick way leaves it to the other."""
    policies = policies or terms()
    line = timeline(*events, policies=policies)
    settled = None if since is None else day(since)
    quick = plain_lines(
        line,
        standing,
        customer_id=customer_id,
        issue_day=day(on),
        catalog=products,
        book=policies,
        since=settled,
    )
    spans = entitle(line, products, policies, until=day(on), since=settled)
    slow = due_lines(spans, standing, customer_id=customer_id, issue_day=day(on), causes_of=lambda _: ())
    return quick if quick is None else sorted(quick, key=line_order), sorted(slow, key=line_order)


STANDING = invoiced(terms(), CATALOG)
PLAIN = [
    pytest.param([activated()], {}, id="all from the start"),
    pytest.param([activated(quantity="2.5")], {}, id="a quantity"),
    pytest.param([activated()], {"on": "2026-05-31"}, id="before a boundary"),
    pytest.param([activated()], {"on": "2026-06-01"}, id="on a boundary"),
    pytest.param([activated()], {"on": "2026-05-09"}, id="nothing is due yet"),
    pytest.param([activated()], {"standing": STANDING}, id="the next month"),
    pytest.param([activated()], {"standing": STANDING, "on": "2026-06-05"}, id="nothing new"),
    pytest.param([activated()], {"since": "2026-06-01"}, id="from what is settled"),
    pytest.param([activated()], {"since": "2026-05-31"}, id="from within a period"),
    pytest.param([activated()], {"products": ARREARS}, id="in arrears"),
    pytest.param([activated()], {"products": ARREARS, "on": "2026-06-01"}, id="in arrears, on the boundary"),
    pytest.param([activated(product_id="weekly")], {}, id="weeks"),
    pytest.param([activated()], {"policies": terms(alignment="anniversary")}, id="anniversary"),
    pytest.param([activated()], {"policies": terms(proration="fixed_30", rounding="down")}, id="a policy"),
    pytest.param(
        [activated(product_id="weekly")],
        {"policies": terms(proration="none")},
        id="weeks are prorated always",
    ),
    pytest.param([activated(price_overrides={"rent": "9.99"})], {}, id="an own price"),
    pytest.param([activated(free_until="2026-06-10")], {}, id="free until a day"),
    pytest.param([activated(already_billed_through="2026-06-10")], {}, id="billed elsewhere"),
    pytest.param(
        [activated()], {"products": catalog(version("33", "2026-06-01"))}, id="a version on a boundary"
    ),
    pytest.param(
        [activated()], {"products": catalog(version("33", "2026-05-10"))}, id="a version from the first day"
    ),
    pytest.param(
        [activated(free_until="2026-05-25")],
        {"products": catalog(version("33", "2026-05-20", "next_period"))},
        id="a version that reaches the service after its first period",
    ),
    pytest.param(
        [activated()],
        {"products": catalog(version("33", "2026-09-10"))},
        id="a version that is still to come",
    ),
]


@pytest.mark.parametrize(("events", "more"), PLAIN)
def test_what_is_plain(events, more):
    quick, slow = ways(*events, **more)
    assert quick == slow


def changed(which, **changes):
    """What stands, but for one span that is not what is entitled."""
    return tuple(span._replace(**changes) if span.price_id == which else span for span in STANDING)


NOT_PLAIN = [
    pytest.param([activated(), later("deactivated", "off", "2026-06-10")], {}, id="a stop"),
    pytest.param([activated(), later("deactivated", "stop", "2026-05-10")], {}, id="a stop on the first day"),
    pytest.param([activated(), later("suspended", "pause", "2026-05-10")], {}, id="suspended ever since"),
    pytest.param([activated(), later("suspended", "off", "2026-06-10")], {}, id="suspended later"),
    pytest.param([activated(), later("changed", "more", "2026-06-10", quantity=2)], {}, id="a change"),
    pytest.param([activated(quantity=0)], {}, id="a quantity of zero"),
    pytest.param([activated()], {"customer_id": "other"}, id="another customer"),
    pytest.param([activated(customer_id="?")], {"customer_id": "?"}, id="an unknown customer"),
    pytest.param([activated(product_id="?")], {}, id="an unknown product"),
    pytest.param([activated()], {"policies": terms(proration="none")}, id="whole periods"),
    pytest.param(
        [activated()], {"products": catalog(version("33", "2026-06-10"))}, id="a version in a period"
    ),
    pytest.param([activated()], {"standing": (*STANDING, STANDING[0])}, id="two of one period"),
    pytest.param([activated()], {"standing": STANDING, "on": "2026-05-20"}, id="more than is due stands"),
    *(
        pytest.param([activated()], {"standing": changed(price_id, **change)}, id=f"{price_id}: other {what}")
        for price_id in ("rent", "setup")
        for what, change in {
            "amount": {"amount_minor": 1},
            "unit amount": {"unit_amount": exact("1")},
            "quantity": {"quantity": exact("7")},
        }.items()
    ),
    pytest.param([activated()], {"standing": changed("rent", start=day("2026-05-09"))}, id="another start"),
    pytest.param([activated()], {"standing": changed("rent", end=day("2026-05-20"))}, id="another end"),
    pytest.param([activated()], {"standing": changed("rent", price_id="gone")}, id="what is no longer sold"),
]


@pytest.mark.parametrize(("events", "more"), NOT_PLAIN)
def test_what_is_left_to_the_long_way(events, more):
    assert ways(*events, **more)[0] is None


def test_a_policy_that_changes_is_left_to_the_long_way():
    policies = terms()
    changing = policies.terms("c")
    assert changing is not None
    changing.policies = (*changing.policies, *changing.policies)
    assert ways(activated(), policies=policies)[0] is None
