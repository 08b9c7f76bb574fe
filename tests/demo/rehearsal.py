"""The demo's world lived through in memory: the real calculation, a list instead of a ledger."""

from collections import defaultdict
from datetime import date
from functools import cache

from billing.adjustments import fold_adjustments
from billing.catalog import fold_catalog
from billing.days import day
from billing.facts import event_ref, service_event
from billing.invoice import calculate
from billing.invoiced import Invoiced, apply_lines
from billing.lifecycle import SERVICE_EVENT_TYPES
from billing.money import format_minor
from billing.policies import fold_policies
from billing.timeline import fold
from cli.demo.hindsight import ADJUSTMENT_TYPES, CATALOG_TYPES, POLICY_TYPES, HeardEvent, Run
from cli.demo.world import World, build


class Rehearsal:
    """One tenant's ledger after the half year: its facts, its bill runs, what was invoiced on which day."""

    def __init__(self, world: World, tenant_id: str) -> None:
        self.facts: list[HeardEvent] = []
        self.runs: list[Run] = []
        self.late = []
        self.invoices = {}
        self._invoiced = defaultdict(Invoiced)
        by_day = world.by_day()
        for today in sorted({*by_day, *world.issue_days[tenant_id]}):
            for message in by_day.get(today, ()):
                if message.fate == "booked" and message.event.tenant_id == tenant_id:
                    self._append(message.event.envelope())
                    if message.late:
                        self.late.append(event_ref(message.event.envelope()))
            if today in world.issue_days[tenant_id]:
                self._bill(today)

    def _append(self, event):
        self.facts.append(HeardEvent(len(self.facts) + 1, event))

    def _of(self, types):
        return [(event, seq) for seq, event in self.facts if event["type"] in types]

    def _bill(self, today: date):
        self.runs.append(Run(today, len(self.facts)))
        book, _ = fold_policies(self._of(POLICY_TYPES))
        catalog, _ = fold_catalog(self._of(CATALOG_TYPES))
        services = defaultdict(list)
        for event, seq in self._of(SERVICE_EVENT_TYPES):
            services[event["data"]["service_id"]].append(service_event(event, seq))
        timelines = [fold(events, book.zone_of) for events in services.values()]
        registered = {event["data"]["customer_id"] for event, _ in self._of({"customer.registered"})}
        for customer_id in sorted(registered):
            terms = book.terms(customer_id)
            if terms is None or not terms.is_billing_day(day(today)):
                continue
            invoiced = self._invoiced[customer_id]
            own = [
                (event, seq)
                for event, seq in self._of(ADJUSTMENT_TYPES)
                if event["data"]["customer_id"] == customer_id
            ]
            entered, _ = fold_adjustments(own, zone=terms.zone, currency=book.currency)
            for draft in calculate(
                customer_id,
                day(today),
                timelines,
                invoiced.by_service,
                catalog,
                book,
                adjustments=entered,
            ):
                self._issue(draft, today)

    def _issue(self, draft, today):
        number = f"N-{len(self.invoices) + 1}"
        self.invoices[number] = (draft, today)
        before = self._invoiced[draft.customer_id]
        self._invoiced[draft.customer_id] = apply_lines(before, number, draft.lines)
        own = {"source": "urn:billing-ledger", "tenantid": "any"}
        document = {
            "customer_id": draft.customer_id,
            "currency": draft.currency,
            "net": format_minor(draft.net_minor, draft.currency),
        }
        self._append(
            {**own, "id": number, "type": "invoice.issued", "data": {"number": number, "document": document}}
        )
        lines = [line.as_data(draft.currency) for line in draft.lines]
        self._append(
            {**own, "id": f"{number}/1", "type": "invoice.lines", "data": {"number": number, "lines": lines}}
        )


@cache
def rehearse(tenant_id: str) -> Rehearsal:
    """Live through the demo's world once per process."""
    return Rehearsal(build(), tenant_id)
