"""Plans: scheduled services as they would be charged, were they activated as planned (BILLING.md §2)."""

from collections.abc import Iterator
from dataclasses import replace

from billing.days import ALWAYS, FOREVER, Day
from billing.segments import Plan, Segment, Trigger
from billing.timeline import Timeline


def activated_in_turn(timeline: Timeline) -> Iterator[Timeline]:
    """Yield the timeline of each plan, which holds until the next one begins; none of no day."""
    ends = [*(plan.start for plan in timeline.plans[1:]), FOREVER]
    for plan, end in zip(timeline.plans, ends, strict=False):
        if plan.start < end:
            yield activated(timeline, plan, until=end)


def activated(timeline: Timeline, plan: Plan, *, until: Day = FOREVER) -> Timeline:
    """Return the timeline as if a plan, and nothing else, had come true; a later plan cuts it off."""
    segment = Segment(
        start=plan.start,
        end=until,
        suspended=False,
        customer_id=plan.customer_id,
        product_id=plan.product_id,
        quantity=plan.quantity,
        own_prices=plan.own_prices,
        activation=plan.start,
        charged_from=ALWAYS,
        attributes={},
        causes=plan.causes,
        ended_by=None,
    )
    trigger = Trigger(
        day=plan.start,
        kind="activation",
        customer_id=plan.customer_id,
        product_id=plan.product_id,
        quantity=plan.quantity,
        own_prices=plan.own_prices,
        activation=plan.start,
        causes=plan.causes,
    )
    return replace(timeline, segments=(segment,), stops=(), triggers=(trigger,), plans=())
