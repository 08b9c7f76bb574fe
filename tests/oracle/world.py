"""A scenario as the reference calculation sees it: dated values, full periods, amounts."""

import calendar
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
DEFAULTS = {
    "alignment": "calendar",
    "billing_day": 1,
    "proration": "actual",
    "stop_day": "free",
    "rounding": "half_up",
    "credit_on_stop": "credit",
}
DECIMALS = {"JPY": 0, "KWD": 3}
LONG_AGO = date(1900, 1, 1)
DAY = timedelta(days=1)


@cache
def clamped(year: int, month_index: int, day: int) -> date:
    year, month = year + month_index // 12, month_index % 12 + 1
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True)
class Full:
    """A full period and the day on which it begins for what is due (later only between two alignments)."""

    start: date
    end: date
    begins: date

    @property
    def chopped(self) -> bool:
        return self.begins != self.start


@dataclass
class State:
    customer: str | None = None
    product: str | None = None
    quantity: Fraction = Fraction(1)
    own: dict[str, str] = field(default_factory=dict)
    active: bool = False
    suspended: bool = False
    returned: bool = False
    activation: date | None = None
    first_day: date = LONG_AGO
    billed_elsewhere: bool = False

    def copy(self) -> "State":
        return State(**{**self.__dict__, "own": dict(self.own)})


class World:
    """A scenario as it was known at the end of one day."""

    def __init__(self, scenario: dict[str, Any], known_on: date) -> None:
        self.tenant = scenario["tenant"]
        self.policy = {**DEFAULTS, **scenario.get("policy", {})}
        self.customers = {c["customer_id"]: c for c in scenario["customers"]}
        self.products = {p["product_id"]: p for p in scenario["products"]}
        self.versions = [
            v
            for v in scenario.get("price_versions", [])
            if "heard" not in v or date.fromisoformat(v["heard"]) <= known_on
        ]
        self.changes = [
            c
            for c in scenario.get("policy_changes", [])
            if date.fromisoformat(c.get("heard", c["effective"])) <= known_on
        ]
        services: dict[str, list[dict[str, Any]]] = defaultdict(list)
        seen: set[str] = set()
        for number, event in enumerate(scenario["events"], 1):
            event = {"event_id": f"e{number:04}", **event}  # noqa: PLW2901
            heard = date.fromisoformat(event.get("heard", self._rough_day(event)))
            if heard <= known_on and event["event_id"] not in seen:
                seen.add(event["event_id"])
                services[event["service_id"]].append(event)
        self.services = dict(services)
        self.adjustments = scenario.get("adjustments", [])
        self._values: dict[tuple[str, str, date], Any] = {}
        self._periods: dict[tuple[str, str, date], Full] = {}  # the latest one that was asked for

    def _rough_day(self, event: dict[str, Any]) -> str:
        if len(event["effective"]) == 10:
            return event["effective"]
        zone = self.zone(event["customer_id"]) if event.get("customer_id") else self.tenant["timezone"]
        return instant(event["effective"]).astimezone(ZoneInfo(zone)).date().isoformat()

    def zone(self, customer: str) -> str:
        return self.customers[customer].get("timezone") or self.tenant["timezone"]

    # --- dated values

    def _dated(self, customer: str | None, key: str) -> list[tuple[date, str, int, Any]]:
        rows = [
            (date.fromisoformat(c["effective"]), c.get("heard", c["effective"]), number, c[key])
            for number, c in enumerate(self.changes)
            if c.get("customer_id") == customer and key in c
        ]
        first = self.policy if customer is None else self.customers[customer]
        if key in first:
            rows.append((LONG_AGO, "", -1, first[key]))
        return sorted(rows, key=lambda row: row[:3])

    def value(self, customer: str, key: str, on: date) -> Any:
        if (customer, key, on) not in self._values:
            self._values[customer, key, on] = self._value(customer, key, on)
        return self._values[customer, key, on]

    def _value(self, customer: str, key: str, on: date) -> Any:
        for owner in (customer, None):
            held = [row[3] for row in self._dated(owner, key) if row[0] <= on]
            if held and held[-1] is not None:
                return held[-1]
        return DEFAULTS[key]

    def customer_price(self, customer: str, product: str, price: str, on: date) -> str | None:
        found = None
        for _, _, _, overrides in [r for r in self._dated(customer, "price_overrides") if r[0] <= on]:
            if price in overrides.get(product, {}):
                found = overrides[product][price]
        return found

    # --- full periods

    def _grid(
        self, alignment: str, billing_day: int, interval: str, anchor: date, on: date
    ) -> tuple[date, date]:
        if interval == "week":
            weekday = anchor.weekday() if alignment == "anniversary" else 0
            start = on - timedelta(days=(on.weekday() - weekday) % 7)
            return start, start + 7 * DAY
        months = MONTHS[interval]
        if alignment == "calendar":
            base, day = (on.year - 1) * 12, 1
            first_year = on.year - 1
        elif alignment == "billing_day":
            day, first_year = billing_day, anchor.year
            base = anchor.month - 1
            if clamped(anchor.year, anchor.month - 1, billing_day) < anchor:
                base += 1
        else:
            day, first_year, base = anchor.day, anchor.year, anchor.month - 1
        if alignment == "calendar":
            base = 0
        k = ((on.year - first_year) * 12 + on.month - 1 - base) // months - 2
        while clamped(first_year, base + (k + 1) * months, day) <= on:
            k += 1
        return clamped(first_year, base + k * months, day), clamped(first_year, base + (k + 1) * months, day)

    def full_period(self, customer: str, interval: str, anchor: date, on: date) -> Full:
        key = (customer, interval, anchor)
        latest = self._periods.get(key)
        if latest is None or not latest.begins <= on < latest.end:
            latest = self._periods[key] = self._full_period(*key, on)
        return latest

    def _full_period(self, customer: str, interval: str, anchor: date, on: date) -> Full:
        def chosen(when: date) -> tuple[str, int]:
            return self.value(customer, "alignment", when), self.value(customer, "billing_day", when)

        moves = sorted(
            {
                row[0]
                for owner in (customer, None)
                for key in ("alignment", "billing_day")
                for row in self._dated(owner, key)
                if row[0] != LONG_AGO
            }
        )
        if not moves:
            start, end = self._grid(*chosen(LONG_AGO), interval, anchor, on)
            return Full(start, end, start)
        setting = chosen(LONG_AGO)
        cursor = min(moves[0], anchor, on) - timedelta(days=800)
        start, end = self._grid(*setting, interval, anchor, cursor)
        begins = start
        while end <= on:
            boundary = end
            new = chosen(boundary)
            start, end = self._grid(*new, interval, anchor, boundary)
            begins = start if new == setting and begins == start else boundary
            setting = new
        return Full(start, end, begins)

    # --- prices

    def price(self, product: str, price: str) -> dict[str, Any]:
        return next(p for p in self.products[product]["prices"] if p["price_id"] == price)

    def unit_amount(
        self, state: State, price: dict[str, Any], on: date, begins: date | None, *, late: bool = False
    ) -> Fraction:
        assert state.customer
        assert state.product
        assert state.activation
        if price["price_id"] in state.own:
            return Fraction(state.own[price["price_id"]])
        special = self.customer_price(state.customer, state.product, price["price_id"], on)
        if special is not None:
            return Fraction(special)
        best: tuple[date, str, int] | None = None
        amount = Fraction(price["amount"])
        for number, version in enumerate(self.versions):
            effective = date.fromisoformat(version["effective"])
            if (version["product_id"], version["price_id"]) != (state.product, price["price_id"]):
                continue
            applies = version["applies"]
            if begins is None and applies == "next_period":
                applies = "immediately"
            if late and applies == "immediately":
                applies = "next_period"
            reached = effective <= on and (
                state.activation >= effective
                or applies == "immediately"
                or (applies == "next_period" and begins is not None and begins >= effective)
            )
            rank = (effective, version.get("heard", ""), number)
            if reached and (best is None or rank > best):
                best, amount = rank, Fraction(version["amount"])
        return amount

    def round(self, exact: Fraction, currency: str, rule: str) -> int:
        scaled = exact * 10 ** DECIMALS.get(currency, 2)
        sign, size = (-1 if scaled < 0 else 1), abs(scaled)
        whole, rest = divmod(size.numerator, size.denominator)
        twice = 2 * rest
        if rule == "half_up" and twice >= size.denominator:
            whole += 1
        if rule == "half_even" and (twice > size.denominator or (twice == size.denominator and whole % 2)):
            whole += 1
        return sign * whole

    def currency(self, product: str) -> str:
        return self.products[product].get("currency") or self.tenant["currency"]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
