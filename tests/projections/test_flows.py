"""Flows come to what the calculation charges month by month, in every world; no database is needed."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from billing.catalog import fold_catalog
from billing.days import Day, day
from billing.facts import service_event
from billing.invoice import calculate
from billing.invoiced import apply_lines
from billing.periods import month_of
from billing.plans import activated_in_turn
from billing.timeline import Timeline, fold
from cli.simulate import run as simulate
from cli.simulate.scenario_file import Scenario
from projections import books, charges
from projections.books import Books, Shared
from projections.catalog import Known
from projections.flows import RECURRING, SETTLED, Flow, flows_of
from projections.issue_months import Spread, issue_days
from projections.waiting import OpenLine, waiting
from tests.billing.worlds import CUSTOMERS, worlds
from tests.projections.scenarios import facts_of
from tests.property_runs import for_all

MONTHS = 15
Nets = dict[tuple[int, str], int]


@for_all(worlds())
def test_flows_come_to_the_invoices_that_follow(world: dict[str, Any]) -> None:
    """BILLING.md §7 (d): all that the last step knew, and nothing more."""
    scenario = Scenario.model_validate({**world, "steps": world["steps"][:-1] or [{"issue": "2026-05-11"}]})
    lived = simulate.World(scenario)
    for step in scenario.steps:
        lived.take(step)
    today = day(scenario.steps[-1].day)
    timelines, known = known_by(scenario, today)
    for customer_id in CUSTOMERS:
        invoiced = lived.invoiced(customer_id)
        terms = known.book.terms(customer_id)
        assert terms is not None
        last_month = month_of(today) + MONTHS
        spread = Spread(terms, today, last_month=last_month, by="issue")
        flows = [
            flow
            for timeline in timelines.values()
            for flow in all_flows(timeline, lived, known)
            if flow.customer_id == customer_id
        ]
        lay(spread, flows)
        for document in lived.documents:
            if document.customer_id == customer_id:
                spread.once(document.currency, "", RECURRING, SETTLED, 0, -document.net_minor)
        expected: Nets = Counter()
        for issue_day in issue_days(terms, today, last_month):
            drafts = calculate(
                customer_id,
                issue_day,
                timelines.values(),
                invoiced.by_service,
                known.catalog,
                known.book,
            )
            for draft in drafts:
                expected[month_of(issue_day), draft.currency] += draft.net_minor
                invoiced = apply_lines(invoiced, f"later {issue_day}", draft.lines)
        assert nets(spread) == {key: net for key, net in expected.items() if net}


def known_by(scenario: Scenario, today: Day) -> tuple[dict[str, Timeline], Books]:
    """Everything that is heard by a day, folded as the projections fold it."""
    facts = sorted(facts_of(scenario), key=lambda fact: fact[0])
    heard = [(event, seq) for seq, (on, event) in enumerate(facts, 1) if on.toordinal() <= today]

    def of(*kinds: str) -> list[tuple[dict[str, Any], int]]:
        return [(event, seq) for event, seq in heard if event["type"] in kinds]

    catalog, anomalies = fold_catalog(of("product.published", "price.published"))
    tenant = tuple(of("tenant.configured"))
    customers: dict[str, list[books.Heard]] = {}
    for event, seq in of("customer.registered", "customer.changed"):
        customers.setdefault(event["data"]["customer_id"], []).append((event, seq))
    known = books.folded(Shared("t1", 0, 0, Known(catalog, anomalies, {}, {}, {}), tenant), customers)
    by_service: dict[str, list[Any]] = {}
    for event, seq in heard:
        if event["type"].startswith("service."):
            found = service_event(event, seq)
            by_service.setdefault(found.service_id, []).append(found)
    return {name: fold(events, known.book.zone_of) for name, events in sorted(by_service.items())}, known


def all_flows(timeline: Timeline, lived: simulate.World, known: Books) -> list[Flow]:
    names = {segment.customer_id for segment in timeline.segments} | set(CUSTOMERS)
    products = set(known.catalog.products)
    made = charges.schedule(timeline, products, names, known)
    planned = [charges.schedule(one, products, names, known) for one in activated_in_turn(timeline)]
    lines = [
        OpenLine(customer_id, lived.documents[int(span.document) - 1].due_for, span)
        for customer_id in CUSTOMERS
        for span in lived.invoiced(customer_id).by_service.get(timeline.service_id, ())
        if span.full_end is not None
    ]
    return flows_of(timeline, made, planned, waiting(timeline, lines, known))


def lay(spread: Spread, flows: Sequence[Flow]) -> None:
    for flow in flows:
        names = ("planned" if flow.kind == "planned" else RECURRING, flow.position, flow.service_month)
        if flow.step == 0:
            spread.once(flow.currency, "", *names, flow.amount_minor)
        else:
            cadence = (flow.step, flow.lag, flow.anchor)
            spread.repeated(flow.currency, "", names[0], cadence, {flow.position: flow.amount_minor})


def nets(spread: Spread) -> Nets:
    found: Nets = Counter()
    for (month, currency, _, kind), amount in spread.amounts.items():
        if kind != "planned":
            found[month, currency] += amount
    return {key: net for key, net in found.items() if net}
