"""Hypothesis strategies for scenarios: valid worlds with every kind of event, price, policy and delay."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

FIRST = date(2026, 1, 1)
SPAN_DAYS = 240
LAST_HEARD = FIRST + timedelta(days=SPAN_DAYS + 120)
LAST_STEP = date(2028, 3, 1)  # a year and more after the last fact: all that was invoiced is due
CUSTOMERS = ("c1", "c2")

days = st.integers(0, SPAN_DAYS).map(lambda number: FIRST + timedelta(days=number)) | st.sampled_from(
    [date(2026, month, 1) for month in range(1, 9)] + [date(2026, 1, 31), date(2026, 2, 28)]
)
AMOUNTS = ("30.00", "10", "99.99", "0.0125", "365.00", "7.01")
amounts = st.sampled_from(AMOUNTS)
quantities = st.sampled_from([0, 1, 1, 2, 3, "1.5"])
prorations = st.sampled_from(["actual", "fixed_30", "thirty_360", "none"])


def optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


policies = optional(
    alignment=st.sampled_from(["calendar", "billing_day", "anniversary"]),
    billing_day=st.sampled_from([1, 2, 15, 30, 31]),
    proration=prorations,
    stop_day=st.sampled_from(["free", "billed"]),
    rounding=st.sampled_from(["half_up", "half_even", "down"]),
    credit_on_stop=st.sampled_from(["credit", "none"]),
)
by_the_day = optional(
    alignment=st.sampled_from(["calendar", "billing_day", "anniversary"]),
    billing_day=st.sampled_from([1, 15, 31]),
    rounding=st.sampled_from(["half_up", "half_even", "down"]),
)
intervals = st.sampled_from(["month", "month", "week", "quarter", "half_year", "year"])
timings = st.sampled_from(["in_advance", "in_advance", "in_arrears"])


@st.composite
def prices(draw: st.DrawFn, price_id: str, *, plain: bool) -> dict[str, Any]:
    price: dict[str, Any] = {"price_id": price_id, "amount": draw(amounts)}
    if draw(st.integers(0, 3)) == 0:
        trigger = draw(st.sampled_from(["activation", "change", "return"]))
        return price | {"kind": "one_time", "trigger": trigger}
    price |= {"kind": "recurring", "interval": draw(intervals), "timing": draw(timings)}
    if not plain and draw(st.integers(0, 3)) == 0:
        price["proration"] = draw(prorations)
    return price


def heard(draw: st.DrawFn, day: date) -> str:
    lag = draw(st.sampled_from([0, 0, 1, 20, 45, 90, -3, -30]))
    return (day + timedelta(days=lag)).isoformat()


@st.composite
def events(draw: st.DrawFn, service_id: str, products: list[str], number: int) -> dict[str, Any]:
    kinds = [
        "activated",
        "changed",
        "changed",
        "suspended",
        "resumed",
        "deactivated",
        "returned",
        "voided",
        "scheduled",
    ]
    kind = "activated" if number == 0 else draw(st.sampled_from(kinds))
    day = draw(days)
    event: dict[str, Any] = {
        "type": f"service.{kind}",
        "service_id": service_id,
        "event_id": f"{service_id}-{number}",
        "effective": day.isoformat(),
    }
    if draw(st.integers(0, 5)) == 0:
        hour = draw(st.integers(0, 23))
        event["effective"] = datetime(day.year, day.month, day.day, hour, tzinfo=UTC).isoformat()
    if draw(st.booleans()):
        event["heard"] = heard(draw, day)
    if draw(st.booleans()):
        event["occurred_at"] = f"{day.isoformat()}T{draw(st.integers(0, 23)):02}:00:00+02:00"
    if number == 0 or kind == "scheduled" or (kind == "activated" and draw(st.booleans())):
        event |= {
            "customer_id": draw(st.sampled_from(CUSTOMERS)),
            "product_id": draw(st.sampled_from(products)),
        }
    if kind in ("activated", "changed"):
        event |= draw(
            optional(
                quantity=quantities,
                price_overrides=st.dictionaries(st.sampled_from(["p0", "p1"]), amounts, max_size=1),
                **(
                    {"product_id": st.sampled_from(products), "customer_id": st.sampled_from(CUSTOMERS)}
                    if kind == "changed"
                    else {}
                ),
            )
        )
    if kind == "activated" and draw(st.integers(0, 7)) == 0:
        key = draw(st.sampled_from(["already_billed_through", "free_until"]))
        event[key] = (day + timedelta(days=draw(st.integers(0, 60)))).isoformat()
    if number and (kind == "voided" or draw(st.integers(0, 7)) == 0):
        event["supersedes"] = f"{service_id}-{draw(st.integers(0, number - 1))}"
    return event


@st.composite
def worlds(draw: st.DrawFn, *, plain: bool = False) -> dict[str, Any]:
    """A scenario of one or two services; `plain`: all by the day, and a stop is a stop."""
    values = by_the_day if plain else policies
    products = [
        {
            "product_id": name,
            "prices": [draw(prices(f"p{index}", plain=plain)) for index in range(draw(st.integers(1, 2)))],
        }
        for name in ("a", "b")[: draw(st.integers(1, 2))]
    ]
    names = [product["product_id"] for product in products]
    all_events = [
        draw(events(service_id, names, number))
        for service_id in ("s0", "s1")[: draw(st.integers(1, 2))]
        for number in range(draw(st.integers(1, 6)))
    ]
    for event in all_events:
        event["heard"] = min(event.get("heard", event["effective"][:10]), LAST_HEARD.isoformat())
    return {
        "scenario": 1,
        "name": "generated",
        "tenant": {
            "tenant_id": "t1",
            "currency": draw(st.sampled_from(["EUR", "JPY", "KWD"])),
            "timezone": draw(st.sampled_from(["UTC", "Europe/Zurich", "America/New_York"])),
        },
        "policy": draw(values),
        "products": products,
        "customers": [{"customer_id": name, **draw(values)} for name in CUSTOMERS],
        "price_versions": draw(st.lists(versions(products), max_size=2)),
        "policy_changes": draw(st.lists(changes(values), max_size=2)),
        "events": all_events,
        "steps": [*draw(steps()), {"issue": LAST_STEP.isoformat()}],
    }


@st.composite
def versions(draw: st.DrawFn, products: list[dict[str, Any]]) -> dict[str, Any]:
    product, day = draw(st.sampled_from(products)), draw(days)
    return {
        "product_id": product["product_id"],
        "price_id": draw(st.sampled_from(product["prices"]))["price_id"],
        "amount": draw(amounts),
        "effective": day.isoformat(),
        "applies": draw(st.sampled_from(["immediately", "next_period", "new_services"])),
        "heard": heard(draw, day),
    }


@st.composite
def changes(draw: st.DrawFn, values: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    day = draw(days)
    change = {"effective": day.isoformat(), "heard": heard(draw, day), **draw(values)}
    if draw(st.booleans()):
        change["customer_id"] = draw(st.sampled_from(CUSTOMERS))
    return change


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, str]]:
    dates = sorted(draw(st.lists(st.integers(0, SPAN_DAYS + 60), max_size=5)))
    return [{"issue": (FIRST + timedelta(days=number)).isoformat()} for number in dates]
