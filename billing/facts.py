"""Lifecycle facts as the fold reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from billing.days import Day, day, instant
from billing.errors import InvalidFactError
from billing.money import Exact, exact


class EventRef(NamedTuple):
    """What names an event for ever: its source and its id there."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A fact that has no effect on amounts until later facts make sense of it (BILLING.md §2)."""

    ref: EventRef
    code: str
    detail: str


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class ServiceEvent(NamedTuple):
    """One lifecycle fact. What is None or empty was not named by it.

    `effective` is a local day, or an aware instant that the fold turns into one. `heard` is the ledger's seq.
    """

    ref: EventRef
    type: str
    service_id: str
    effective: Day | datetime
    heard: int
    occurred_at: datetime | None = None
    customer_id: str | None = None
    product_id: str | None = None
    quantity: Exact | None = None
    price_overrides: Mapping[str, Exact | None] = _NONE
    attributes: Mapping[str, object] = _NONE
    supersedes: EventRef | None = None
    already_billed_through: Day | None = None
    free_until: Day | None = None


def event_ref(cloud_event: Mapping[str, Any]) -> EventRef:
    """Return the name of an event."""
    return EventRef(cloud_event["source"], cloud_event["id"])


def effective_of(value: str) -> Day | datetime:
    """Return the day, or the instant, that `effective` names; `InvalidFactError` if it is neither."""
    return day(value) if len(value) == len("2026-06-24") else instant(value)


def superseded_by(cloud_event: Mapping[str, Any]) -> EventRef | None:
    """Return the event that this one names in `supersedes`; without a source it is one of the same source."""
    target = cloud_event["data"].get("supersedes")
    if target is None:
        return None
    return EventRef(target.get("source", cloud_event["source"]), target["id"])


def number(value: str | int) -> Exact:
    """Return a quantity or amount of the wire: a decimal string, or a whole number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidFactError(f"{value!r} is no amount; write fractions as strings like 1.50")
    return exact(str(value))


def overrides(values: Mapping[str, str | None] | None) -> dict[str, Exact | None]:
    """Return unit amounts by price id; None takes an override back."""
    if not values:
        return {}
    return {price_id: None if text is None else number(text) for price_id, text in values.items()}


def service_event(cloud_event: Mapping[str, Any], heard: int) -> ServiceEvent:
    """Return the lifecycle fact in a structured CloudEvent (version 1, validated by schemas/)."""
    data = cloud_event["data"]
    time = cloud_event.get("time")
    quantity = data.get("quantity")
    billed_through = data.get("already_billed_through")
    free_until = data.get("free_until")
    return ServiceEvent(
        ref=event_ref(cloud_event),
        type=cloud_event["type"],
        service_id=data["service_id"],
        effective=effective_of(data["effective"]),
        occurred_at=None if time is None else instant(time),
        heard=heard,
        customer_id=data.get("customer_id"),
        product_id=data.get("product_id"),
        quantity=None if quantity is None else number(quantity),
        price_overrides=overrides(data.get("price_overrides")),
        attributes=data.get("attributes") or {},
        supersedes=superseded_by(cloud_event),
        already_billed_through=None if billed_through is None else day(billed_through),
        free_until=None if free_until is None else day(free_until),
    )
