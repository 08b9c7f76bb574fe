"""Flows: what is still to be invoiced for a service, each amount with the day on which it falls due."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from billing.adjustments import Adjustments, entitled_by
from billing.days import ALWAYS, FOREVER, Day
from billing.entitlement import Entitled
from billing.invoiced import InvoicedSpan
from billing.periods import INTERVAL_MONTHS, day_in_month, month_of
from billing.policies import CustomerTerms
from billing.timeline import Timeline
from projections.charges import Amount, RunRate

FlowKind = Literal["recurring", "one_time", "planned"]
Schedule = tuple[Sequence[RunRate], Sequence[Amount]]
ONCE: Final = 0
WEEK: Final = 7
"""The step of a flow that repeats every seven days; other steps are months."""
SETTLED: Final = 0
"""Stands for a day on which a flow was due long ago."""
RECURRING: Final = "recurring"


class Flow(NamedTuple):
    """An amount in minor units that falls due once (`step` 0), or at every boundary from one on.

    A repeated flow has its boundaries every `step` months on the `anchor` day of the month, clamped, or every
    seven days; `position` is the first one that it is due on, as a month (year * 12 + month - 1) or as a day,
    and `lag` is 1 where it is due at the end of the period that it is for. A flow due once has its day in
    `position` and the month in which its full period begins in `service_month`. A run-rate that ends is two
    flows: one that begins, and one that takes it back.
    """

    customer_id: str
    activates: Day  # of the activation that it belongs to; ALWAYS for what is no recurring charge
    ending: bool  # whether a stop of that activation is known
    currency: str
    product_id: str
    kind: FlowKind
    step: int
    lag: int
    anchor: int
    position: int
    service_month: int
    amount_minor: int


class Activity(NamedTuple):
    """The activation that a charge belongs to, and whether its stop is known."""

    activation: Day
    ending: bool


def flows_of(
    timeline: Timeline,
    schedule: Schedule,
    planned: Sequence[Schedule],
    waiting: Sequence[tuple[Entitled, InvoicedSpan, str]],
) -> list[Flow]:
    """Return everything that a service is ever charged, by the day on which it falls due.

    `planned` are the schedules of its plans; `waiting` are invoiced spans that stay until what they are
    paired with is due (BILLING.md §7), with the currency: their amounts move from the past to that day.
    """
    found: list[Flow] = []
    rates, amounts = schedule
    for rate in rates:
        found.extend(_repeated(rate, "recurring", activity(timeline, rate.starts.toordinal())))
    for amount in amounts:
        kind: FlowKind = "one_time" if amount.kind == "one_time" else "recurring"
        known = activity(timeline, amount.period_start.toordinal()) if kind == RECURRING else NO_ACTIVITY
        found.append(_once(amount, kind, known))
    for rates, amounts in planned:
        for rate in rates:
            found.extend(_repeated(rate, "planned", NO_ACTIVITY))
        found.extend(_once(amount, "planned", NO_ACTIVITY) for amount in amounts)
    for now, before, currency in waiting:
        found.extend(_moved(now, before, currency, activity(timeline, now.start)))
    return [flow for flow in found if flow.amount_minor]


NO_ACTIVITY: Final = Activity(ALWAYS, ending=False)


def activity(timeline: Timeline, on: int) -> Activity:
    """Return the activity that a charge which begins on a day belongs to."""
    activation = timeline.activation_on(Day(on))
    open_ended = any(s.activation == activation and s.end == FOREVER for s in timeline.segments)
    return Activity(activation, not open_ended)


def adjustment_flows(adjustments: Adjustments, customer_id: str, terms: CustomerTerms) -> list[Flow]:
    """Return what adjustments charge or credit a customer, each on its day; they are of no product."""
    return [
        Flow(
            customer_id,
            ALWAYS,
            False,
            adjustments.currency_of(item.price_id),
            item.product_id,
            "one_time",
            ONCE,
            0,
            0,
            int(item.due),
            month_of(item.start),
            item.amount_minor,
        )
        for item in entitled_by(adjustments, customer_id=customer_id, terms=terms)
        if item.amount_minor
    ]


def invoiced_month(full_start: date | None, period_start: date) -> int:
    """Return the service month of an invoiced line, as a flow has it."""
    return _month(full_start or period_start)


def boundary(step: int, anchor: int, position: int) -> Day:
    """Return the day of a boundary of a repeated flow."""
    return Day(position) if step == WEEK else day_in_month(position, anchor)


def _repeated(rate: RunRate, kind: FlowKind, known: Activity) -> Iterator[Flow]:
    weekly = rate.interval == "week"
    step = WEEK if weekly else INTERVAL_MONTHS[rate.interval]
    lag = 1 if rate.timing == "in_arrears" else 0
    anchor = 0 if weekly else rate.anchor_day

    def flow(boundary_day: date, amount_minor: int) -> Flow:
        position = boundary_day.toordinal() if weekly else _month(boundary_day)
        return Flow(
            rate.customer_id,
            known.activation,
            known.ending,
            rate.currency,
            rate.product_id,
            kind,
            step,
            lag,
            anchor,
            position + lag * step,
            0,
            amount_minor,
        )

    yield flow(rate.starts, rate.amount_minor)
    if rate.ends is not None:
        yield flow(rate.ends, -rate.amount_minor)


def _once(amount: Amount, kind: FlowKind, known: Activity) -> Flow:
    return Flow(
        amount.customer_id,
        known.activation,
        known.ending,
        amount.currency,
        amount.product_id,
        kind,
        ONCE,
        0,
        0,
        amount.due.toordinal(),
        _month(amount.full_start or amount.period_start),
        amount.amount_minor,
    )


def _moved(now: Entitled, before: InvoicedSpan, currency: str, known: Activity) -> Iterator[Flow]:
    assert now.full_start is not None, "a one-time amount never waits"
    month = month_of(now.full_start)
    for position, amount in ((SETTLED, before.amount_minor), (int(now.due), -before.amount_minor)):
        yield Flow(
            now.customer_id,
            known.activation,
            known.ending,
            currency,
            now.product_id,
            "recurring",
            ONCE,
            0,
            0,
            position,
            month,
            amount,
        )


def _month(on: date) -> int:
    return on.year * 12 + on.month - 1
