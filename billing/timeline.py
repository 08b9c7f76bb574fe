"""The timeline of one service: its events, folded in one total order (BILLING.md §2)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from billing import segments as pieces
from billing.days import Day
from billing.facts import Anomaly, EventRef, ServiceEvent
from billing.lifecycle import Lifecycle
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
    plans: tuple[Plan, ...]  # each holds until the next one begins
    anomalies: tuple[Anomaly, ...]
    withdrawals: tuple[tuple[EventRef, EventRef], ...]  # (superseded, by)

    def customers(self) -> frozenset[str]:
        """Return every customer who may be charged for this service."""
        held = {segment.customer_id for segment in self.segments}
        stopped = {stop.customer_id for stop in self.stops}
        return frozenset(held | stopped | {trigger.customer_id for trigger in self.triggers})

    def activation_on(self, on: Day) -> Day:
        """Return the latest activation by a day; the first one before that.

        A stop on the day of its activation leaves no segment, and may still be charged (BILLING.md §7).
        """
        activations = {segment.activation for segment in self.segments}
        activations.update(stop.activation for stop in self.stops)
        assert activations, "only what was active is charged"
        return max((activation for activation in activations if activation <= on), default=min(activations))

    def as_data(self) -> list[Any]:
        """Return the timeline as JSON-able lists; `from_data` reads it back."""
        refs = pieces.Refs()
        rows = [
            [pieces.segment_data(segment, refs) for segment in self.segments],
            [pieces.stop_data(stop, refs) for stop in self.stops],
            [pieces.trigger_data(trigger, refs) for trigger in self.triggers],
            [pieces.plan_data(plan, refs) for plan in self.plans],
            [[refs.index(anomaly.ref), anomaly.code, anomaly.detail] for anomaly in self.anomalies],
            [[refs.index(superseded), refs.index(by)] for superseded, by in self.withdrawals],
        ]
        return [self.service_id, refs.as_data(), *rows]

    @staticmethod
    def from_data(data: Sequence[Any]) -> "Timeline":
        """Return the timeline that `as_data` wrote."""
        service_id, refs_data, segments, stops, triggers, plans, anomalies, withdrawals = data
        refs = [EventRef(source, event_id) for source, event_id in refs_data]
        return Timeline(
            service_id,
            tuple([pieces.segment(row, refs) for row in segments]),
            tuple([pieces.stop(row, refs) for row in stops]),
            tuple([pieces.trigger(row, refs) for row in triggers]),
            tuple([pieces.plan(row, refs) for row in plans]),
            tuple([Anomaly(refs[index], code, detail) for index, code, detail in anomalies]),
            tuple([(refs[superseded], refs[by]) for superseded, by in withdrawals]),
        )


def customers_in(timelines: Iterable[Sequence[Any]]) -> set[str]:
    """Return the `customers` of timelines that are data, without building them."""
    found: set[str] = set()
    for _, _, segments, stops, triggers, *_ in timelines:
        for row in segments:
            found.add(row[3])
        for row in stops:
            found.add(row[1])
        for row in triggers:
            found.add(row[2])
    return found


def fold(events: Sequence[ServiceEvent], zones: ZoneOf) -> Timeline:
    """Return the timeline that the facts of one service make; their arrival order never matters.

    The same event twice counts once. `zones` turns instants into local days.
    """
    assert events, "a timeline has at least one event"
    service_id = events[0].service_id
    assert all(event.service_id == service_id for event in events), "a timeline is of one service"
    known = _first_heard(events)
    withdrawals = sorted(
        (event.supersedes, event.ref)
        for event in known.values()
        if event.supersedes is not None and event.supersedes in known and event.supersedes != event.ref
    )
    withdrawn = {superseded for superseded, _ in withdrawals}
    live = [event for event in known.values() if event.ref not in withdrawn]
    lifecycle = Lifecycle()
    for event in live:
        if event.supersedes is not None and (event.supersedes not in known or event.supersedes == event.ref):
            detail = f"{event.type}: supersedes {event.supersedes.id}, which this service does not have"
            lifecycle.anomalies.append(Anomaly(event.ref, "supersedes_unknown", detail))
    for day, event in _in_order(live, zones):
        lifecycle.take(event, day)
    lifecycle.finish()
    return Timeline(
        service_id,
        tuple(lifecycle.segments),
        tuple(lifecycle.stops),
        tuple(lifecycle.triggers),
        tuple(lifecycle.plans),
        tuple(sorted(lifecycle.anomalies, key=lambda anomaly: (anomaly.ref, anomaly.code))),
        tuple(withdrawals),
    )


def _first_heard(events: Sequence[ServiceEvent]) -> dict[EventRef, ServiceEvent]:
    known: dict[EventRef, ServiceEvent] = {}
    for event in events:
        if event.ref not in known or event.heard < known[event.ref].heard:
            known[event.ref] = event
    return known


def _in_order(events: Sequence[ServiceEvent], zones: ZoneOf) -> list[tuple[Day, ServiceEvent]]:
    """Return the events with their local days in the total order: day, occurred_at, source and event id."""
    zone = zones({event.customer_id for event in events if event.customer_id is not None})
    days = [(local_day(event.effective, zone), event) for event in events]
    return sorted(
        days,
        key=lambda item: (
            item[0],
            item[1].occurred_at is not None,
            item[1].occurred_at,
            item[1].ref.source,
            item[1].ref.id,
        ),
    )


def local_day(effective: Day | datetime, zone: ZoneInfo) -> Day:
    """Return the local day on which something is effective."""
    if isinstance(effective, datetime):
        return Day(effective.astimezone(zone).toordinal())
    return effective
