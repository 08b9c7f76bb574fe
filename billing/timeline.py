"""The timeline of one service: its events, folded in one total order (BILLING.md §2)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from billing.facts import Anomaly, EventRef, ServiceEvent
from billing.segments import Plan, Segment, Stop, Trigger

ZoneOf = Callable[[Iterable[str]], ZoneInfo]
"""The zone that customers share, else the tenant's (`PolicyBook.zone_of`)."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the facts say about one service. Segments are in order and don't overlap."""

    service_id: str
    segments: tuple[Segment, ...]
    stops: tuple[Stop, ...]
    triggers: tuple[Trigger, ...]
    plans: tuple[Plan, ...]
    anomalies: tuple[Anomaly, ...]
    withdrawals: tuple[tuple[EventRef, EventRef], ...]  # (superseded, by)

    def customers(self) -> frozenset[str]:
        """Return every customer who may be charged for this service."""
        raise NotImplementedError

    def as_data(self) -> list[Any]:
        """Return the timeline as JSON-able lists; `from_data` reads it back."""
        raise NotImplementedError

    @staticmethod
    def from_data(data: Sequence[Any]) -> "Timeline":
        """Return the timeline that `as_data` wrote."""
        raise NotImplementedError


def fold(events: Sequence[ServiceEvent], zones: ZoneOf) -> Timeline:
    """Return the timeline that the facts of one service make; their arrival order never matters.

    The same event twice counts once. `zones` turns instants into local days.
    """
    raise NotImplementedError
