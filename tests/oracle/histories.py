"""Generated scenarios (BILLING.md §10): valid worlds with every event, policy and price kind."""

from datetime import date, timedelta
from random import Random
from typing import Any

FIRST = date(2026, 1, 1)
LAST_STEP = "2027-12-15"
KINDS = ("changed", "changed", "changed", "suspended", "resumed", "deactivated", "activated", "returned")


def _day(random: Random, span: int = 240) -> date:
    day = FIRST + timedelta(days=random.randrange(span))
    return day.replace(day=1) if random.random() < 0.25 else day


def _policy(random: Random, *, share: float) -> dict[str, Any]:
    choices: dict[str, tuple[Any, ...]] = {
        "alignment": ("calendar", "billing_day", "anniversary"),
        "billing_day": (1, 2, 15, 28, 30, 31),
        "proration": ("actual", "actual", "fixed_30", "thirty_360", "none"),
        "stop_day": ("free", "billed"),
        "rounding": ("half_up", "half_even", "down"),
        "credit_on_stop": ("credit", "none"),
    }
    return {key: random.choice(values) for key, values in choices.items() if random.random() < share}


def _price(random: Random, number: int) -> dict[str, Any]:
    amount = random.choice(("30.00", "10", "99.99", "0.0125", "365.00", "0.00", "7.01"))
    if random.random() < 0.25:
        return {
            "price_id": f"once{number}",
            "kind": "one_time",
            "amount": amount,
            "trigger": random.choice(("activation", "change", "return")),
        }
    price = {
        "price_id": f"fee{number}",
        "kind": "recurring",
        "amount": amount,
        "interval": random.choice(("week", "month", "month", "month", "quarter", "half_year", "year")),
        "timing": random.choice(("in_advance", "in_advance", "in_arrears")),
    }
    if random.random() < 0.2:
        price["proration"] = random.choice(("actual", "fixed_30", "thirty_360", "none"))
    return price


def _overrides(random: Random, product: dict[str, Any], *, removal: bool) -> dict[str, str | None]:
    amounts: tuple[str | None, ...] = (
        ("27.50", "1.11", "40.00", None) if removal else ("27.50", "1.11", "40.00")
    )
    return {random.choice(product["prices"])["price_id"]: random.choice(amounts)}


def _heard(random: Random, day: date) -> str:
    lag = random.choice((0, 0, 0, 1, 5, 20, 45, 90, -3, -20))
    return (day + timedelta(days=lag)).isoformat()


def scenario(random: Random) -> dict[str, Any]:
    """Return one world of one to three services, with a last step long after everything has ended."""
    products = [
        {
            "product_id": product,
            **({"currency": random.choice(("JPY", "KWD"))} if random.random() < 0.1 else {}),
            "prices": [_price(random, number) for number in range(random.randint(1, 3))],
        }
        for product in ("a", "b", "c")[: random.randint(1, 3)]
    ]
    customers = [{"customer_id": name, **_policy(random, share=0.15)} for name in ("c1", "c2")]
    if random.random() < 0.2:
        customers[0]["timezone"] = "America/New_York"
    if random.random() < 0.2:
        product = random.choice(products)
        customers[0]["price_overrides"] = {product["product_id"]: _overrides(random, product, removal=False)}
    world: dict[str, Any] = {
        "scenario": 1,
        "name": "generated",
        "tenant": {"tenant_id": "t1", "currency": "EUR", "timezone": random.choice(("UTC", "Europe/Zurich"))},
        "policy": _policy(random, share=0.3),
        "products": products,
        "customers": customers,
        "price_versions": [_version(random, products) for _ in range(random.choice((0, 0, 1, 2)))],
        "policy_changes": [_change(random, products) for _ in range(random.choice((0, 0, 0, 1, 2)))],
        "events": [],
    }
    for number in range(random.randint(1, 3)):
        world["events"] += _service(random, f"s{number}", products)
    random.shuffle(world["events"])
    steps = sorted(_day(random, 300).isoformat() for _ in range(random.randint(0, 6)))
    world["steps"] = [{"issue": step} for step in [*steps, LAST_STEP]]
    _adjust(random, world)
    return world


def _adjust(random: Random, world: dict[str, Any]) -> None:
    """Add manual adjustments, some corrected or taken back, and policies about the account's credit."""
    world["adjustments"] = []
    for number in range(random.choice((0, 0, 1, 2, 4))):
        day = _day(random)
        item = {
            "customer_id": random.choice(("c1", "c2")),
            "adjustment_id": f"adj{number}",
            "amount": random.choice(("-12.50", "9.90", "-400.00", "0.005", "75")),
            "effective": day.isoformat(),
            **({"currency": "JPY"} if random.random() < 0.15 else {}),
            **({"service_id": "s0"} if random.random() < 0.3 else {}),
            **({"heard": _heard(random, day)} if random.random() < 0.5 else {}),
        }
        world["adjustments"].append(item)
        if random.random() < 0.3:
            day = _day(random)
            item = {
                **item,
                "event_id": f"adj{number}-again",
                "supersedes": f"adj{number}",
                "amount": random.choice(("-3.33", "81.00")),
                "effective": day.isoformat(),
                "heard": _heard(random, day),
            }
            world["adjustments"].append(item)
        if random.random() < 0.25:
            item["withdrawn"] = _heard(random, day)
    for owner in (world["policy"], *world["customers"], *world["policy_changes"]):
        if random.random() < 0.15:
            owner["account_credit"] = random.choice(("set_off", "pay_out"))


def _version(random: Random, products: list[dict[str, Any]]) -> dict[str, Any]:
    product, day = random.choice(products), _day(random)
    return {
        "product_id": product["product_id"],
        "price_id": random.choice(product["prices"])["price_id"],
        "amount": random.choice(("33.00", "12.34", "5")),
        "effective": day.isoformat(),
        "applies": random.choice(("immediately", "next_period", "new_services")),
        **({"heard": _heard(random, day)} if random.random() < 0.4 else {}),
    }


def _change(random: Random, products: list[dict[str, Any]]) -> dict[str, Any]:
    day = _day(random)
    change: dict[str, Any] = {"effective": day.isoformat(), **_policy(random, share=0.3)}
    if random.random() < 0.5:
        change["customer_id"] = random.choice(("c1", "c2"))
        if random.random() < 0.3:
            product = random.choice(products)
            change["price_overrides"] = {product["product_id"]: _overrides(random, product, removal=True)}
        if random.random() < 0.2:
            change[random.choice(("alignment", "billing_day", "proration"))] = None
    if set(change) <= {"effective", "customer_id"}:
        change["proration"] = "actual"
    if random.random() < 0.4:
        change["heard"] = _heard(random, day)
    return change


def _service(random: Random, service: str, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first, events = _day(random, 120), []
    crowded = random.random() < 0.3
    for number in range(random.choice((1, 2, 3, 4, 5, 7))):
        kind = "activated" if number == 0 else random.choice(KINDS)
        day = first if number == 0 or (crowded and random.random() < 0.4) else _day(random)
        event: dict[str, Any] = {
            "type": f"service.{kind}",
            "service_id": service,
            "event_id": f"{service}-{number}",
            "effective": day.isoformat(),
        }
        product = random.choice(products)
        if number == 0 or (kind == "activated" and random.random() < 0.3):
            event |= {"customer_id": random.choice(("c1", "c1", "c2")), "product_id": product["product_id"]}
        if kind == "activated" and random.random() < 0.6:
            event["quantity"] = random.choice((1, 2, "1.5", 0))
        if kind == "activated" and random.random() < 0.1:
            key = random.choice(("already_billed_through", "free_until"))
            event[key] = (day + timedelta(days=random.randrange(60))).isoformat()
        if kind == "changed":
            _amend(random, event, products)
        if number == 0 and random.random() < 0.2:
            event["price_overrides"] = _overrides(random, product, removal=False)
        if random.random() < 0.4:
            event["heard"] = _heard(random, day)
        if random.random() < 0.3:
            event["occurred_at"] = f"{day.isoformat()}T{random.randrange(24):02}:00:00Z"
        if number and random.random() < 0.12:
            event["supersedes"] = f"{service}-{random.randrange(number)}"
            if random.random() < 0.4:
                for key in set(event) & {
                    "quantity",
                    "product_id",
                    "customer_id",
                    "price_overrides",
                    "free_until",
                }:
                    del event[key]
                event.pop("already_billed_through", None)
                event["type"] = "service.voided"
        events.append(event)
    return events


def _amend(random: Random, event: dict[str, Any], products: list[dict[str, Any]]) -> None:
    what = random.choice(("quantity", "quantity", "product_id", "customer_id", "price_overrides"))
    if what == "quantity":
        event["quantity"] = random.choice((0, 1, 2, 3, "2.5"))
    elif what == "product_id":
        event["product_id"] = random.choice(products)["product_id"]
    elif what == "customer_id":
        event["customer_id"] = random.choice(("c1", "c2"))
    else:
        event["price_overrides"] = _overrides(random, random.choice(products), removal=True)
