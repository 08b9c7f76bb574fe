"""The states in which a service is charged: its active segments, and what stops may add to them."""

from dataclasses import dataclass

from billing.days import FOREVER, Day
from billing.segments import Segment, Stop
from billing.timeline import Timeline


@dataclass(frozen=True, slots=True)
class State:
    """An active segment, or the day of a stop, which is charged only where `stop_day` is `billed`."""

    segment: Segment
    stop_day: bool
    stop: Stop | None  # the stop that it is, or that follows and whose last active day it holds
    again: Day  # when the service runs again after that stop; FOREVER if it doesn't


def states(timeline: Timeline) -> list[State]:
    """Return the states of a service in the order of their days.

    A day on which a service stops and starts again belongs to the later state: its stop adds nothing.
    """
    if not timeline.stops:
        return [
            State(segment, stop_day=False, stop=None, again=FOREVER)
            for segment in timeline.segments
            if not segment.suspended
        ]
    active = [segment for segment in timeline.segments if not segment.suspended]
    last_of_day = {stop.day: stop for stop in timeline.stops}
    found: list[State] = []
    followed_by: dict[int, tuple[Stop, Day]] = {}
    for stop in last_of_day.values():
        again = min(
            (segment.start for segment in timeline.segments if segment.start >= stop.day), default=FOREVER
        )
        if again == stop.day:
            continue
        found.append(State(_day_of(stop), stop_day=True, stop=stop, again=again))
        before = [
            index
            for index, segment in enumerate(active)
            if segment.activation == stop.activation and segment.end <= stop.day
        ]
        if before:
            followed_by[before[-1]] = (stop, again)
    for index, segment in enumerate(active):
        stopped, again = followed_by.get(index, (None, FOREVER))
        found.append(State(segment, stop_day=False, stop=stopped, again=again))
    return sorted(found, key=lambda state: state.segment.start)


def _day_of(stop: Stop) -> Segment:
    """Return the day of a stop as a segment, in the state right before the stop."""
    return Segment(
        start=stop.day,
        end=Day(stop.day + 1),
        suspended=False,
        customer_id=stop.customer_id,
        product_id=stop.product_id,
        quantity=stop.quantity,
        own_prices=stop.own_prices,
        activation=stop.activation,
        charged_from=stop.charged_from,
        attributes={},
        causes=stop.causes,
        ended_by=stop.ref,
    )
