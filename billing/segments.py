"""The pieces of a service's timeline; each names the events that caused it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from billing.days import Day
from billing.facts import EventRef
from billing.money import Exact, exact

OwnPrices = tuple[tuple[str, Exact], ...]
"""The service's own unit amounts, by price id, sorted."""
TriggerKind = Literal["activation", "change", "return"]


class Segment(NamedTuple):
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


class Stop(NamedTuple):
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


class Trigger(NamedTuple):
    """A moment at which one-time prices may be charged, with the state right after the event."""

    day: Day
    kind: TriggerKind
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    activation: Day
    causes: tuple[EventRef, ...]  # the triggering event last


class Plan(NamedTuple):
    """A scheduled service that no activation has made true yet; only forecasts read it."""

    start: Day
    customer_id: str
    product_id: str
    quantity: Exact
    own_prices: OwnPrices
    causes: tuple[EventRef, ...]


class Refs:
    """Event references, each written once; pieces hold its index."""

    def __init__(self) -> None:
        self._indexes: dict[EventRef, int] = {}

    def index(self, ref: EventRef) -> int:
        """Return the place of `ref`, a new one if it has none yet."""
        return self._indexes.setdefault(ref, len(self._indexes))

    def indexes(self, refs: tuple[EventRef, ...]) -> list[int]:
        """Return the places of several."""
        return [self.index(ref) for ref in refs]

    def as_data(self) -> list[list[str]]:
        """Return [source, id] in the order of the places."""
        return [[ref.source, ref.id] for ref in self._indexes]


def segment_data(segment: Segment, refs: Refs) -> list[Any]:
    """Return a segment as a row."""
    return [
        segment.start,
        segment.end,
        segment.suspended,
        *_state_data(segment),
        segment.activation,
        segment.charged_from,
        dict(segment.attributes),
        refs.indexes(segment.causes),
        None if segment.ended_by is None else refs.index(segment.ended_by),
    ]


def segment(row: Sequence[Any], refs: Sequence[EventRef]) -> Segment:
    """Return the segment of a row."""
    start, end, suspended, customer_id, product_id, quantity, own, activation, charged_from = row[:9]
    attributes, causes, ended_by = row[9:]
    return Segment(
        start,
        end,
        suspended,
        customer_id,
        product_id,
        exact(quantity),
        _own_prices(own),
        activation,
        charged_from,
        attributes,
        tuple([refs[index] for index in causes]),
        None if ended_by is None else refs[ended_by],
    )


def stop_data(stop: Stop, refs: Refs) -> list[Any]:
    """Return a stop as a row."""
    return [
        stop.day,
        *_state_data(stop),
        stop.activation,
        stop.charged_from,
        refs.indexes(stop.causes),
        refs.index(stop.ref),
    ]


def stop(row: Sequence[Any], refs: Sequence[EventRef]) -> Stop:
    """Return the stop of a row."""
    day, customer_id, product_id, quantity, own, activation, charged_from, causes, ref = row
    return Stop(
        day,
        customer_id,
        product_id,
        exact(quantity),
        _own_prices(own),
        activation,
        charged_from,
        tuple([refs[index] for index in causes]),
        refs[ref],
    )


def trigger_data(trigger: Trigger, refs: Refs) -> list[Any]:
    """Return a trigger as a row."""
    return [
        trigger.day,
        trigger.kind,
        *_state_data(trigger),
        trigger.activation,
        refs.indexes(trigger.causes),
    ]


def trigger(row: Sequence[Any], refs: Sequence[EventRef]) -> Trigger:
    """Return the trigger of a row."""
    day, kind, customer_id, product_id, quantity, own, activation, causes = row
    return Trigger(
        day,
        kind,
        customer_id,
        product_id,
        exact(quantity),
        _own_prices(own),
        activation,
        tuple([refs[index] for index in causes]),
    )


def plan_data(plan: Plan, refs: Refs) -> list[Any]:
    """Return a plan as a row."""
    return [plan.start, *_state_data(plan), refs.indexes(plan.causes)]


def plan(row: Sequence[Any], refs: Sequence[EventRef]) -> Plan:
    """Return the plan of a row."""
    start, customer_id, product_id, quantity, own, causes = row
    return Plan(
        start,
        customer_id,
        product_id,
        exact(quantity),
        _own_prices(own),
        tuple([refs[index] for index in causes]),
    )


def _state_data(piece: Segment | Stop | Trigger | Plan) -> list[Any]:
    own = [[price_id, amount.text] for price_id, amount in piece.own_prices]
    return [piece.customer_id, piece.product_id, piece.quantity.text, own]


def _own_prices(rows: Sequence[Sequence[str]]) -> OwnPrices:
    return tuple([(price_id, exact(text)) for price_id, text in rows]) if rows else ()
