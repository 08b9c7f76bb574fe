"""Manual adjustments: one-off charges and credits, each a line keyed by its own id (BILLING.md §8)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from billing.days import Day, instant
from billing.entitlement import Entitled, amount_of
from billing.facts import Anomaly, EventRef, effective_of, event_ref, number, superseded_by
from billing.invoiced import InvoicedSpan
from billing.line import NO_SERVICE, Entered, Explanation, Line
from billing.money import ONE, Exact
from billing.policies import CustomerTerms
from billing.reconciliation import due_lines
from billing.timeline import local_day

ENTERED: Final = "adjustment.entered"
VOIDED: Final = "adjustment.voided"

AdjustmentEvent = tuple[Mapping[str, Any], int]
"""A structured CloudEvent and when it was heard."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One that was entered. `amount` is signed, a credit is negative; `causes` has what took it back, too."""

    adjustment_id: str
    service_id: str  # the service that it is about; NO_SERVICE if it is about none
    amount: Exact
    day: Day
    entered: Entered
    causes: tuple[EventRef, ...]
    is_live: bool  # False once another fact superseded it, or stands before it under its id
    heard: int


@dataclass(frozen=True, slots=True)
class Adjustments:
    """All adjustments of one customer, in the fold's order, and each id's currency."""

    known: tuple[Adjustment, ...]
    currencies: Mapping[str, str]

    def currency_of(self, adjustment_id: str) -> str:
        """Return the currency of an adjustment that was entered, ever."""
        return self.currencies[adjustment_id]


NO_ADJUSTMENTS: Final = Adjustments((), {})


def is_adjustment(event: Mapping[str, Any]) -> bool:
    """Tell whether a fact of a customer is about an adjustment."""
    return event["type"] in (ENTERED, VOIDED)


def fold_adjustments(
    events: Iterable[AdjustmentEvent], *, zone: ZoneInfo, currency: str
) -> tuple[Adjustments, tuple[Anomaly, ...]]:
    """Return what the adjustments of one customer make, and what makes no sense.

    `events` are of the customer, in any order; others than adjustments are left alone. The zone turns
    instants into days, `currency` is that of an adjustment that names none. Of two under one id the first in
    the fold's order counts (BILLING.md §2), whatever the order of arrival. An id's currency alone is the one
    that was heard first: lines may have gone out in it, and a line can't be reversed in another one.
    """
    heard = sorted(
        ((event, seq) for event, seq in events if is_adjustment(event)),
        key=lambda item: (item[1], event_ref(item[0])),
    )
    anomalies: list[Anomaly] = []
    entered = {event_ref(event): (event, seq) for event, seq in heard if event["type"] == ENTERED}
    withdrawn: dict[EventRef, EventRef] = {}
    for event, _ in heard:
        ref, target = event_ref(event), superseded_by(event)
        if target is None:
            continue
        if target == ref or target not in entered:
            detail = f"supersedes {target.id}, which is no adjustment of this customer"
            anomalies.append(Anomaly(ref, "supersedes_unknown", detail))
        else:
            withdrawn.setdefault(target, ref)
    currencies: dict[str, str] = {}
    for event, _ in entered.values():
        currencies.setdefault(event["data"]["adjustment_id"], event["data"].get("currency", currency))
    known: list[Adjustment] = []
    counts: dict[str, EventRef] = {}
    for event, seq in sorted(entered.values(), key=lambda item: _fold_order(item[0], zone=zone)):
        ref, data = event_ref(event), event["data"]
        adjustment_id = data["adjustment_id"]
        if currencies[adjustment_id] != data.get("currency", currency):
            detail = f"adjustment {adjustment_id}: its currency never changes; enter it under another id"
            anomalies.append(Anomaly(ref, "adjustment_differs", detail))
            continue
        by = withdrawn.get(ref)
        if by is None and counts.setdefault(adjustment_id, ref) != ref:
            by = counts[adjustment_id]
            detail = f"adjustment {adjustment_id} was entered already; name the earlier event in supersedes"
            anomalies.append(Anomaly(ref, "adjustment_differs", detail))
        known.append(_adjustment(data, ref, by, zone, seq))
    return Adjustments(tuple(known), currencies), tuple(
        sorted(anomalies, key=lambda item: (item.ref, item.code))
    )


def adjustment_lines(
    adjustments: Adjustments,
    invoiced: Sequence[InvoicedSpan],
    *,
    customer_id: str,
    issue_day: Day,
    terms: CustomerTerms,
) -> tuple[Line, ...]:
    """Return the lines of adjustments that are due on `issue_day`: entitled minus invoiced, as everywhere.

    `invoiced` is what stands of the customer's lines of adjustments.
    """
    if not adjustments.known:
        return ()
    entitled = entitled_by(adjustments, customer_id=customer_id, terms=terms)

    def causes_of(span: InvoicedSpan) -> tuple[EventRef, ...]:
        return tuple(
            dict.fromkeys(
                ref
                for item in adjustments.known
                if item.adjustment_id == span.price_id
                for ref in item.causes
            )
        )

    by_service: dict[str, tuple[list[Entitled], list[InvoicedSpan]]] = {}
    for now in entitled:
        by_service.setdefault(now.service_id, ([], []))[0].append(now)
    for before in invoiced:
        by_service.setdefault(before.service_id, ([], []))[1].append(before)
    found: list[Line] = []
    for each, then in by_service.values():
        found.extend(due_lines(each, then, customer_id=customer_id, issue_day=issue_day, causes_of=causes_of))
    return tuple([_told(line, adjustments.known) for line in found])


def _fold_order(event: Mapping[str, Any], *, zone: ZoneInfo) -> tuple[Day, bool, datetime | None, EventRef]:
    time = event.get("time")
    occurred_at = None if time is None else instant(time)
    return (
        local_day(effective_of(event["data"]["effective"]), zone),
        occurred_at is not None,
        occurred_at,
        event_ref(event),
    )


def entitled_by(adjustments: Adjustments, *, customer_id: str, terms: CustomerTerms) -> list[Entitled]:
    """Return what adjustments that still count say should be charged, each on its day."""
    return [
        _entitled(item, customer_id, adjustments.currency_of(item.adjustment_id), terms)
        for item in adjustments.known
        if item.is_live and item.amount.scaled
    ]


def _adjustment(
    data: Mapping[str, Any], ref: EventRef, by: EventRef | None, zone: ZoneInfo, seq: int
) -> Adjustment:
    return Adjustment(
        adjustment_id=data["adjustment_id"],
        service_id=data.get("service_id", NO_SERVICE),
        amount=number(data["amount"]),
        day=local_day(effective_of(data["effective"]), zone),
        entered=Entered(data.get("text") or data["reason"], data["reason"], data["author"]),
        causes=(ref,) if by is None else (ref, by),
        is_live=by is None,
        heard=seq,
    )


def _entitled(item: Adjustment, customer_id: str, currency: str, terms: CustomerTerms) -> Entitled:
    rounding = terms.policy(item.day).rounding
    amount, numerator, denominator = amount_of(item.amount, ONE, (1, 1), currency, rounding)
    return Entitled(
        service_id=item.service_id,
        customer_id=customer_id,
        product_id="",
        price_id=item.adjustment_id,
        kind="adjustment",
        quantity=ONE,
        unit_amount=item.amount,
        full_start=None,
        full_end=None,
        start=item.day,
        end=Day(item.day + 1),
        amount_minor=amount,
        due=item.day,
        explanation=Explanation(
            events=item.causes,
            price_source="adjustment",
            price_version=item.causes[0],
            rule="one_time",
            served_days=1,
            full_days=1,
            share=(1, 1),
            numerator=numerator,
            denominator=denominator,
            rounding=rounding,
            invoiced_minor=0,
            entered=item.entered,
        ),
    )


def _told(line: Line, known: Sequence[Adjustment]) -> Line:
    """Return a line that says who entered it and why; a reversal says it of what it takes back."""
    if line.reverses is None:
        return line
    before = max(
        (item for item in known if item.adjustment_id == line.price_id),
        key=lambda item: (
            (item.service_id, item.day, item.amount) == (line.service_id, line.period_start, line.unit_amount)
        ),
    )
    return line._replace(explanation=line.explanation._replace(entered=before.entered))
