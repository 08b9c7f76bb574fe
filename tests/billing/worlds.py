"""Hypothesis strategies for scenarios: valid worlds with every kind of event, price, policy and delay.

A world has few days, on which much happens: combinations are what goes wrong. All choices shrink towards a
plain service of one monthly price, active from 1 January, heard on its day.
"""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

FIRST = date(2026, 1, 1)
SPAN_DAYS = 240
LAST_HEARD = FIRST + timedelta(days=SPAN_DAYS + 120)
LAST_STEP = date(2028, 3, 1)  # a year and more after the last fact: all that was invoiced is due
CUSTOMERS = ("c1", "c2")
EDGES = (0, 30, 31, 58, 59, 89, 90, 119, 120, 150, 151, 180, 181, 211, 212)  # where months end and begin

AMOUNTS = ("30.00", "10", "99.99", "0.0125", "365.00", "7.01", "-3.335", "0.00")
DEAR = ("30000.00", "9999.99", "36500")  # a day of each costs something in every currency
QUANTITIES = (1, 2, 3, "1.5", "0.333", 0)
PRORATIONS = ("actual", "fixed_30", "thirty_360", "none")

edges = st.sampled_from([FIRST + timedelta(days=number) for number in EDGES])
days = edges | st.integers(0, SPAN_DAYS).map(lambda number: FIRST + timedelta(days=number))
intervals = st.sampled_from(["month", "month", "week", "quarter", "half_year", "year"])
timings = st.sampled_from(["in_advance", "in_advance", "in_arrears"])
World = dict[str, Any]


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


def policies(*, plain: bool, removal: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Values of any policies; `plain`: all by the day, and a stop is a stop; `removal`: null, too."""
    choices: dict[str, tuple[Any, ...]] = {
        "alignment": ("calendar", "billing_day", "anniversary"),
        "billing_day": (1, 2, 15, 28, 29, 30, 31),
        "rounding": ("half_up", "half_even", "down"),
    }
    if plain:
        choices["proration"] = ("actual", "fixed_30")
    else:
        choices["proration"] = PRORATIONS
        choices["stop_day"] = ("free", "billed")
        choices["credit_on_stop"] = ("credit", "none")
    nothing = (None,) if removal else ()
    return optional(**{key: st.sampled_from((*values, *nothing)) for key, values in choices.items()})


@st.composite
def prices(draw: st.DrawFn, price_id: str, *, plain: bool) -> dict[str, Any]:
    price: dict[str, Any] = {
        "price_id": price_id,
        "kind": "recurring",
        "amount": draw(st.sampled_from(DEAR if plain else AMOUNTS)),
    }
    if draw(st.integers(0, 3)) == 3:
        trigger = draw(st.sampled_from(["activation", "change", "return"]))
        return price | {"kind": "one_time", "trigger": trigger}
    price |= {"interval": draw(intervals), "timing": draw(timings)}
    if draw(st.integers(0, 3)) == 3:
        price["proration"] = draw(st.sampled_from(PRORATIONS[:2] if plain else PRORATIONS))
    return price


def unit_amounts(price_ids: list[str], *, plain: bool, removal: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Own unit amounts by price id; `removal`: null, too."""
    nothing = (None,) if removal else ()
    values = st.sampled_from((*(DEAR if plain else AMOUNTS), *nothing))
    return st.dictionaries(st.sampled_from(price_ids), values, max_size=2)


def customer_prices(products: list[World], *, plain: bool, removal: bool) -> st.SearchStrategy[World]:
    by_product = {
        product["product_id"]: unit_amounts(
            [price["price_id"] for price in product["prices"]], plain=plain, removal=removal
        )
        for product in products
    }
    return optional(**by_product)


def heard(draw: st.DrawFn, day: date) -> str:
    """A day on which a fact is heard: in time, late or early."""
    lag = draw(st.sampled_from([0, 0, 0, 1, 20, 45, 90, -3, -30]))
    return min(day + timedelta(days=lag), LAST_HEARD).isoformat()


def instants(draw: st.DrawFn, day: date) -> str:
    """An instant near a midnight, so that its local day depends on the zone."""
    time = draw(st.sampled_from(["00:30:00Z", "12:00:00Z", "23:30:00Z", "03:30:00+02:00", "21:59:59-05:00"]))
    return f"{day.isoformat()}T{time}"


KINDS = (
    *("activated", "changed", "changed", "changed", "suspended", "resumed"),
    *("deactivated", "deactivated", "returned", "voided", "scheduled"),
)


@st.composite
def events(
    draw: st.DrawFn,
    service_id: str,
    products: list[World],
    number: int,
    when: st.SearchStrategy[date],
    *,
    plain: bool,
) -> World:
    kind = "activated" if number == 0 else draw(st.sampled_from(KINDS))
    day = draw(when)
    event: World = {
        "type": f"service.{kind}",
        "service_id": service_id,
        "event_id": f"{service_id}-{number}",
        "effective": day.isoformat(),
        "heard": heard(draw, day),
    }
    if draw(st.integers(0, 7)) == 7:
        event["effective"] = instants(draw, day)
    if draw(st.booleans()):
        event["occurred_at"] = instants(draw, day)
    names = st.sampled_from([product["product_id"] for product in products])
    if number == 0 or kind == "scheduled" or (kind == "activated" and draw(st.booleans())):
        event |= {"customer_id": draw(st.sampled_from(CUSTOMERS)), "product_id": draw(names)}
    if kind in ("activated", "changed"):
        price_ids = sorted({price["price_id"] for product in products for price in product["prices"]})
        members: dict[str, st.SearchStrategy[Any]] = {
            "quantity": st.sampled_from(QUANTITIES),
            "price_overrides": unit_amounts(price_ids, plain=plain, removal=True),
            "attributes": st.just({"site": "Bern"}),
        }
        if kind == "changed":
            members |= {"product_id": names, "customer_id": st.sampled_from(CUSTOMERS)}
        event |= draw(optional(**members))
    if kind == "activated" and draw(st.integers(0, 7)) == 7:
        until = st.integers(0, 60).map(lambda lag: (day + timedelta(days=lag)).isoformat())
        event |= draw(optional(already_billed_through=until, free_until=until))
    if number and (kind == "voided" or draw(st.integers(0, 7)) == 7):
        event["supersedes"] = f"{service_id}-{draw(st.integers(0, number - 1))}"
    return event


@st.composite
def worlds(draw: st.DrawFn, *, plain: bool = False) -> World:
    """A scenario of one or two services; `plain`: all by the day, and a stop is a stop."""
    products = [draw(sold(name, plain=plain)) for name in ("a", "b")[: draw(st.integers(1, 2))]]
    pool = draw(st.lists(days, min_size=1, max_size=5))
    when = st.sampled_from(pool) | days if draw(st.booleans()) else st.sampled_from(pool)
    facts = [
        draw(events(service_id, products, number, when, plain=plain))
        for service_id in ("s0", "s1")[: draw(st.integers(1, 2))]
        for number in range(draw(st.integers(1, 7)))
    ]
    customers = [
        {
            "customer_id": name,
            **draw(policies(plain=plain, removal=True)),
            **draw(
                optional(
                    timezone=st.sampled_from(["Europe/Zurich", "America/New_York", "Pacific/Auckland"]),
                    price_overrides=customer_prices(products, plain=plain, removal=False),
                )
            ),
        }
        for name in CUSTOMERS
    ]
    return {
        "scenario": 1,
        "name": "generated",
        "tenant": {
            "tenant_id": "t1",
            "currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])),
            "timezone": draw(st.sampled_from(["UTC", "Europe/Zurich", "America/New_York"])),
        },
        "policy": draw(policies(plain=plain)),
        "products": products,
        "customers": customers,
        "price_versions": draw(st.lists(versions(products, when, plain=plain), max_size=3)),
        "policy_changes": draw(st.lists(changes(products, when, plain=plain), max_size=3)),
        "events": facts,
        "steps": [*draw(steps()), {"issue": LAST_STEP.isoformat()}],
    }


@st.composite
def sold(draw: st.DrawFn, name: str, *, plain: bool) -> World:
    """A product of one to three prices; some are sold in a currency of their own."""
    currency = draw(st.sampled_from([None, None, None, "JPY", "KWD"]))
    return {
        "product_id": name,
        **({"currency": currency} if currency else {}),
        "prices": [draw(prices(f"p{index}", plain=plain)) for index in range(draw(st.integers(1, 3)))],
    }


@st.composite
def versions(draw: st.DrawFn, products: list[World], when: st.SearchStrategy[date], *, plain: bool) -> World:
    product, day = draw(st.sampled_from(products)), draw(when)
    return {
        "product_id": product["product_id"],
        "price_id": draw(st.sampled_from(product["prices"]))["price_id"],
        "amount": draw(st.sampled_from(DEAR if plain else AMOUNTS)),
        "effective": day.isoformat(),
        "applies": draw(st.sampled_from(["immediately", "next_period", "new_services"])),
        "heard": heard(draw, day),
    }


@st.composite
def changes(draw: st.DrawFn, products: list[World], when: st.SearchStrategy[date], *, plain: bool) -> World:
    """New values, or values taken back, of the tenant or of a customer."""
    day = draw(when)
    change = {"effective": day.isoformat(), "heard": heard(draw, day)}
    change |= draw(policies(plain=plain, removal=True))
    if draw(st.booleans()):
        change["customer_id"] = draw(st.sampled_from(CUSTOMERS))
        change |= draw(optional(price_overrides=customer_prices(products, plain=plain, removal=True)))
    return change


@st.composite
def steps(draw: st.DrawFn) -> list[World]:
    """Runs at any dates in their order: for all, for one customer, or on each billing day till a date."""
    dates = sorted(draw(st.lists(st.integers(0, SPAN_DAYS + 60), max_size=5)))
    found = []
    for number in dates:
        what = draw(st.sampled_from(["issue", "issue", "issue", "run_until"]))
        step: World = {what: (FIRST + timedelta(days=number)).isoformat()}
        if draw(st.integers(0, 4)) == 4:
            step["customer_id"] = draw(st.sampled_from(CUSTOMERS))
        found.append(step)
    return found
