"""Dated policies of the tenant and of its customers (BILLING.md §1, §4)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from billing.account_credit import AccountCredit
from billing.catalog import Proration
from billing.days import ALWAYS, Day, instant
from billing.errors import InvalidFactError
from billing.facts import Anomaly, EventRef, effective_of, event_ref, number, superseded_by
from billing.money import Exact, Rounding
from billing.periods import Alignment, Grid, Grids, Interval, Layout, is_day_of_month

PolicyEvent = tuple[Mapping[str, Any], int]
"""A structured CloudEvent and when it was heard."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The values in force on one day."""

    alignment: Alignment = "calendar"
    billing_day: int = 1
    proration: Proration = "actual"
    stop_day: Literal["free", "billed"] = "free"
    rounding: Rounding = "half_up"
    credit_on_stop: Literal["credit", "none"] = "credit"
    account_credit: AccountCredit = "set_off"


OwnBillingDays = tuple[tuple[Day, int | None], ...]
"""(effective, billing day) in the order in which they count; None: back to the tenant's."""
POLICY_KEYS: Final = tuple(field.name for field in fields(Policy))


@dataclass(frozen=True, slots=True)
class CustomerPrice:
    """A unit amount of one customer from a day on; None takes it back."""

    effective: Day
    amount: Exact | None
    ref: EventRef


@dataclass(frozen=True, slots=True)
class Dated:
    """Values that one fact sets from its effective day on; None means back to what holds without them."""

    effective: Day
    values: Mapping[str, Any]


class CustomerTerms:
    """What holds for one customer: zone, dated policy, own prices, grids of full periods."""

    __slots__ = ("_days", "_grids", "_policies", "policies", "prices", "zone")

    def __init__(
        self,
        zone: ZoneInfo,
        policies: Sequence[tuple[Day, Policy]],
        prices: Mapping[tuple[str, str], tuple[CustomerPrice, ...]],
        grids: Grids,
    ) -> None:
        """`policies` are (effective, values in force), ascending, the first from ALWAYS."""
        self.zone = zone
        self.policies = tuple(policies)
        self.prices = prices
        self._days = [effective for effective, _ in policies]
        self._policies = [policy for _, policy in policies]
        self._grids = grids

    def policy(self, on: Day) -> Policy:
        """Return the values in force on a day."""
        if len(self._days) == 1:
            return self._policies[0]
        return self._policies[bisect_right(self._days, on) - 1]

    def grid(self, interval: Interval, activation: Day) -> Grid:
        """Return the customer's full periods for a service activated on a day."""
        return self._grids.grid(interval, activation)

    def billing_day_on(self, on: Day) -> int:
        """Return the billing day in force on a day, 1 to 31, not clamped."""
        return self.policy(on).billing_day

    def is_billing_day(self, on: Day) -> bool:
        """Tell whether the customer's invoices are issued on this day (clamped to the month's last day)."""
        return is_day_of_month(on, self.billing_day_on(on))


class PolicyBook:
    """All terms of one tenant."""

    def __init__(
        self,
        *,
        currency: str,
        zone: ZoneInfo,
        tenant: Sequence[Dated],
        customers: Mapping[str, "CustomerFacts"],
    ) -> None:
        """`tenant` and the customers' dated values are in the order of their days, of one day as heard."""
        self.currency = currency
        self.zone = zone
        self._tenant = tuple(tenant)
        self._customers = customers
        self._terms: dict[str, CustomerTerms] = {}
        self._grids: dict[tuple[tuple[Day, Layout], ...], Grids] = {}

    @property
    def customer_ids(self) -> tuple[str, ...]:
        """Every registered customer, sorted."""
        return tuple(sorted(self._customers))

    def terms(self, customer_id: str) -> CustomerTerms | None:
        """Return a customer's terms; None if the customer is not known (yet)."""
        terms = self._terms.get(customer_id)
        if terms is None:
            facts = self._customers.get(customer_id)
            if facts is None:
                return None
            terms = self._terms[customer_id] = self._make(facts)
        return terms

    def zone_of(self, customer_ids: Iterable[str]) -> ZoneInfo:
        """Return the zone that the customers share, else the tenant's."""
        zones = {
            self._customers[customer_id].zone if customer_id in self._customers else self.zone
            for customer_id in customer_ids
        }
        return zones.pop() if len(zones) == 1 else self.zone

    def own_billing_days(self, customer_id: str) -> OwnBillingDays:
        """Return the billing days that the customer itself has set, by effective day; none if not known."""
        facts = self._customers.get(customer_id)
        return tuple(
            (dated.effective, dated.values["billing_day"])
            for dated in (() if facts is None else facts.dated)
            if "billing_day" in dated.values
        )

    def terms_with(self, billing_days: OwnBillingDays) -> CustomerTerms:
        """Return the terms of a customer in the tenant's zone that has set these billing days and no more."""
        dated = tuple(Dated(effective, {"billing_day": value}) for effective, value in billing_days)
        return self._make(CustomerFacts(self.zone, dated, {}))

    def _make(self, facts: "CustomerFacts") -> CustomerTerms:
        policies = _in_force(self._tenant, facts.dated)
        layouts: list[tuple[Day, Layout]] = []
        for effective, policy in policies:
            layout = Layout(policy.alignment, policy.billing_day if policy.alignment == "billing_day" else 1)
            if not layouts or layouts[-1][1] != layout:
                layouts.append((effective, layout))
        key = tuple(layouts)
        if key not in self._grids:
            self._grids[key] = Grids(layouts)
        return CustomerTerms(facts.zone, policies, facts.prices, self._grids[key])


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What the facts of one customer say."""

    zone: ZoneInfo
    dated: tuple[Dated, ...]
    prices: Mapping[tuple[str, str], tuple[CustomerPrice, ...]]


def _in_force(tenant: Sequence[Dated], customer: Sequence[Dated]) -> list[tuple[Day, Policy]]:
    """Return the policy from each day on which it changes; a customer's own value beats the tenant's."""
    days = sorted({ALWAYS, *(dated.effective for dated in (*tenant, *customer))})
    policies: list[tuple[Day, Policy]] = []
    for on in days:
        values = {**_values_on(tenant, on), **_values_on(customer, on)}
        policy = replace(Policy(), **values)
        if not policies or policies[-1][1] != policy:
            policies.append((on, policy))
    return policies


def _values_on(dated: Sequence[Dated], on: Day) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for entry in dated:
        if entry.effective <= on:
            values.update(entry.values)
    return {name: value for name, value in values.items() if value is not None}


def fold_policies(events: Iterable[PolicyEvent]) -> tuple[PolicyBook, tuple[Anomaly, ...]]:
    """Return what the tenant's and the customers' facts make, and what makes no sense.

    `events` (`tenant.configured`, `customer.registered`, `customer.changed`) are in any order; one
    `tenant.configured` must be among them, else `InvalidFactError`.
    """
    ordered = sorted(_once(events), key=lambda item: item[1])  # sorting by day keeps this order within a day
    anomalies: list[Anomaly] = []
    tenant = [item for item in ordered if item[0]["type"] == "tenant.configured"]
    if not tenant:
        raise InvalidFactError("no tenant.configured: currency and time zone are not known")
    opening = tenant[0][0]["data"]
    zone = ZoneInfo(opening["timezone"])
    by_customer: dict[str, list[PolicyEvent]] = {}
    for item in ordered:
        if item[0]["type"] in ("customer.registered", "customer.changed"):
            by_customer.setdefault(item[0]["data"]["customer_id"], []).append(item)
    dated = _tenant_values(tenant, zone, anomalies)
    customers = {
        customer_id: facts
        for customer_id, items in by_customer.items()
        if (facts := _customer(items, zone, anomalies)) is not None
    }
    book = PolicyBook(currency=opening["currency"], zone=zone, tenant=dated, customers=customers)
    return book, tuple(sorted(anomalies, key=lambda anomaly: (anomaly.ref, anomaly.code)))


def _once(events: Iterable[PolicyEvent]) -> list[PolicyEvent]:
    known: dict[EventRef, PolicyEvent] = {}
    for event, heard in events:
        ref = event_ref(event)
        if ref not in known or heard < known[ref][1]:
            known[ref] = (event, heard)
    return list(known.values())


def _tenant_values(items: Sequence[PolicyEvent], zone: ZoneInfo, anomalies: list[Anomaly]) -> list[Dated]:
    """Return the tenant's dated values: the first fact counts from always, a later one from its day."""
    opening_ref = event_ref(items[0][0])
    dated: list[Dated] = []
    for event in _not_withdrawn(items, anomalies, keep=opening_ref):
        data, ref = event["data"], event_ref(event)
        values = _policy_values(data)
        if ref == opening_ref:
            dated.append(Dated(ALWAYS, values))
            continue
        anomalies.extend(
            Anomaly(ref, "tenant_differs", f"{name} never changes")
            for name in ("currency", "timezone")
            if data.get(name, items[0][0]["data"][name]) != items[0][0]["data"][name]
        )
        if values and data.get("effective") is None:
            detail = "policies that change name the day from which they count, in effective"
            anomalies.append(Anomaly(ref, "effective_missing", detail))
        elif values:
            dated.append(Dated(_local_day(data["effective"], zone), values))
    return sorted(dated, key=lambda entry: entry.effective)


def _customer(
    items: Sequence[PolicyEvent], tenant_zone: ZoneInfo, anomalies: list[Anomaly]
) -> CustomerFacts | None:
    """Return a customer's facts; None, and each reported, while there is no registration."""
    registrations = [event for event, _ in items if event["type"] == "customer.registered"]
    if not registrations:
        for event, _ in items:
            detail = f"customer {event['data']['customer_id']} was never registered"
            anomalies.append(Anomaly(event_ref(event), "unknown_customer", detail))
        return None
    first = min(registrations, key=_registration_order)
    name = first["data"].get("timezone")
    zone = tenant_zone if name is None else ZoneInfo(name)
    anomalies.extend(
        Anomaly(event_ref(event), "customer_differs", "timezone never changes")
        for event in registrations
        if event["data"].get("timezone") != name
    )
    dated: list[Dated] = []
    prices: dict[tuple[str, str], list[CustomerPrice]] = {}
    for event in _not_withdrawn(items, anomalies, keep=None):
        data, ref = event["data"], event_ref(event)
        effective = ALWAYS
        if event["type"] == "customer.changed":
            effective = _local_day(data["effective"], zone)
        values = _policy_values(data)
        if values:
            dated.append(Dated(effective, values))
        for product_id, amounts in (data.get("price_overrides") or {}).items():
            for price_id, text in amounts.items():
                amount = None if text is None else number(text)
                price = CustomerPrice(effective, amount, ref)
                prices.setdefault((product_id, price_id), []).append(price)
    return CustomerFacts(
        zone,
        tuple(sorted(dated, key=lambda entry: entry.effective)),
        {key: tuple(sorted(entries, key=lambda price: price.effective)) for key, entries in prices.items()},
    )


def _registration_order(event: Mapping[str, Any]) -> tuple[bool, datetime | None, EventRef]:
    """Order registrations as the fold orders events of one day (BILLING.md §2)."""
    time = event.get("time")
    return (time is not None, None if time is None else instant(time), event_ref(event))


def _not_withdrawn(
    items: Sequence[PolicyEvent], anomalies: list[Anomaly], *, keep: EventRef | None
) -> list[Mapping[str, Any]]:
    """Return the facts that no other one supersedes, in order; what counts from always can't be."""
    dated = {
        event_ref(event)
        for event, _ in items
        if event["type"] != "customer.registered" and event_ref(event) != keep
    }
    targets = {event_ref(event): superseded_by(event) for event, _ in items}
    withdrawn = {target for ref, target in targets.items() if target in dated and target != ref}
    live = [event for event, _ in items if event_ref(event) not in withdrawn]
    for event in live:
        ref = event_ref(event)
        target = targets[ref]
        if target is not None and (target == ref or target not in dated):
            detail = f"supersedes {target.id}, which is no dated fact of the same kind"
            anomalies.append(Anomaly(ref, "supersedes_unknown", detail))
    return live


def _policy_values(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in POLICY_KEYS if name in data}


def _local_day(text: str, zone: ZoneInfo) -> Day:
    effective = effective_of(text)
    if isinstance(effective, datetime):
        return Day(effective.astimezone(zone).toordinal())
    return effective
