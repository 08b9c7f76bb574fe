"""The pieces of a service's timeline; each names the events that caused it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from billing.days import Day
from billing.facts import EventRef
from billing.money import Exact

OwnPrices = tuple[tuple[str, Exact], ...]
"""The service's own unit amounts, by price id, sorted."""
TriggerKind = Literal["activation", "change", "return"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Local days `[start, end)` on which a service is active, or suspended, in one state."""

    start: Day
    end: Day  # FOREVER while nothing ends it
    suspended: bool
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    activation: Day  # the day of the activation that it belongs to: its anchor
    charged_from: Day  # no recurring day before it is entitled; ALWAYS if all are
    attributes: Mapping[str, object]
    causes: tuple[EventRef, ...]  # activation first, then what shaped the state since
    ended_by: EventRef | None  # what began the next state, or the stop


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop (or a return that is one) of a service that was not suspended, and the state right before it."""

    day: Day  # its effective day
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    activation: Day
    charged_from: Day
    causes: tuple[EventRef, ...]
    ref: EventRef


@dataclass(frozen=True, slots=True)
class Trigger:
    """A moment at which one-time prices may be charged, with the state right after the event."""

    day: Day
    kind: TriggerKind
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    activation: Day
    causes: tuple[EventRef, ...]  # the triggering event last


@dataclass(frozen=True, slots=True)
class Plan:
    """A scheduled service that no activation has made true yet; only forecasts read it."""

    start: Day
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    causes: tuple[EventRef, ...]
