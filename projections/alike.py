"""What services are charged that differ only by their names: computed once for all that are alike.

Most services are active since one day at one quantity, and hold what many others hold since the same day. The
result is that of the long way (`charges.schedule`, `flows_of`), row by row; whatever is not plain is left to
it.
"""

from typing import Any, Final, NamedTuple

from billing.timeline import Timeline
from projections import charges
from projections.books import Books
from projections.charges import Amount, RunRate
from projections.flows import Flow, Schedule, flows_of
from projections.services import Folded
from projections.waiting import is_plain

MOST_KEPT: Final = 100_000
NAMES: Final = 2
"""A row of a schedule begins with its service and its customer; a flow with its customer."""


class Pattern(NamedTuple):
    """The schedule and the flows of a service, without the names of the service and of its customer."""

    rates: tuple[tuple[Any, ...], ...]
    amounts: tuple[tuple[Any, ...], ...]
    flows: tuple[tuple[Any, ...], ...]

    def schedule(self, service_id: str, customer_id: str) -> Schedule:
        """Return what is charged for a service."""
        return (
            [RunRate._make((service_id, customer_id, *row)) for row in self.rates],
            [Amount._make((service_id, customer_id, *row)) for row in self.amounts],
        )

    def flows_to(self, customer_id: str) -> list[Flow]:
        """Return what a customer is charged for it, as the forecast adds it up."""
        return [Flow._make((customer_id, *row)) for row in self.flows]


def pattern_of(item: Folded, known: Books) -> Pattern | None:
    """Return what a service and all that are alike are charged; None where it is not plain.

    What is kept goes with the catalog and the tenant's facts that it was computed by.
    """
    key = _key(item.timeline, item, known)
    if key is None:
        return None
    kept = known.shared.patterns
    found = kept.get(key)
    if found is None:
        found = _made(item, known)
        if len(kept) < MOST_KEPT:
            kept[key] = found
    return found


def _key(timeline: Timeline, item: Folded, known: Books) -> tuple[Any, ...] | None:
    """Return all that the charges of a service depend on beside its names and `Shared`.

    Quantities count as they are written: they are printed so, though 1 and 1.0 are equal.
    """
    if not is_plain(timeline) or timeline.plans or len(timeline.triggers) > 1:
        return None
    (segment,) = timeline.segments
    customer_id, product_id = segment.customer_id, segment.product_id
    if segment.own_prices or len(item.customer_ids) != 1 or len(item.product_ids) != 1:
        return None
    terms = known.book.terms(customer_id)
    if terms is None or terms.prices:
        return None
    state = (segment.start, product_id, segment.quantity.text, segment.activation, segment.charged_from)
    held_by = (terms.policies, known.last_policy_day(customer_id))
    if not timeline.triggers:
        return (*state, *held_by)
    (trigger,) = timeline.triggers
    if trigger.own_prices or (trigger.customer_id, trigger.product_id) != (customer_id, product_id):
        return None
    return (*state, *held_by, trigger.day, trigger.kind, trigger.quantity.text, trigger.activation)


def _made(item: Folded, known: Books) -> Pattern:
    schedule = charges.schedule(item.timeline, item.product_ids, item.customer_ids, known)
    rates, amounts = schedule
    return Pattern(
        tuple(rate[NAMES:] for rate in rates),
        tuple(amount[NAMES:] for amount in amounts),
        tuple(flow[1:] for flow in flows_of(item.timeline, schedule, (), ())),
    )
