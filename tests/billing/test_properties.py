"""What must hold for every history, whatever is heard when (BILLING.md §7)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import assume
from hypothesis import strategies as st

from billing.days import Day, day
from billing.facts import EventRef
from billing.invoice import Draft, calculate
from billing.invoiced import Invoiced, InvoicedSpan, apply_lines
from billing.line import Line
from billing.timeline import Timeline, fold
from cli.simulate.run import Outcome, World, run
from cli.simulate.scenario_file import Scenario
from tests.billing.worlds import CUSTOMERS, LAST_STEP, worlds
from tests.property_runs import for_all

Sums = dict[tuple[str, str, str, str, str], int]


def lived(world: dict[str, Any]) -> Outcome:
    return run(Scenario.model_validate(world))


def in_hindsight(world: dict[str, Any]) -> Outcome:
    """What one run issues that knows everything."""
    return lived({**world, "steps": [{"issue": LAST_STEP.isoformat()}]})


def sums(outcome: Outcome | World) -> Sums:
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for document in outcome.documents:
        for line in document.lines:
            place = (document.customer_id, document.currency, line.service_id, line.product_id, line.price_id)
            found[place] += line.amount_minor
    return {place: amount for place, amount in found.items() if amount}


def standing(outcome: Outcome) -> list[tuple[str, InvoicedSpan]]:
    """What stands of all lines, read from their JSON alone."""
    states = {customer_id: Invoiced() for customer_id in CUSTOMERS}
    for number, document in enumerate(outcome.documents, 1):
        wire = [json.loads(json.dumps(line.as_data(document.currency))) for line in document.lines]
        lines = [Line.from_data(data, document.currency) for data in wire]
        assert tuple(lines) == document.lines
        customer_id = document.customer_id
        states[customer_id] = apply_lines(states[customer_id], str(number), lines)
    return [
        (customer_id, span)
        for customer_id, state in states.items()
        for spans in state.by_service.values()
        for span in spans
    ]


@for_all(worlds())
def test_convergence(world):
    """Many runs add up to the one that knew everything (a)."""
    assert sums(lived(world)) == sums(in_hindsight(world))


@for_all(worlds())
def test_idempotence(world):
    """Issuing twice on the same date adds nothing (b)."""
    twice = {**world, "steps": [step for step in world["steps"] for _ in range(2)]}
    assert lived(twice).documents == lived(world).documents


@for_all(worlds(), st.randoms(use_true_random=False))
def test_what_is_taken_back_whole_is_charged_again(world, random):
    """Documents reversed here and there change nothing in the end, whatever is heard before or after."""
    steps = []
    for step in world["steps"][:-1]:
        steps.append(step)
        if random.random() < 0.6:
            day_of_step = step.get("issue") or step["run_until"]
            steps.append({"credit": day_of_step, "invoice": random.randint(1, 4)})
    scenario = Scenario.model_validate({**world, "steps": [*steps, world["steps"][-1]]})
    built = World(scenario)
    for step in scenario.steps:
        if step.invoice is None or step.invoice <= len(built.documents):
            built.take(step)
    assert sums(built) == sums(in_hindsight(world))


@for_all(worlds(), st.randoms(use_true_random=False))
def test_arrival_order_never_matters(world, random):
    """Facts shuffled, sent again, and all heard later give the same documents once they are heard."""
    steps = [{"issue": LAST_STEP.isoformat()}]
    shuffled = list(world["events"])
    random.shuffle(shuffled)
    again = [{**event, "heard": random.choice(world["events"])["heard"]} for event in shuffled]
    first, second = (
        lived({**world, "steps": steps}),
        lived({**world, "steps": steps, "events": again + shuffled}),
    )
    assert first.documents == second.documents
    assert first.anomalies == second.anomalies


@for_all(worlds(), st.integers(0, 300), st.integers(0, 90))
def test_a_forecast_is_the_invoice_of_its_day(world, today, ahead):
    """By what is known today, a later date's documents are those issued then if nothing more is heard (d)."""
    now = Day(day("2026-01-01") + today)
    then = Day(now + ahead)
    named = ("events", "price_versions", "policy_changes")
    known = {key: [fact for fact in world[key] if day(fact["heard"]) <= now] for key in named}
    built = World(Scenario.model_validate({**world, **known, "steps": []}))
    for step in Scenario.model_validate({**world, "steps": world["steps"][:-1]}).steps:
        if day(step.day) <= now:
            built.take(step)
    everything = World(Scenario.model_validate({**world, "steps": []}))
    book, catalog = everything.book(now), everything.catalog(now)
    for customer_id in CUSTOMERS:
        invoiced = built.invoiced(customer_id)
        timelines = list(everything.timelines(now, book))
        foreseen = calculate(customer_id, then, timelines, invoiced.by_service, catalog, book)
        before = len(built.documents)
        built.issue(customer_id, then)
        assert unnamed(foreseen) == unnamed(built.documents[before:])


def unnamed(drafts: Iterable[Draft]) -> list[Draft]:
    """Return drafts without the names of price versions: a scenario numbers what it knows by its place."""
    return [
        replace(
            draft,
            lines=tuple(
                line._replace(explanation=line.explanation._replace(price_version=None))
                for line in draft.lines
            ),
        )
        for draft in drafts
    ]


@for_all(worlds())
def test_what_stands_is_what_is_entitled(world):
    """Credit and charge add up, per invoiced span, to the entitled amount; nothing else stands."""
    left = standing(lived(world))
    wanted = standing(in_hindsight(world))

    def content(spans: list[tuple[str, InvoicedSpan]]) -> list[Any]:
        return sorted(
            (
                *(customer_id, *span[:4], str(span.full_start), str(span.full_end)),
                *(span.start, span.end, span.amount_minor),
            )
            for customer_id, span in spans
            if span.amount_minor
        )

    assert content(left) == content(wanted)


def days_of(spans: list[tuple[str, InvoicedSpan]]) -> Counter[tuple[str, str, str, int]]:
    """How often each day of a price of a service is charged, to whomever."""
    found: Counter[tuple[str, str, str, int]] = Counter()
    for _, span in spans:
        if span.kind == "recurring":
            for number in range(span.start, span.end):
                found[span.service_id, span.product_id, span.price_id, number] += 1
    return found


@for_all(worlds())
def test_no_day_is_billed_twice_under_any_policy(world):
    """What stands never overlaps, for any two customers, rates or periods (c).

    But for a service that starts anew on its own anniversary within a period that was charged whole.
    """
    values = json.dumps([world[key] for key in ("policy", "customers", "policy_changes", "products")])
    assume('"anniversary"' not in values or '"proration": "none"' not in values)
    assert max(days_of(standing(lived(world))).values(), default=1) == 1


@for_all(worlds(plain=True))
def test_no_day_is_billed_twice_and_none_is_left_out(world):
    """By the day: what stands covers each active day of each price once (c).

    Lines that are all 0.00 may wait for a document (BILLING.md §7), so every day here costs something.
    """
    outcome = lived(world)
    built = World(Scenario.model_validate(world))
    book, catalog = built.book(day(LAST_STEP)), built.catalog(day(LAST_STEP))
    horizon = day(LAST_STEP) - 400  # every full period that begins before it has ended by the last step
    billed: Counter[tuple[str, str, str, str, int]] = Counter()
    for customer_id, span in standing(outcome):
        if span.kind == "recurring":
            for number in range(span.start, min(span.end, horizon)):
                billed[customer_id, span.service_id, span.product_id, span.price_id, number] += 1
    active: Counter[tuple[str, str, str, str, int]] = Counter()
    for timeline in built.timelines(day(LAST_STEP), book):
        for segment in timeline.segments:
            if segment.suspended or segment.quantity.scaled == 0:
                continue
            for price in catalog.products[segment.product_id].prices:
                for number in range(max(segment.start, segment.charged_from), min(segment.end, horizon)):
                    if price.recurring:
                        place = (segment.customer_id, timeline.service_id, segment.product_id, price.price_id)
                        active[*place, number] += 1
    assert billed == active


@contextmanager
def nothing_is_plain() -> Iterator[None]:
    with patch("billing.invoice.plain_lines", return_value=None):
        yield


@for_all(worlds())
def test_the_plain_case_is_the_general_one(world):
    """The short way gives the same documents, to the last explanation."""
    quick = lived(world)
    with nothing_is_plain():
        assert lived(world).documents == quick.documents


@for_all(worlds())
def test_timelines_survive_storage(world):
    built = World(Scenario.model_validate(world))
    for timeline in built.timelines(day(LAST_STEP), built.book(day(LAST_STEP))):
        assert Timeline.from_data(json.loads(json.dumps(timeline.as_data()))) == timeline


@for_all(worlds(plain=True), st.integers(0, 500))
def test_what_is_settled_need_not_be_looked_at(world, later):
    """After a run, periods that ended by its date change nothing while nothing is heard."""
    built = World(Scenario.model_validate(world))
    on = day(LAST_STEP)
    book, catalog = built.book(on), built.catalog(on)
    timelines = list(built.timelines(on, book))
    settled = {timeline.service_id: on for timeline in timelines}
    for customer_id in CUSTOMERS:
        drafts = calculate(customer_id, on, timelines, {}, catalog, book)
        state = Invoiced()
        for number, draft in enumerate(drafts, 1):
            state = apply_lines(state, str(number), draft.lines)
        next_day = Day(on + later)
        whole = calculate(customer_id, next_day, timelines, state.by_service, catalog, book)
        quick = calculate(
            customer_id, next_day, timelines, state.by_service, catalog, book, settled_by_service=settled
        )
        assert quick == whole


def test_the_same_event_twice_is_one_fact():
    world = World(
        Scenario.model_validate(
            {
                "scenario": 1,
                "name": "twice",
                "tenant": {"tenant_id": "t", "currency": "EUR", "timezone": "UTC"},
                "products": [],
                "customers": [{"customer_id": "c"}],
                "events": [{"type": "service.suspended", "service_id": "s", "effective": "2026-06-24"}],
                "steps": [],
            }
        )
    )
    (events,) = world.events.values()
    event = events[0][1]
    late = fold([event, event], world.book(day("2026-06-24")).zone_of)
    assert [anomaly.ref for anomaly in late.anomalies] == [EventRef("scenario", "e0001")]
