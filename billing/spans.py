"""Spans of one price: the days of each full period that are charged at one rate (BILLING.md §4 to §6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from billing.catalog import Price, Proration
from billing.days import FOREVER, Day
from billing.facts import EventRef
from billing.money import Exact, Rounding
from billing.periods import Grid, Interval
from billing.policies import CustomerTerms, Policy, PolicyBook
from billing.rates import Tariff, UnitAmount
from billing.segments import Segment
from billing.states import State


class Span(NamedTuple):
    """Days of one full period at one rate, as found; neighbours may still be one."""

    customer_id: str
    quantity: Exact
    unit: UnitAmount
    full_start: Day
    full_end: Day
    begin: Day  # when the full period begins for dueness and policies
    start: Day
    end: Day
    rule: Proration
    rounding: Rounding
    ended_on: Day  # when a stop or suspension ended this activity; FOREVER if none did
    causes: tuple[EventRef, ...]
    charged_from: Day  # no earlier day is charged: a backdated activation says so; ALWAYS if it doesn't


@dataclass(slots=True)
class Walk:
    """Goes through the states of a service at one price of one product."""

    book: PolicyBook
    product_id: str
    price: Price
    until: Day  # full periods that begin later are not emitted
    limit: Day  # nor is anything found out about full periods that begin later than this
    hold: Day  # no day before it is charged: a period that is not prorated covers it
    since: Day | None  # full periods that ended on or before it are not emitted

    def run(self, states: Sequence[State], first: int, last: int) -> list[Span]:
        """Return the spans of the states [first, last), which have this product."""
        charged = [state for state in states if not state.stop_day or self._stop_is_billed(state)]
        run = {id(state) for state in states[first:last]}
        spans: list[Span] = []
        activation: Day | None = None
        for place, (state, ended_on) in enumerate(zip(charged, _ended_on(charged), strict=True), 1):
            segment = state.segment
            terms = self.book.terms(segment.customer_id)
            if id(state) not in run or terms is None:
                continue
            grid = terms.grid(self._interval, segment.activation)
            if activation not in (None, segment.activation) and self.starts_anew(segment):
                self.hold = segment.start
            activation = segment.activation
            self._charge(segment, terms, grid, ended_on, spans)
            if state.stop is not None and self.price.timing == "in_advance":
                again = min([state.again, *(later.segment.start for later in charged[place:])])
                self._extend(state, again, terms, grid, ended_on, spans)
        return spans

    def starts_anew(self, segment: Segment) -> bool:
        """Tell whether the activation of a segment begins a full period of its own."""
        terms = self.book.terms(segment.customer_id)
        if terms is None:
            return False
        grid = terms.grid(self._interval, segment.activation)
        index = grid.within(segment.activation, self.limit)
        return index >= 0 and terms.policy(grid.begins[index]).alignment == "anniversary"

    def period_end(self, segment: Segment, day: Day) -> Day:
        """Return when the period that runs on `day`, after the last segment at this price, ends."""
        terms = self.book.terms(segment.customer_id)
        if self.hold > day or terms is None:
            return self.hold
        grid = terms.grid(self._interval, segment.activation)
        index = grid.within(day, self.limit)
        return grid.ends[index] if index >= 0 else FOREVER

    @property
    def _interval(self) -> Interval:
        assert self.price.interval is not None, "only recurring prices have spans"
        return self.price.interval

    def _charge(
        self, segment: Segment, terms: CustomerTerms, grid: Grid, ended_on: Day, spans: list[Span]
    ) -> None:
        """Emit the spans of one segment, full period by full period."""
        tariff = self._tariff(segment, terms)
        day = max(segment.start, segment.charged_from, self.price.since, self.hold)
        while day < segment.end:
            index = grid.within(day, self.limit)
            if index < 0:
                return
            begin, full_end = grid.begins[index], grid.ends[index]
            rule = self._rule(terms.policy(begin), whole=begin == grid.starts[index])
            end = min(segment.end, full_end)
            if rule == "none":
                end = self.hold = full_end
            if self._emitted(grid, index):
                cuts = [] if rule == "none" or tariff.constant else tariff.changes(day, end)
                for start, stop in zip([day, *cuts], [*cuts, end], strict=True):
                    unit = tariff.on(start, begin=begin, whole=rule == "none")
                    if unit is not None:
                        causes = _causes(segment, full_end)
                        spans.append(
                            self._span(segment, terms, unit, grid, index, (start, stop), ended_on, causes)
                        )
            day = end

    def _extend(
        self,
        state: State,
        again: Day,
        terms: CustomerTerms,
        grid: Grid,
        ended_on: Day,
        spans: list[Span],
    ) -> None:
        """Let a stop take effect when the full period of the last active day ends, or on `again`."""
        segment, stop = state.segment, state.stop
        assert stop is not None, "asked only where a stop follows"
        last = Day(segment.end - 1)
        index = grid.within(last, self.limit)
        if index < 0 or not self._emitted(grid, index) or last < max(self.hold, self.price.since):
            return
        begin = grid.begins[index]
        if terms.policy(begin).credit_on_stop != "none":
            return
        unit = self._tariff(segment, terms).on(last, begin=begin)
        start = max(Day(stop.day + state.stop_day), segment.charged_from)
        end = min(grid.ends[index], again)
        if unit is not None and start < end:
            causes = tuple(dict.fromkeys((*segment.causes, stop.ref)))
            spans.append(self._span(segment, terms, unit, grid, index, (start, end), ended_on, causes))

    def _span(
        self,
        segment: Segment,
        terms: CustomerTerms,
        unit: UnitAmount,
        grid: Grid,
        index: int,
        days: tuple[Day, Day],
        ended_on: Day,
        causes: tuple[EventRef, ...],
    ) -> Span:
        begin, full_start = grid.begins[index], grid.starts[index]
        policy = terms.policy(begin)
        return Span(
            customer_id=segment.customer_id,
            quantity=segment.quantity,
            unit=unit,
            full_start=full_start,
            full_end=grid.ends[index],
            begin=begin,
            start=days[0],
            end=days[1],
            rule=self._rule(policy, whole=begin == full_start),
            rounding=policy.rounding,
            ended_on=ended_on,
            causes=causes,
            charged_from=segment.charged_from,
        )

    def _emitted(self, grid: Grid, index: int) -> bool:
        return grid.begins[index] <= self.until and (self.since is None or grid.ends[index] > self.since)

    def _rule(self, policy: Policy, *, whole: bool) -> Proration:
        """Return the price's proration, else the policy's; weeks, and cut periods under none, by the day."""
        rule = self.price.proration or policy.proration
        by_the_day = self.price.interval == "week" or (rule == "none" and not whole)
        return "actual" if by_the_day else rule

    def _tariff(self, segment: Segment, terms: CustomerTerms) -> Tariff:
        customer = terms.prices.get((self.product_id, self.price.price_id), ())
        return Tariff.of(self.price, segment.own_prices, customer, segment.activation)

    def _stop_is_billed(self, state: State) -> bool:
        """Tell whether the day of a stop is charged, by the policy of the full period that contains it."""
        segment = state.segment
        terms = self.book.terms(segment.customer_id)
        if terms is None or all(policy.stop_day == "free" for _, policy in terms.policies):
            return False
        grid = terms.grid(self._interval, segment.activation)
        index = grid.within(segment.start, self.limit)
        return index >= 0 and terms.policy(grid.begins[index]).stop_day == "billed"


def maximal(spans: Sequence[Span]) -> list[Span]:
    """Return the spans of one price with neighbouring days at the same rate joined, in their order."""
    joined: list[Span] = []
    latest: dict[tuple[str, Day, Day], int] = {}
    for span in spans:
        key = (span.customer_id, span.full_start, span.full_end)
        before = joined[latest[key]] if key in latest else None
        if (
            before is not None
            and before.end == span.start
            and before.unit.amount == span.unit.amount
            and before.quantity == span.quantity
        ):
            causes = tuple(dict.fromkeys((*before.causes, *span.causes)))
            joined[latest[key]] = before._replace(end=span.end, causes=causes)
        else:
            latest[key] = len(joined)
            joined.append(span)
    return joined


def _ended_on(charged: Sequence[State]) -> list[Day]:
    """Return for each state the day of the stop or suspension that ended its activity."""
    ended: list[Day] = []
    following = FOREVER
    for state in reversed(charged):
        segment = state.segment
        if not ended or segment.end < following:
            ended.append(segment.start if state.stop_day else segment.end)
        else:
            ended.append(ended[-1])
        following = segment.start
    ended.reverse()
    return ended


def _causes(segment: Segment, full_end: Day) -> tuple[EventRef, ...]:
    if segment.ended_by is None or segment.end >= full_end:
        return segment.causes
    return (*segment.causes, segment.ended_by)
