"""Catalog and policies of one tenant as of a seq, read once and kept while they stay the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Any, Final

from psycopg import Cursor

from billing.adjustments import NO_ADJUSTMENTS, Adjustments, entitled_by, fold_adjustments, is_adjustment
from billing.catalog import Catalog
from billing.days import ALWAYS, Day
from billing.errors import LedgerError
from billing.facts import Anomaly, event_ref
from billing.money import checked
from billing.policies import PolicyBook, fold_policies
from projections import catalog as catalog_model
from projections import customers, facts
from projections.bookmarks import Bookmark
from projections.facts import Heard
from projections.policies import KEYS, effective_text, local_date

DEFAULT_PREFIX: Final = {"invoice": "INV-", "credit_note": "CN-"}


class BrokenBooksError(LedgerError):
    """The facts about a customer or a product break their fold: nothing that needs them is computed."""

    code = "books_broken"


@dataclass(frozen=True, slots=True)
class Shared:
    """What every customer of a tenant has in common, and the bookmark's part that it is known by."""

    tenant_id: str
    catalog_seq: int
    tenant_seq: int
    known: catalog_model.Known
    tenant_events: tuple[Heard, ...]
    patterns: dict[tuple[Any, ...], Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    """What `projections.alike` keeps as long as all this stays the same."""


@dataclass(frozen=True, slots=True)
class Books:
    """All that a calculation for some customers needs beside their services."""

    shared: Shared
    book: PolicyBook
    customer_events: Mapping[str, list[Heard]]
    anomalies: tuple[Anomaly, ...]
    broken: Mapping[str, str]
    adjustments: Mapping[str, Adjustments]
    sellers: dict[date, dict[str, Any]] = field(default_factory=dict, compare=False)
    policy_days: dict[str, Day] = field(default_factory=dict, compare=False)

    @property
    def catalog(self) -> Catalog:
        """The tenant's catalog."""
        return self.shared.known.catalog

    def seller(self, on: date) -> dict[str, Any]:
        """Return who issues, as it stands on documents for a day."""
        found = self.sellers.get(on)
        if found is None:
            found = customers.party(self.shared.tenant_events, on, customers.SELLER_FIELDS)
            self.sellers[on] = found
        return found

    def buyer(self, customer_id: str, on: date) -> dict[str, Any]:
        """Return who is billed, as it stands on documents for a day; personal values by commitment."""
        return customers.party(self.customer_events.get(customer_id, ()), on)

    def number_prefix(self, kind: str) -> str:
        """Return what stands before the numbers of `invoice`s or `credit_note`s now."""
        prefixes = customers.party(self.shared.tenant_events, date.max, ("number_prefix",))
        prefix: str = prefixes.get("number_prefix", {}).get(kind, DEFAULT_PREFIX[kind])
        return prefix

    def adjustments_of(self, customer_id: str) -> Adjustments:
        """Return the manual adjustments of a customer."""
        return self.adjustments.get(customer_id, NO_ADJUSTMENTS)

    def check(self, customer_ids: Collection[str], product_ids: Collection[str]) -> None:
        """Raise BrokenBooksError where the facts about one of the customers or products can't be folded."""
        products = self.shared.known.broken
        for noun, names, broken in (
            ("customer", customer_ids, self.broken),
            ("product", product_ids, products),
        ):
            for name in sorted(names):
                if name in broken:
                    raise BrokenBooksError(f"{noun} {name}: {broken[name]}")

    def registered(self, customer_ids: Collection[str]) -> int:
        """Return the last seq at which one of the customers was registered: what their zones depend on."""
        return max(
            (
                heard
                for customer_id in customer_ids
                for event, heard in self.customer_events.get(customer_id, ())
                if event["type"] == "customer.registered"
            ),
            default=0,
        )

    def last_policy_day(self, customer_id: str) -> Day:
        """Return the last day from which a value of the tenant or of the customer counts."""
        found = self.policy_days.get(customer_id)
        if found is None:
            found = self.policy_days[customer_id] = max(
                (
                    Day(local_date(effective).toordinal() + 1)
                    for event, _ in (*self.shared.tenant_events, *self.customer_events.get(customer_id, ()))
                    if (effective := effective_text(event)) is not None
                ),
                default=ALWAYS,
            )
        return found

    def policy_touched(self, customer_id: str, after: int) -> Day | None:
        """Return the first day that policies heard after a seq can reach, None without any.

        A policy counts for full periods that begin on its day, a customer's price from its day on; a day of
        slack covers the zone of an instant.
        """
        days = [
            ALWAYS if effective is None else Day(local_date(effective).toordinal() - 1)
            for event, heard in (*self.shared.tenant_events, *self.customer_events.get(customer_id, ()))
            if heard > after
            and not is_adjustment(event)
            and (any(key in event["data"] for key in KEYS) or "supersedes" in event["data"])
            for effective in (None if "supersedes" in event["data"] else effective_text(event),)
        ]
        return min(days, default=None)


def shared(cursor: Cursor[Any], tenant_id: str, bookmark: Bookmark, known: Shared | None = None) -> Shared:
    """Return what the tenant's customers share at `bookmark`: `known` where that is still the same."""
    if (
        known is not None
        and known.tenant_id == tenant_id
        and (known.catalog_seq, known.tenant_seq) == (bookmark.catalog_seq, bookmark.tenant_seq)
    ):
        return known
    tenant = facts.heard(facts.streams(cursor, tenant_id, ["tenant"], bookmark.seq).get("tenant", []))
    loaded = catalog_model.load(cursor, tenant_id, bookmark.seq, zone_of_tenant(tenant))
    return Shared(tenant_id, bookmark.catalog_seq, bookmark.tenant_seq, loaded, tuple(tenant))


def zone_of_tenant(tenant_events: Sequence[Heard]) -> tzinfo:
    """Return the zone that a tenant's own facts give it; UTC before the first."""
    return fold_policies(tenant_events)[0].zone if tenant_events else UTC


def books(cursor: Cursor[Any], common: Shared, customer_ids: Collection[str], up_to: int) -> Books:
    """Return the books for some customers, with what was heard of them up to a seq."""
    names = [f"customer/{customer_id}" for customer_id in customer_ids if customer_id]
    found = facts.streams(cursor, common.tenant_id, names, up_to)
    return folded(common, {stream.partition("/")[2]: facts.heard(rows) for stream, rows in found.items()})


def folded(common: Shared, events: Mapping[str, list[Heard]]) -> Books:
    """Return the books for the customers whose facts `events` holds."""
    broken: dict[str, str] = {}
    try:
        book, found_anomalies = _fold(common, events)
    except Exception:  # noqa: BLE001 - one customer's facts must not hold up the others: find whose they are
        for customer_id, heard in events.items():
            try:
                _fold(common, {customer_id: heard})
            except Exception as error:  # noqa: BLE001 - whatever the fold raises, that customer is set aside
                broken[customer_id] = f"{type(error).__name__}: {error}"
        whole = {name: heard for name, heard in events.items() if name not in broken}
        book, found_anomalies = _fold(common, whole)
    adjustments, more = _adjustments(book, events, broken)
    return Books(common, book, events, (*found_anomalies, *more), broken, adjustments)


def _adjustments(
    book: PolicyBook, events: Mapping[str, list[Heard]], broken: dict[str, str]
) -> tuple[dict[str, Adjustments], list[Anomaly]]:
    """Return the adjustments of the customers that have some; `broken` learns whose break the fold."""
    found: dict[str, Adjustments] = {}
    anomalies: list[Anomaly] = []
    for customer_id, heard in events.items():
        if customer_id in broken or not any(is_adjustment(event) for event, _ in heard):
            continue
        terms = book.terms(customer_id)
        if terms is None:
            detail = f"customer {customer_id} is not known"
            refs = [event_ref(event) for event, _ in heard if is_adjustment(event)]
            anomalies += [Anomaly(ref, "unknown_customer", detail) for ref in refs]
            continue
        try:
            adjusted, more = fold_adjustments(heard, zone=terms.zone, currency=book.currency)
            for item in entitled_by(adjusted, customer_id=customer_id, terms=terms):
                checked(item.amount_minor, f"adjustment {item.price_id!r}")
        except Exception as error:  # noqa: BLE001 - whatever the fold raises, that customer is set aside
            broken[customer_id] = f"{type(error).__name__}: {error}"
        else:
            found[customer_id] = adjusted
            anomalies.extend(more)
    return found, anomalies


def _fold(common: Shared, events: Mapping[str, list[Heard]]) -> tuple[PolicyBook, tuple[Anomaly, ...]]:
    return fold_policies([*common.tenant_events, *(event for heard in events.values() for event in heard)])
