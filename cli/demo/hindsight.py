"""The closing check: what was due at the end, computed once with hindsight, against all that was issued.

The sum of entitled amounts that were due on each customer's last issue date, by the facts that the ledger had
then: no account of what was invoiced, no corrections (BILLING.md §7 a).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from billing.adjustments import ENTERED, VOIDED, fold_adjustments
from billing.catalog import fold_catalog
from billing.days import day
from billing.entitlement import entitle
from billing.facts import EventRef, ServiceEvent, event_ref, service_event
from billing.lifecycle import SERVICE_EVENT_TYPES
from billing.money import format_minor
from billing.policies import PolicyBook, fold_policies
from billing.timeline import fold

CATALOG_TYPES = frozenset(("product.published", "price.published"))
POLICY_TYPES = frozenset(("tenant.configured", "customer.registered", "customer.changed"))
ADJUSTMENT_TYPES = frozenset((ENTERED, VOIDED))

CloudEvent = Mapping[str, Any]


class HeardEvent(NamedTuple):
    """A fact of the ledger: its position and its event."""

    seq: int
    event: CloudEvent


@dataclass(frozen=True, slots=True, order=True)
class Charge:
    """What a sum is about."""

    customer_id: str
    service_id: str
    product_id: str
    price_id: str
    currency: str


Sums = Mapping[Charge, Decimal]


@dataclass(frozen=True, slots=True)
class Run:
    """A bill run: its issue date, and the position of the ledger when it began."""

    issue_day: date
    position: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that was issued otherwise than hindsight says."""

    charge: Charge
    due: Decimal
    issued: Decimal


def read_fact(seq: int, payload: bytes) -> HeardEvent:
    """Return a fact as this module takes it."""
    return HeardEvent(seq, orjson.loads(payload))


def differences(due: Sums, issued: Sums) -> tuple[Difference, ...]:
    """Return every sum in which the two differ, in order; a sum that is nowhere counts as nothing."""
    charges = sorted(due.keys() | issued.keys())
    found = (
        Difference(charge, due.get(charge, Decimal()), issued.get(charge, Decimal())) for charge in charges
    )
    return tuple(difference for difference in found if difference.due != difference.issued)


def issued_sums(facts: Iterable[HeardEvent]) -> Sums:
    """Return the sums of all issued lines."""
    owners: dict[str, tuple[str, str]] = {}
    parts: list[Mapping[str, Any]] = []
    for _, event in facts:
        data = event["data"]
        if event["type"] == "invoice.issued":
            owners[data["number"]] = (data["document"]["customer_id"], data["document"]["currency"])
        elif event["type"] == "invoice.lines":
            parts.append(data)
    sums: dict[Charge, Decimal] = defaultdict(Decimal)
    for part in parts:
        customer_id, currency = owners[part["number"]]
        for line in part["lines"]:
            about = line["service_id"] or "", line["product_id"] or ""
            charge = Charge(customer_id, *about, line["price_id"], currency)
            sums[charge] += Decimal(line["amount"])
    return sums


def due_sums(facts: Sequence[HeardEvent], runs: Sequence[Run], *, withheld: EventRef | None = None) -> Sums:
    """Return the sums of what was due at each customer's last issue date, by the facts that `runs` knew then.

    `withheld` is left out as if it had never been heard.
    """
    known = [fact for fact in facts if withheld is None or event_ref(fact.event) != withheld]
    closings: dict[Run, list[str]] = defaultdict(list)
    for customer_id, run in last_runs(known, runs).items():
        closings[run].append(customer_id)
    sums: dict[Charge, Decimal] = defaultdict(Decimal)
    for run, customers in closings.items():
        for charge, amount in _due_on(known, run, frozenset(customers)):
            sums[charge] += amount
    return sums


def last_runs(facts: Sequence[HeardEvent], runs: Sequence[Run]) -> Mapping[str, Run]:
    """Return for each customer the last of the `runs` that fell on its billing day, as then known."""
    last: dict[str, Run] = {}
    for run in runs:
        book = _policies(facts, run.position)
        for customer_id in _registered(facts, run.position):
            terms = book.terms(customer_id)
            if terms is not None and terms.is_billing_day(day(run.issue_day)):
                last[customer_id] = run
    return last


def _due_on(
    facts: Sequence[HeardEvent], run: Run, customers: frozenset[str]
) -> Iterable[tuple[Charge, Decimal]]:
    issue_day = day(run.issue_day)
    book = _policies(facts, run.position)
    catalog, _ = fold_catalog(_of(facts, run.position, CATALOG_TYPES), zone=book.zone)
    yield from _adjustments(facts, run, customers, book)
    for events in _services(facts, run.position).values():
        timeline = fold(events, book.zone_of)
        for entitled in entitle(timeline, catalog, book, until=issue_day):
            if entitled.customer_id in customers and entitled.due <= issue_day:
                currency = catalog.products[entitled.product_id].currency or book.currency
                charge = Charge(
                    entitled.customer_id,
                    entitled.service_id,
                    entitled.product_id,
                    entitled.price_id,
                    currency,
                )
                yield charge, Decimal(format_minor(entitled.amount_minor, currency))


def _adjustments(
    facts: Sequence[HeardEvent], run: Run, customers: frozenset[str], book: PolicyBook
) -> Iterable[tuple[Charge, Decimal]]:
    """Yield what was entered by hand for some customers, not taken back since, and due by the run's day."""
    entered: dict[str, list[tuple[CloudEvent, int]]] = defaultdict(list)
    for event, seq in _of(facts, run.position, ADJUSTMENT_TYPES):
        entered[event["data"]["customer_id"]].append((event, seq))
    for customer_id in sorted(customers & entered.keys()):
        terms = book.terms(customer_id)
        assert terms is not None, "the customers of a run are registered"
        found, _ = fold_adjustments(entered[customer_id], zone=terms.zone, currency=book.currency)
        for item in found.known:
            if item.is_live and item.day <= day(run.issue_day):
                currency = found.currency_of(item.adjustment_id)
                charge = Charge(customer_id, item.service_id, "", item.adjustment_id, currency)
                yield charge, Decimal(str(item.amount))


def _services(facts: Iterable[HeardEvent], position: int) -> Mapping[str, Sequence[ServiceEvent]]:
    services: dict[str, list[ServiceEvent]] = defaultdict(list)
    for event, seq in _of(facts, position, SERVICE_EVENT_TYPES):
        services[event["data"]["service_id"]].append(service_event(event, seq))
    return services


def _policies(facts: Iterable[HeardEvent], position: int) -> PolicyBook:
    book, _ = fold_policies(_of(facts, position, POLICY_TYPES))
    return book


def _registered(facts: Iterable[HeardEvent], position: int) -> list[str]:
    return sorted(
        {event["data"]["customer_id"] for event, _ in _of(facts, position, {"customer.registered"})}
    )


def _of(
    facts: Iterable[HeardEvent], position: int, types: frozenset[str] | set[str]
) -> list[tuple[CloudEvent, int]]:
    return [(event, seq) for seq, event in facts if seq <= position and event["type"] in types]
