"""The states of a service, event by event (BILLING.md §2); what can't be used is an anomaly."""

from collections.abc import Callable
from typing import Final, Literal

from billing.days import ALWAYS, FOREVER, Day
from billing.facts import Anomaly, EventRef, ServiceEvent
from billing.money import ONE, Exact
from billing.segments import OwnPrices, Plan, Segment, Stop, Trigger, TriggerKind

_PRICE: Final = "price of "
_INCOMPLETE: Final = "names no customer or no product, and none is known"
Status = Literal["never", "active", "suspended", "stopped"]


class Lifecycle:
    """Takes the events of one service in the total order; collects the pieces of its timeline."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.stops: list[Stop] = []
        self.triggers: list[Trigger] = []
        self.plans: list[Plan] = []
        self.anomalies: list[Anomaly] = []
        self._status: Status = "never"
        self._customer_id: str | None = None
        self._product_id: str | None = None
        self._attributes: dict[str, object] = {}
        self._causes: dict[str, EventRef] = {}
        # What each activation sets anew:
        self._since: Day
        self._quantity: Exact
        self._own_prices: dict[str, Exact]
        self._activation: Day
        self._charged_from: Day
        self._returned: bool

    def take(self, event: ServiceEvent, day: Day) -> None:
        """Fold one event, effective on the local `day`."""
        _TRANSITIONS[event.type](self, event, day)

    def finish(self) -> None:
        """Close what is still open."""
        self._close(FOREVER, None)

    def scheduled(self, event: ServiceEvent, day: Day) -> None:
        """Remember the plan, unless the service runs already."""
        if self._running:
            return
        customer_id = event.customer_id or self._customer_id
        product_id = event.product_id or self._product_id
        if customer_id is None or product_id is None:
            self._anomaly(event, "incomplete_plan", _INCOMPLETE)
            return
        own_prices = _own_prices(_merged({}, event))
        quantity = event.quantity or ONE
        self.plans.append(Plan(day, customer_id, product_id, quantity, own_prices, (event.ref,)))

    def activated(self, event: ServiceEvent, day: Day) -> None:
        """Begin anew: anchor, price version, quantity and own prices."""
        if self._running:
            self._anomaly(event, "already_active", "the service is already active on that day")
            return
        known = self.plans[-1] if self.plans and self._status == "never" else None
        customer_id = event.customer_id or self._customer_id or (known and known.customer_id)
        product_id = event.product_id or self._product_id or (known and known.product_id)
        if not customer_id or not product_id:
            self._anomaly(event, "incomplete_activation", _INCOMPLETE)
            return
        self.plans.clear()
        self._status, self._since, self._activation, self._returned = "active", day, day, False
        self._customer_id, self._product_id = customer_id, product_id
        self._quantity = ONE if event.quantity is None else event.quantity
        self._own_prices = _merged({}, event)
        self._note_attributes(event)
        self._charged_from = _charged_from(event)
        named = self._causes if known is None else dict.fromkeys(("customer", "product"), known.causes[0])
        self._causes = {
            "activation": event.ref,
            "customer": event.ref if event.customer_id else named["customer"],
            "product": event.ref if event.product_id else named["product"],
        }
        if event.already_billed_through is None:
            self._trigger("activation", event, day)

    def changed(self, event: ServiceEvent, day: Day) -> None:
        """Replace what is named; own prices are merged, and end with a change of product."""
        if not self._running:
            self._anomaly(event, "not_active", "the service is not active on that day")
            return
        moved = event.product_id is not None and event.product_id != self._product_id
        own_prices = _merged({} if moved else self._own_prices, event)
        repriced = own_prices != self._own_prices
        resized = event.quantity is not None and event.quantity != self._quantity
        handed_over = event.customer_id is not None and event.customer_id != self._customer_id
        if not (moved or repriced or resized or handed_over or event.attributes):
            return
        self._close(day, event.ref)
        if moved:
            self._product_id = event.product_id
        if handed_over:
            self._customer_id = event.customer_id
        if resized and event.quantity is not None:
            self._quantity = event.quantity
        self._own_prices = own_prices
        self._note_attributes(event)
        if moved:
            self._causes = {what: ref for what, ref in self._causes.items() if not what.startswith(_PRICE)}
        for what, did in (("product", moved), ("quantity", resized), ("customer", handed_over)):
            if did:
                self._caused(what, event)
        for price_id in event.price_overrides:
            self._caused(f"{_PRICE}{price_id}", event)
        if moved or repriced or resized:
            self._trigger("change", event, day)

    def suspended(self, event: ServiceEvent, day: Day) -> None:
        """Charge nothing recurring from that day on."""
        if self._status != "active":
            self._anomaly(event, "not_active", "the service is not active on that day, or suspended already")
            return
        self._close(day, event.ref)
        self._status = "suspended"
        self._note_attributes(event)
        self._causes["suspension"] = event.ref

    def resumed(self, event: ServiceEvent, day: Day) -> None:
        """Charge again; no trigger, no new anchor."""
        if self._status != "suspended":
            self._anomaly(event, "not_suspended", "the service is not suspended on that day")
            return
        self._close(day, event.ref)
        self._status = "active"
        self._note_attributes(event)
        del self._causes["suspension"]
        self._causes["resume"] = event.ref

    def deactivated(self, event: ServiceEvent, day: Day) -> None:
        """Stop."""
        if not self._running:
            self._anomaly(event, "not_active", "the service is not active on that day")
            return
        self._stop(event, day)

    def returned(self, event: ServiceEvent, day: Day) -> None:
        """Stop if it still runs; trigger what a return costs, once until the next activation."""
        if self._status == "never":
            self._anomaly(event, "never_active", "the service was never active before that day")
            return
        if self._returned:
            self._anomaly(event, "already_returned", "the service was returned already")
            return
        if self._running:
            self._stop(event, day)
        self._returned = True
        self._trigger("return", event, day)

    def voided(self, event: ServiceEvent, day: Day) -> None:
        """Do nothing: its effect is that the event which it names is not folded."""

    @property
    def _running(self) -> bool:
        return self._status in ("active", "suspended")

    def _stop(self, event: ServiceEvent, day: Day) -> None:
        self._close(day, event.ref)
        if self._status == "active":
            customer_id, product_id = self._held()
            self.stops.append(
                Stop(
                    day=day,
                    customer_id=customer_id,
                    product_id=product_id,
                    quantity=self._quantity,
                    own_prices=_own_prices(self._own_prices),
                    activation=self._activation,
                    charged_from=self._charged_from,
                    causes=self._caused_by(),
                    ref=event.ref,
                )
            )
        self._status = "stopped"
        self._note_attributes(event)

    def _close(self, day: Day, ended_by: EventRef | None) -> None:
        """End the running segment where the next state begins; a state of no day leaves none."""
        if self._running and self._since < day:
            customer_id, product_id = self._held()
            self.segments.append(
                Segment(
                    start=self._since,
                    end=day,
                    suspended=self._status == "suspended",
                    customer_id=customer_id,
                    product_id=product_id,
                    quantity=self._quantity,
                    own_prices=_own_prices(self._own_prices),
                    activation=self._activation,
                    charged_from=self._charged_from,
                    attributes=dict(self._attributes),
                    causes=self._caused_by(),
                    ended_by=ended_by,
                )
            )
        self._since = day

    def _trigger(self, kind: TriggerKind, event: ServiceEvent, day: Day) -> None:
        customer_id, product_id = self._held()
        causes = tuple(dict.fromkeys((*(ref for ref in self._caused_by() if ref != event.ref), event.ref)))
        self.triggers.append(
            Trigger(
                day=day,
                kind=kind,
                customer_id=customer_id,
                product_id=product_id,
                quantity=self._quantity,
                own_prices=_own_prices(self._own_prices),
                activation=self._activation,
                causes=causes,
            )
        )

    def _held(self) -> tuple[str, str]:
        assert self._customer_id is not None, "a service that was active has a customer"
        assert self._product_id is not None, "a service that was active has a product"
        return self._customer_id, self._product_id

    def _caused(self, what: str, event: ServiceEvent) -> None:
        """Note that an event is why something is as it is; the latest stands last."""
        self._causes.pop(what, None)
        self._causes[what] = event.ref

    def _caused_by(self) -> tuple[EventRef, ...]:
        return tuple(dict.fromkeys(self._causes.values()))

    def _note_attributes(self, event: ServiceEvent) -> None:
        if event.attributes:
            merged = {**self._attributes, **event.attributes}
            self._attributes = {name: value for name, value in merged.items() if value is not None}

    def _anomaly(self, event: ServiceEvent, code: str, detail: str) -> None:
        self.anomalies.append(Anomaly(event.ref, code, f"{event.type}: {detail}"))


_TRANSITIONS: Final[dict[str, Callable[[Lifecycle, ServiceEvent, Day], None]]] = {
    "service.scheduled": Lifecycle.scheduled,
    "service.activated": Lifecycle.activated,
    "service.changed": Lifecycle.changed,
    "service.suspended": Lifecycle.suspended,
    "service.resumed": Lifecycle.resumed,
    "service.deactivated": Lifecycle.deactivated,
    "service.returned": Lifecycle.returned,
    "service.voided": Lifecycle.voided,
}
SERVICE_EVENT_TYPES: Final = frozenset(_TRANSITIONS)


def _merged(own_prices: dict[str, Exact], event: ServiceEvent) -> dict[str, Exact]:
    merged = {**own_prices, **event.price_overrides}
    return {price_id: amount for price_id, amount in merged.items() if amount is not None}


def _own_prices(own_prices: dict[str, Exact]) -> OwnPrices:
    return tuple(sorted(own_prices.items()))


def _charged_from(event: ServiceEvent) -> Day:
    """Return the first day that may be charged; of both ways to take the past, the later counts."""
    billed = ALWAYS if event.already_billed_through is None else Day(event.already_billed_through + 1)
    free = ALWAYS if event.free_until is None else event.free_until
    return max(billed, free)
