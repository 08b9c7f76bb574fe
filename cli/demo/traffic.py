"""The everyday life of the services: started, changed, paused, moved, given back; seeded."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from cli.demo.messages import Binding, Data, Event, Narrator
from cli.demo.provider import SOURCE_OF, Fleet, Product, Provider
from cli.demo.times import FIRST_DAY, LAST_DAY, TAKEOVER_DAY

LAST_START: Final = date(2026, 7, 20)
LAST_EVENT: Final = date(2026, 8, 24)
MIGRATED: Final = 0.45
"""The share of the services that ran already before the ledger was opened."""
ON_THE_DAY: Final = 0.68
IN_ADVANCE: Final = 0.83
NAMES: Final = ("a.keller", "b.frei", "d.moser", "j.ortiz", "l.nguyen", "m.tremblay", "r.walsh", "s.huber")


@dataclass(slots=True)
class Service:
    """One service while its story is told."""

    narrator: Narrator
    random: Random
    provider: Provider
    product: Product
    customer_id: str
    service_id: str
    quantity: int
    day: date
    """The effective day of what happened last."""

    def event(
        self, kind: str, effective: date, data: Data | None = None, *, heard: date | None = None
    ) -> Event:
        """Tell that `kind` happened to the service on the day `effective`."""
        self.day = effective
        source = SOURCE_OF[self.product.character]
        known = heard or self._heard(effective)
        binding: Binding = "binary" if source.startswith("/licences") else "structured"
        return self.narrator.tell(
            f"service.{kind}",
            {"service_id": self.service_id, "effective": effective.isoformat(), **(data or {})},
            heard=known,
            occurred=min(effective, known),
            source=source,
            subject=self.service_id,
            binding=binding,
        )

    def later(self, least: int = 12, most: int = 60) -> date | None:
        """Return a day on which something else happens to it, or none: the half year is over."""
        day = max(self.day, FIRST_DAY) + timedelta(days=self.random.randint(least, most))
        return day if day <= LAST_EVENT else None

    def _heard(self, effective: date) -> date:
        """Return when the ledger hears of it: mostly on the day, sometimes before, sometimes weeks after."""
        roll = self.random.random()
        if roll < ON_THE_DAY:
            day = effective
        elif roll < IN_ADVANCE:
            day = effective - timedelta(days=self.random.randint(1, 12))
        else:
            day = effective + timedelta(days=self.random.randint(1, 25))
        return min(max(day, TAKEOVER_DAY), LAST_DAY)


Life = Callable[[Service], None]


def stays(_service: Service) -> None:
    """Nothing else happens."""


def pauses(service: Service) -> None:
    """Suspend it and, mostly, resume it."""
    if (day := service.later()) is None:
        return
    service.event("suspended", day)
    if (day := service.later(5, 45)) is not None:
        service.event("resumed", day)


def ends(service: Service) -> None:
    """Stop it for good."""
    if (day := service.later(20, 120)) is not None:
        service.event("deactivated", day)


def goes_back(service: Service) -> None:
    """Give the device back, sometimes weeks after it was switched off."""
    if (day := service.later(20, 110)) is None:
        return
    if service.random.random() < 1 / 3:
        service.event("deactivated", day)
        if (day := service.later(3, 20)) is None:
            return
    service.event("returned", day)


def returns_to_work(service: Service) -> None:
    """Stop it, and later activate it again: a new beginning."""
    if (day := service.later(20, 70)) is None:
        return
    service.event("deactivated", day)
    if (day := service.later(4, 40)) is not None:
        service.event("activated", day, {"quantity": service.quantity})


def grows(service: Service) -> None:
    """Seats come and go, up to four times."""
    for _ in range(service.random.randint(2, 4)):
        if (day := service.later(10, 40)) is None:
            return
        service.quantity = max(1, service.quantity + service.random.choice((-3, -2, -1, 1, 2, 3, 5)))
        service.event("changed", day, {"quantity": service.quantity})


def is_haggled_over(service: Service) -> None:
    """Agree on an own price, and mostly take it back."""
    if (day := service.later()) is None:
        return
    price = _recurring_price(service.product)
    cents = round(float(price["amount"]) * service.random.choice((85, 90, 95)))
    amount = f"{cents // 100}.{cents % 100:02d}"
    service.event("changed", day, {"price_overrides": {price["price_id"]: amount}})
    if (day := service.later(25, 70)) is not None:
        service.event("changed", day, {"price_overrides": {price["price_id"]: None}})


def is_exchanged(service: Service) -> None:
    """Take another product in its place."""
    if service.product.successor and (day := service.later()) is not None:
        service.event("changed", day, {"product_id": service.product.successor})


def moves(service: Service) -> None:
    """Another customer of the same provider takes it over."""
    others = [customer_id for customer_id in service.provider.fleets if customer_id != service.customer_id]
    if (day := service.later(20, 80)) is not None:
        service.event("changed", day, {"customer_id": service.random.choice(others)})


LIVES: Final[dict[str, tuple[tuple[Life, ...], tuple[int, ...]]]] = {
    "device": (
        (stays, pauses, goes_back, is_exchanged, moves, is_haggled_over, returns_to_work),
        (16, 18, 26, 14, 8, 8, 10),
    ),
    "seats": ((stays, grows, is_haggled_over, ends), (5, 65, 15, 15)),
    "managed": ((stays, pauses, ends, grows, returns_to_work, moves), (20, 24, 16, 12, 20, 8)),
}


def live(provider: Provider, narrator: Narrator, random: Random) -> None:
    """Tell the life of every service of the provider's fleets."""
    number = provider.first_service_number
    for customer_id, fleets in provider.fleets.items():
        for fleet in fleets:
            for _ in range(fleet.count):
                _one_life(provider, narrator, random, customer_id, fleet, number)
                number += 1


def _one_life(
    provider: Provider, narrator: Narrator, random: Random, customer_id: str, fleet: Fleet, number: int
) -> None:
    product = provider.product(fleet.product_id)
    service = Service(
        narrator,
        random,
        provider,
        product,
        customer_id,
        f"{product.prefix}-{number}",
        random.randint(*fleet.quantities),
        FIRST_DAY,
    )
    begin(service)
    lives, weights = LIVES[product.character]
    random.choices(lives, weights)[0](service)


def begin(service: Service) -> None:
    """Activate the service: taken over from before, ordered ahead with a plan, or delivered at once."""
    first: dict[str, object] = {
        "customer_id": service.customer_id,
        "product_id": service.product.product_id,
        "quantity": service.quantity,
        "attributes": _attributes(service),
    }
    if service.random.random() < MIGRATED:
        effective = date(2025, 1, 1) + timedelta(days=service.random.randint(0, 410))
        taken_over = first | {"already_billed_through": "2026-02-28"}
        service.event("activated", effective, taken_over, heard=TAKEOVER_DAY)
        return
    day = FIRST_DAY + timedelta(days=service.random.randint(0, (LAST_START - FIRST_DAY).days))
    if service.random.random() < 1 / 4:
        ordered = max(day - timedelta(days=service.random.randint(14, 35)), TAKEOVER_DAY)
        service.event("scheduled", day, first, heard=ordered)
    if service.random.random() < 1 / 10:
        first["free_until"] = (day + timedelta(days=service.random.randint(7, 30))).isoformat()
    service.event("activated", day, first)


def _attributes(service: Service) -> dict[str, object]:
    site = str(service.provider.settings["name"])[:3].upper()
    attributes: dict[str, object] = {"site": f"{site}-{service.random.randint(1, 4)}"}
    if service.product.character == "device":
        attributes["serial"] = f"{service.random.randrange(16**8):08X}"
        attributes["user"] = service.random.choice(NAMES)
    return attributes


def _recurring_price(product: Product) -> dict[str, str]:
    prices = product.data["prices"]
    assert isinstance(prices, list)
    price: dict[str, str] = prices[0]
    return price
