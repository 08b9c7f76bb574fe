"""Lives through a scenario with the one calculation of `billing/`: what is heard by a step's day is seen."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from billing.account_credit import Settlement, settle
from billing.adjustments import ENTERED, NO_ADJUSTMENTS, VOIDED, Adjustments, fold_adjustments
from billing.catalog import Catalog, CatalogEvent, fold_catalog
from billing.crediting import taken_back
from billing.days import ALWAYS, Day, day, instant
from billing.facts import Anomaly, EventRef, ServiceEvent, effective_of, number, overrides
from billing.invoice import Draft, calculate
from billing.invoiced import Invoiced, apply_lines
from billing.policies import POLICY_KEYS, PolicyBook, PolicyEvent, fold_policies
from billing.timeline import Timeline, fold, local_day
from cli.simulate.loading import InvalidScenarioError
from cli.simulate.scenario_file import Event, PolicyChange, PolicyValues, Scenario, Step, default_event_id

SOURCE = "scenario"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario: documents in the order of BILLING.md §10, and what makes no sense."""

    scenario: Scenario
    documents: tuple[Draft, ...]
    settlements: tuple[Settlement, ...]  # one for each document
    anomalies: tuple[tuple[str | None, Anomaly], ...]  # with the service; None for an adjustment's


def run(scenario: Scenario, *, name: str = "scenario") -> Outcome:
    """Return what the steps of a scenario issue. Documents are numbered from 1 by their place.

    Raises InvalidScenarioError, with the file's `name`, where a step takes back a document that is not there.
    """
    world = World(scenario)
    for place, step in enumerate(scenario.steps):
        if step.invoice is not None and step.invoice > len(world.documents):
            there = f"by {step.day} there are {len(world.documents)} documents, numbered from 1"
            raise InvalidScenarioError(f"{name}: steps[{place}].invoice: no document {step.invoice}; {there}")
        world.take(step)
    last = max((day(step.day) for step in scenario.steps), default=ALWAYS)
    return Outcome(scenario, tuple(world.documents), tuple(world.settlements), tuple(world.anomalies(last)))


class World:
    """The facts of a scenario by the day on which they are heard, and what was issued so far."""

    def __init__(self, scenario: Scenario) -> None:
        self.documents: list[Draft] = []
        self.settlements: list[Settlement] = []
        self._credit: dict[tuple[str, str], int] = {}
        self._customer_ids = sorted(customer.customer_id for customer in scenario.customers)
        self._invoiced = {customer_id: Invoiced() for customer_id in self._customer_ids}
        self._last_step: dict[str, Day] = {}
        self._catalog_facts = sorted(_catalog_facts(scenario), key=lambda fact: fact[0])
        self._policy_facts = sorted(_policy_facts(scenario), key=lambda fact: fact[0])
        self._catalogs: dict[int, Catalog] = {}
        self._books: dict[int, PolicyBook] = {}
        self._timelines: dict[tuple[str, int], Timeline] = {}
        self.events: dict[str, list[tuple[Day, ServiceEvent]]] = {}
        self._first_heard: dict[str, Day] = {}
        for heard, event in sorted(self._service_events(scenario), key=lambda fact: fact[0]):
            self.events.setdefault(event.service_id, []).append((heard, event))
            if event.customer_id is not None:
                self._first_heard.setdefault(event.customer_id, heard)
        self._adjustment_facts: dict[str, list[tuple[Day, Mapping[str, Any]]]] = {}
        for heard, fact in sorted(adjustment_facts(scenario), key=lambda fact: fact[0]):
            customer_id = fact["data"]["customer_id"]
            self._adjustment_facts.setdefault(customer_id, []).append((heard, fact))
            self._first_heard[customer_id] = min(heard, self._first_heard.get(customer_id, heard))

    def take(self, step: Step) -> None:
        """Issue what a step says, customer by customer."""
        if step.invoice is not None:
            self._take_back(step.invoice, day(step.day))
            return
        for customer_id in self._customer_ids:
            if step.customer_id not in (None, customer_id):
                continue
            until = day(step.day)
            for issue_day in [until] if step.issue else self._billing_days(customer_id, until):
                self.issue(customer_id, issue_day)
            self._last_step[customer_id] = until

    def timelines(self, on: Day, book: PolicyBook) -> Iterator[Timeline]:
        """Yield the timelines of all services by what is heard by a day."""
        for service_id in sorted(self.events):
            timeline = self._timeline(service_id, on, book)
            if timeline is not None:
                yield timeline

    def anomalies(self, on: Day) -> Iterator[tuple[str | None, Anomaly]]:
        """Yield what makes no sense, by what is heard by a day."""
        book = self.book(on)
        for timeline in self.timelines(on, book):
            for anomaly in timeline.anomalies:
                yield timeline.service_id, anomaly
        for customer_id in sorted(self._adjustment_facts):
            for anomaly in self._adjustments(customer_id, on, book)[1]:
                yield None, anomaly

    def _service_events(self, scenario: Scenario) -> Iterator[tuple[Day, ServiceEvent]]:
        """Yield the events with the day on which they are heard: by default their local effective day."""
        book = self.book(ALWAYS)
        named: dict[str, set[str]] = {}
        for event in scenario.events:
            if event.customer_id is not None:
                named.setdefault(event.service_id, set()).add(event.customer_id)
        for index, event in enumerate(scenario.events):
            zone = book.zone_of(named.get(event.service_id, ()))
            heard = (
                local_day(effective_of(event.effective), zone) if event.heard is None else day(event.heard)
            )
            yield heard, _service_event(event, index, heard)

    def _billing_days(self, customer_id: str, until: Day) -> Iterator[Day]:
        """Yield the customer's billing days since the last step, or from the first fact on, till `until`."""
        if customer_id in self._last_step:
            first = self._last_step[customer_id] + 1
        elif customer_id in self._first_heard:
            first = self._first_heard[customer_id]
        else:
            return
        for number_of_day in range(first, until + 1):
            on = Day(number_of_day)
            terms = self.book(on).terms(customer_id)
            if terms is not None and terms.is_billing_day(on):
                yield on

    def invoiced(self, customer_id: str) -> Invoiced:
        """Return what stands of a customer's documents."""
        return self._invoiced[customer_id]

    def issue(self, customer_id: str, issue_day: Day) -> None:
        """Issue what is due to a customer on a day, by what is heard by then."""
        book = self.book(issue_day)
        invoiced = self._invoiced[customer_id]
        timelines = [
            timeline
            for timeline in self.timelines(issue_day, book)
            if customer_id in timeline.customers() or invoiced.by_service.get(timeline.service_id)
        ]
        catalog = self.catalog(issue_day)
        for draft in calculate(
            customer_id,
            issue_day,
            timelines,
            invoiced.by_service,
            catalog,
            book,
            adjustments=self._adjustments(customer_id, issue_day, book)[0],
        ):
            self.documents.append(draft)
            self._settle(draft, book)
            invoiced = apply_lines(invoiced, str(len(self.documents)), draft.lines)
        self._invoiced[customer_id] = invoiced

    def _take_back(self, place: int, issue_day: Day) -> None:
        """Issue a document over what stands of the one at a place, if anything does."""
        credited = self.documents[place - 1]
        customer_id = credited.customer_id
        spans = self._invoiced[customer_id].by_service.values()
        draft = taken_back(
            [span for some in spans for span in some if span.document == str(place)],
            EventRef(SOURCE, f"invoice-{place}"),
            customer_id=customer_id,
            currency=credited.currency,
            issue_day=issue_day,
        )
        if draft is not None:
            self.documents.append(draft)
            self._settle(draft, self.book(issue_day))
            self._invoiced[customer_id] = apply_lines(
                self._invoiced[customer_id], str(len(self.documents)), draft.lines
            )

    def _settle(self, draft: Draft, book: PolicyBook) -> None:
        account = (draft.customer_id, draft.currency)
        terms = book.terms(draft.customer_id)
        assert terms is not None, "the customers of a scenario are registered"
        policy = terms.policy(draft.due_for).account_credit
        settlement = settle(draft.net_minor, self._credit.get(account, 0), policy)
        self._credit[account] = settlement.carried_forward
        self.settlements.append(settlement)

    def _adjustments(
        self, customer_id: str, on: Day, book: PolicyBook
    ) -> tuple[Adjustments, tuple[Anomaly, ...]]:
        """Return the customer's adjustments by what is heard by a day, and what makes no sense."""
        facts = self._adjustment_facts.get(customer_id, [])
        heard = bisect_right(facts, on, key=lambda fact: fact[0])
        if heard == 0:
            return NO_ADJUSTMENTS, ()
        terms = book.terms(customer_id)
        assert terms is not None, "the customers of a scenario are registered"
        return fold_adjustments(_numbered(facts[:heard]), zone=terms.zone, currency=book.currency)

    def _timeline(self, service_id: str, on: Day, book: PolicyBook) -> Timeline | None:
        facts = self.events[service_id]
        heard = bisect_right(facts, on, key=lambda fact: fact[0])
        if heard == 0:
            return None
        key = (service_id, heard)
        if key not in self._timelines:
            self._timelines[key] = fold([event for _, event in facts[:heard]], book.zone_of)
        return self._timelines[key]

    def catalog(self, on: Day) -> Catalog:
        """Return the catalog by what is heard by a day."""
        heard = bisect_right(self._catalog_facts, on, key=lambda fact: fact[0])
        if heard not in self._catalogs:
            self._catalogs[heard] = fold_catalog(_numbered(self._catalog_facts[:heard]))[0]
        return self._catalogs[heard]

    def book(self, on: Day) -> PolicyBook:
        """Return the policies by what is heard by a day."""
        heard = bisect_right(self._policy_facts, on, key=lambda fact: fact[0])
        if heard not in self._books:
            self._books[heard] = fold_policies(_numbered(self._policy_facts[:heard]))[0]
        return self._books[heard]


def _numbered(facts: Sequence[tuple[Day, Mapping[str, Any]]]) -> Iterator[CatalogEvent | PolicyEvent]:
    for seq, (_, event) in enumerate(facts, 1):
        yield event, seq


def _fact(event_type: str, event_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": SOURCE, "id": event_id, "type": event_type, "data": data}


def _catalog_facts(scenario: Scenario) -> Iterator[tuple[Day, Mapping[str, Any]]]:
    for index, product in enumerate(scenario.products):
        data = product.model_dump(exclude_none=True)
        yield ALWAYS, _fact("product.published", f"product-{index + 1}", data)
    for index, version in enumerate(scenario.price_versions):
        heard = ALWAYS if version.heard is None else day(version.heard)
        data = version.model_dump(exclude={"heard"})
        yield heard, _fact("price.published", f"price-version-{index + 1}", data)


def adjustment_facts(scenario: Scenario) -> Iterator[tuple[Day, Mapping[str, Any]]]:
    """Yield the adjustments of a scenario, and their withdrawals, with the day on which each is heard."""
    zones = {customer.customer_id: customer.timezone for customer in scenario.customers}
    for place, item in enumerate(scenario.adjustments, 1):
        fields = item.model_dump(exclude={"event_id", "supersedes", "heard", "withdrawn"}, exclude_none=True)
        fields["adjustment_id"] = item.adjustment_at(place)
        if item.supersedes is not None:
            fields["supersedes"] = {"id": item.supersedes}
        event_id = item.event_at(place)
        zone = ZoneInfo(zones[item.customer_id] or scenario.tenant.timezone)
        heard = local_day(effective_of(item.effective), zone) if item.heard is None else day(item.heard)
        yield heard, _fact(ENTERED, event_id, fields)
        if item.withdrawn is not None:
            data = {
                "customer_id": item.customer_id,
                "supersedes": {"id": event_id},
                "reason": item.reason,
                "author": item.author,
            }
            yield day(item.withdrawn), _fact(VOIDED, f"{event_id}/withdrawn", data)


def _policy_facts(scenario: Scenario) -> Iterator[tuple[Day, Mapping[str, Any]]]:
    tenant = {**scenario.tenant.model_dump(), **_policy_values(scenario.policy)}
    yield ALWAYS, _fact("tenant.configured", "tenant", tenant)
    for index, customer in enumerate(scenario.customers):
        data = {
            "customer_id": customer.customer_id,
            "timezone": customer.timezone,
            "price_overrides": customer.price_overrides,
            **_policy_values(customer),
        }
        yield ALWAYS, _fact("customer.registered", f"customer-{index + 1}", data)
    for index, change in enumerate(scenario.policy_changes):
        heard = day(change.heard or change.effective)
        yield heard, _policy_change(change, f"policy-change-{index + 1}")


def _policy_change(change: PolicyChange, event_id: str) -> Mapping[str, Any]:
    data = {"effective": change.effective, **_policy_values(change)}
    if change.customer_id is None:
        return _fact("tenant.configured", event_id, data)
    data |= {"customer_id": change.customer_id, "price_overrides": change.price_overrides}
    return _fact("customer.changed", event_id, data)


def _policy_values(values: PolicyValues) -> dict[str, Any]:
    return {name: getattr(values, name) for name in POLICY_KEYS if name in values.model_fields_set}


def _service_event(event: Event, index: int, heard: Day) -> ServiceEvent:
    return ServiceEvent(
        ref=EventRef(SOURCE, event.event_id or default_event_id(index)),
        type=event.type,
        service_id=event.service_id,
        effective=effective_of(event.effective),
        occurred_at=None if event.occurred_at is None else instant(event.occurred_at),
        heard=heard,
        customer_id=event.customer_id,
        product_id=event.product_id,
        quantity=None if event.quantity is None else number(event.quantity),
        price_overrides=overrides(event.price_overrides),
        attributes=event.attributes,
        supersedes=None if event.supersedes is None else EventRef(SOURCE, event.supersedes),
        already_billed_through=None
        if event.already_billed_through is None
        else day(event.already_billed_through),
        free_until=None if event.free_until is None else day(event.free_until),
    )
