"""BILLING.md read a second time: a slow day-by-day calculation, no code shared with `billing/`.

It answers one question: what had to be charged by a date, with all known by then, had it been invoiced
once. The engine must agree to the minor unit (BILLING.md §7 a).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.world import DAY, LONG_AGO, MONTHS, Full, State, World, instant

Sums = dict[tuple[str, str, str, str], int]  # (customer, currency, service, price) -> minor units


@dataclass
class Life:
    """A service's days: the state that owns each day, and what its events triggered."""

    days: dict[date, State]
    stops: dict[date, State]  # effective day of a stop -> the state right before it
    pauses: list[date]  # effective days of stops and suspensions
    silent_stops: set[date]  # stops while suspended: nothing recurring is charged from the suspension on
    triggers: dict[tuple[str, str, date], tuple[State, str]]  # (product, price, day) -> state after
    activations: list[date]


def live(world: World, events: list[dict[str, Any]], until: date) -> Life:
    known = {event["event_id"] for event in events}
    gone = {event["supersedes"] for event in events if event.get("supersedes") in known}
    events = [event for event in events if event["event_id"] not in gone]
    zones = {world.zone(e["customer_id"]) for e in events if e.get("customer_id")}
    zone = ZoneInfo(zones.pop() if len(zones) == 1 else world.tenant["timezone"])

    def order(event: dict[str, Any]) -> tuple[date, bool, float, str]:
        text = event["effective"]
        day = date.fromisoformat(text) if len(text) == 10 else instant(text).astimezone(zone).date()
        occurred = event.get("occurred_at")
        return (
            day,
            occurred is not None,
            instant(occurred).timestamp() if occurred else 0.0,
            event["event_id"],
        )

    state, life = State(), Life({}, {}, [], set(), {}, [])
    by_day: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(events, key=order):
        by_day[order(event)[0]].append(event)
    if not by_day:
        return life
    today = min(by_day)
    while today <= until:
        for event in by_day.get(today, []):
            state = step(world, life, state.copy(), event, today)
        life.days[today] = state
        today += DAY
    return life


def step(world: World, life: Life, state: State, event: dict[str, Any], today: date) -> State:  # noqa: C901, PLR0912
    kind = event["type"].removeprefix("service.")
    before = state.copy()

    def trigger(which: str) -> None:
        for price in world.products[state.product or ""]["prices"]:
            if price["kind"] == "one_time" and price["trigger"] == which:
                life.triggers[state.product or "", price["price_id"], today] = (state.copy(), which)

    if kind == "scheduled" and state.activation is None:
        state.customer, state.product = event["customer_id"], event["product_id"]
    elif (
        kind == "activated"
        and not state.active
        and all(
            event.get(key) or getattr(state, key.removesuffix("_id")) for key in ("customer_id", "product_id")
        )
    ):
        state = State(
            customer=event.get("customer_id") or state.customer,
            product=event.get("product_id") or state.product,
            quantity=Fraction(str(event.get("quantity", 1))),
            own={k: v for k, v in event.get("price_overrides", {}).items() if v is not None},
            active=True,
            activation=today,
            billed_elsewhere="already_billed_through" in event,
        )
        if "already_billed_through" in event:
            state.first_day = date.fromisoformat(event["already_billed_through"]) + DAY
        if "free_until" in event:
            state.first_day = max(state.first_day, date.fromisoformat(event["free_until"]))
        life.activations.append(today)
        if not state.billed_elsewhere:
            trigger("activation")
    elif kind == "changed" and state.active:
        state.customer = event.get("customer_id") or state.customer
        if event.get("product_id") not in (None, state.product):
            state.product, state.own = event["product_id"], {}
        if "quantity" in event:
            state.quantity = Fraction(str(event["quantity"]))
        for price, amount in event.get("price_overrides", {}).items():
            if amount is None:
                state.own.pop(price, None)
            else:
                state.own[price] = amount
        was = (before.product, before.quantity, {k: Fraction(v) for k, v in before.own.items()})
        if was != (state.product, state.quantity, {k: Fraction(v) for k, v in state.own.items()}):
            trigger("change")
    elif kind == "suspended" and state.active and not state.suspended:
        state.suspended = True
        life.pauses.append(today)
    elif kind == "resumed" and state.active and state.suspended:
        state.suspended = False
    elif kind in ("deactivated", "returned") and state.active:
        if state.suspended:
            life.silent_stops.add(today)
        else:
            life.stops[today] = before
        life.pauses.append(today)
        state.active = state.suspended = False
        if kind == "returned":
            state.returned = True
            trigger("return")
    elif kind == "returned" and state.activation and not state.returned:
        state.returned = True
        trigger("return")
    return state


@dataclass
class Tail:
    """How a price was charged on its last charged day."""

    state: State
    full: Full
    amount: Fraction
    last: date
    whole: bool = False  # `none`, and no day of it was charged: the past was taken by somebody else


@dataclass
class Span:
    customer: str
    product: str
    price: dict[str, Any]
    full: Full
    rate: tuple[Fraction, Fraction]
    start: date
    end: date
    share: Fraction | None = None


class Walk:
    """The recurring spans of one service, found by walking through its days one by one."""

    def __init__(self, world: World, life: Life) -> None:
        self.world = world
        self.life = life
        self.spans: list[Span] = []
        self.open: dict[tuple[object, ...], Span] = {}
        self.ready: dict[
            tuple[str, str], date
        ] = {}  # `none`: the day before which a price may not be charged
        self.tails: dict[tuple[str, str], Tail] = {}  # what `credit_on_stop: none` goes on charging
        self.previous: State | None = None

    def run(self) -> list[Span]:
        for today, state in sorted(self.life.days.items()):
            if state.active:
                self.hand_over(state, today)
            acting = state if state.active and not state.suspended else None
            stopped = None if state.active else self.life.stops.get(today)
            charged: set[tuple[str, str]] = set()
            for price in self.recurring(acting or stopped):
                charged |= self.charge(acting or stopped, price, today, stopping=stopped is not None)
            if acting:
                self.tails = {key: tail for key, tail in self.tails.items() if tail.last == today}
            elif not state.active:
                self.tails = {} if today in self.life.silent_stops else self.tails
                self.tails = {key: tail for key, tail in self.tails.items() if not self.left(tail, stopped)}
                self.go_on(today, charged)
        return self.spans

    def recurring(self, state: State | None) -> list[dict[str, Any]]:
        prices = self.world.products[state.product]["prices"] if state and state.product else []
        return [price for price in prices if price["kind"] == "recurring"]

    def hand_over(self, state: State, today: date) -> None:
        if self.previous is not None and self.previous.product != state.product:
            self.ready = handed_over(self.world, self.ready, self.previous, state, today)
        if today in self.life.activations:
            self.tails = {}
            for price in self.recurring(state):
                full = self.world.full_period(state.customer or "", price["interval"], today, today)
                if self.world.value(state.customer or "", "alignment", full.begins) == "anniversary":
                    self.ready.pop((state.product or "", price["price_id"]), None)
        self.previous = state

    def charge(
        self, state: State | None, price: dict[str, Any], today: date, *, stopping: bool
    ) -> set[tuple[str, str]]:
        assert state
        assert state.customer
        assert state.product
        assert state.activation
        full = self.world.full_period(state.customer, price["interval"], state.activation, today)
        if stopping and self.world.value(state.customer, "stop_day", full.begins) != "billed":
            return set()
        key = (state.product, price["price_id"])
        mode = price.get("proration") or self.world.value(state.customer, "proration", full.begins)
        none = mode == "none" and not full.chopped and price["interval"] != "week"
        amount = self.world.unit_amount(state, price, today, full.begins, late=none)
        if today < self.ready.get(key, LONG_AGO):
            return {key}
        rate = (amount, state.quantity)
        if today < state.first_day:
            self.tails[key] = Tail(state, full, amount, today, whole=none)
        elif none:
            self.tails.pop(key, None)
            self.add_whole(state, price, full, rate, today)
        else:
            self.tails[key] = Tail(state, full, amount, today)
            self.add(state, price, full, rate, today)
        return {key}

    def add_whole(
        self, state: State, price: dict[str, Any], full: Full, rate: tuple[Fraction, Fraction], today: date
    ) -> None:
        assert state.customer
        assert state.product
        self.ready[state.product, price["price_id"]] = full.end
        self.spans.append(
            Span(state.customer, state.product, price, full, rate, today, full.end, Fraction(1))
        )

    def add(
        self, state: State, price: dict[str, Any], full: Full, rate: tuple[Fraction, Fraction], today: date
    ) -> None:
        assert state.customer
        assert state.product
        key = (state.customer, state.product, price["price_id"], full, rate)
        span = self.open.pop((*key, today), None)
        if span is None:
            span = Span(state.customer, state.product, price, full, rate, today, today)
            self.spans.append(span)
        span.end = today + DAY
        self.open[*key, span.end] = span

    def left(self, tail: Tail, stopped: State | None) -> bool:
        """Tell whether another product came on the day of a stop that is charged: the last active day."""
        return (
            stopped is not None
            and stopped.product != tail.state.product
            and self.world.value(stopped.customer or "", "stop_day", tail.full.begins) == "billed"
        )

    def go_on(self, today: date, charged: set[tuple[str, str]]) -> None:
        """Charge a day after a stop where the policy gives nothing back."""
        for key, tail in self.tails.items():
            price = self.world.price(*key)
            policy = self.world.value(tail.state.customer or "", "credit_on_stop", tail.full.begins)
            kept = price["timing"] == "in_advance" and policy == "none"
            if kept and key not in charged and tail.state.first_day <= today < tail.full.end:
                rate = (tail.amount, tail.state.quantity)
                if not tail.whole:
                    self.add(tail.state, price, tail.full, rate, today)
                elif self.ready.get(key, LONG_AGO) <= today:
                    self.add_whole(tail.state, price, tail.full, rate, today)


def handed_over(
    world: World, ready: dict[tuple[str, str], date], old: State, new: State, today: date
) -> dict[tuple[str, str], date]:
    """Return from when each price of the new product may be charged (BILLING.md §5, `none`)."""
    ends: list[tuple[date, str, date, str]] = []
    for price in world.products[old.product or ""]["prices"]:
        if price["kind"] == "recurring":
            wait = ready.get((old.product or "", price["price_id"]), LONG_AGO)
            running = world.full_period(
                old.customer or "", price["interval"], old.activation or today, today - DAY
            ).end
            end = wait if wait > today else max(running, today)
            ends.append((end, price["interval"], wait, price["price_id"]))
    result = {}
    for price in world.products[new.product or ""]["prices"]:
        if price["kind"] == "recurring" and ends:
            same = [end for end in ends if end[1] == price["interval"]]
            named = [end for end in same if end[3] == price["price_id"]]
            earliest = [end for end in ends if end[0] == min(ends)[0]]
            first = max(end[2] for end in named or same or earliest)
            result[new.product or "", price["price_id"]] = first
    return result


def share(world: World, span: Span) -> Fraction:
    if span.share is not None:
        return span.share
    full = span.full
    days, whole = (span.end - span.start).days, (full.end - full.start).days
    mode = span.price.get("proration") or world.value(span.customer, "proration", full.begins)
    if days == whole:
        return Fraction(1)
    if mode in ("actual", "none") or span.price["interval"] == "week":
        return Fraction(days, whole)
    months = MONTHS[span.price["interval"]]
    if mode == "thirty_360":
        first, last = span.start, span.end
        days = (
            360 * (last.year - first.year)
            + 30 * (last.month - first.month)
            + min(last.day, 30)
            - min(first.day, 30)
        )
    return min(Fraction(1), Fraction(days, 30 * months))


def due(scenario: dict[str, Any], on: date, known_on: date | None = None) -> Sums:
    """Return what had to be charged by `on`, per customer, currency, service and price; no zero sums."""
    world = World(scenario, known_on or on)
    sums: Sums = defaultdict(int)
    for service, events in world.services.items():
        life = live(world, events, on + timedelta(days=370))
        spans = [span for span in Walk(world, life).run() if span.full.begins <= on]
        for span in spans:
            if span.price["timing"] == "in_advance":
                ok = any(
                    other.start <= on
                    and (other.customer, other.product, other.price, other.full)
                    == (span.customer, span.product, span.price, span.full)
                    for other in spans
                )
            else:
                ok = span.full.end <= on or any(
                    pause <= on and activity_ended(life, span, pause) for pause in life.pauses
                )
            if ok:
                currency = world.currency(span.product)
                rule = world.value(span.customer, "rounding", span.full.begins)
                amount = world.round(span.rate[0] * span.rate[1] * share(world, span), currency, rule)
                sums[span.customer, currency, service, span.price["price_id"]] += amount
        for (product, price_id, day), (state, _) in life.triggers.items():
            if day <= on:
                price, currency = world.price(product, price_id), world.currency(product)
                exact = world.unit_amount(state, price, day, None) * state.quantity
                customer = state.customer or ""
                amount = world.round(exact, currency, world.value(customer, "rounding", day))
                sums[customer, currency, service, price_id] += amount
    for item in adjustments(world, known_on or on):
        day = date.fromisoformat(item["effective"])
        if day <= on:
            customer, currency = item["customer_id"], item.get("currency") or world.tenant["currency"]
            amount = world.round(Fraction(item["amount"]), currency, world.value(customer, "rounding", day))
            sums[customer, currency, item.get("service_id", ""), item["adjustment_id"]] += amount
    return {key: amount for key, amount in sums.items() if amount}


def adjustments(world: World, known_on: date) -> list[dict[str, Any]]:
    """Return the manual adjustments that count by what is heard by a day: neither replaced nor taken back."""

    def heard(item: dict[str, Any], key: str) -> bool:
        return date.fromisoformat(item.get(key, item["effective"])) <= known_on

    known = [item for item in world.adjustments if heard(item, "heard")]
    gone = {item["supersedes"] for item in known if "supersedes" in item}
    gone |= {named(item) for item in world.adjustments if "withdrawn" in item and heard(item, "withdrawn")}
    return [item for item in known if named(item) not in gone]


def named(item: dict[str, Any]) -> str:
    return item.get("event_id", item["adjustment_id"])


def activity_ended(life: Life, span: Span, pause: date) -> bool:
    """Tell whether the stop or suspension at `pause` ended the stretch of days in which `span` lies."""
    after = life.days.get(pause)
    if after is not None and after.active and not after.suspended:
        return False
    day = span.start
    if day > pause:
        return False
    while day < pause:
        state = life.days[day]
        if not state.active or state.suspended:
            return False
        day += DAY
    return True
