"""The projection group: what a batch of facts does to all read models, in the bookmark's transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from psycopg import Cursor

from billing.adjustments import is_adjustment
from billing.facts import Anomaly, EventRef, event_ref
from projections import (
    accounts,
    adjustments,
    anomalies,
    bookmarks,
    books,
    catalog,
    charges,
    customers,
    facts,
    invoices,
    issued,
    outstanding,
    parking,
    policies,
    queue,
    rejections,
    services,
)
from projections.bookmarks import Bookmark
from projections.books import Books, Shared
from projections.facts import Header, Heard
from projections.flows import Flow, adjustment_flows
from projections.refresh import Refreshed, refresh
from projections.tables import Tables

if TYPE_CHECKING:
    from datetime import datetime

MODELS: Final = (
    catalog.MODEL,
    customers.MODEL,
    policies.MODEL,
    services.MODEL,
    charges.MODEL,
    invoices.MODEL,
    accounts.MODEL,
    adjustments.MODEL,
    anomalies.MODEL,
    rejections.MODEL,
    outstanding.MODEL,
    queue.MODEL,
    parking.MODEL,
    bookmarks.MODEL,
)
TABLES: Final = Tables(MODELS)
NOTHING: Final = Refreshed(0, 0)


@dataclass(slots=True)
class Touched:
    """What a batch of facts is about."""

    products: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    tenant: bool = False
    documents: list[Header] = field(default_factory=list)
    runs: list[Header] = field(default_factory=list)
    rejections: list[Header] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Applied:
    """What one transaction did: facts read, services recomputed and parked; `seq` is the bookmark now.

    `seconds`: from its lock to its COMMIT, where a runner measured it.
    """

    seq: int
    facts: int
    services: int
    parked: int
    seconds: float = 0.0


class Group:
    """Applies batches; keeps each tenant's catalog while it stays the same."""

    def __init__(self) -> None:
        self._shared: dict[str, Shared] = {}

    def apply(
        self,
        cursor: Cursor[Any],
        tenant_id: str,
        *,
        facts_limit: int,
        queue_limit: int,
        queue_beside_facts: int = 0,
        only_queue: bool = False,
        up_to: int | None = None,
    ) -> Applied:
        """Fold the tenant's next facts and some of its queued services; move the bookmark.

        The caller holds the tenant's lock. `only_queue` puts the batch's services on the queue instead of
        folding them: a rebuild folds each once, at the end. While there are facts, no more than
        `queue_beside_facts` are taken from the queue. `up_to` is a seq at which the facts shall end.
        """
        before = bookmarks.read(cursor, tenant_id)
        if up_to is None:
            headers = whole_documents(cursor, tenant_id, before.seq, facts_limit)
        else:
            headers = facts.headers_after(cursor, tenant_id, before.seq, up_to - before.seq)
        touched = sort(headers)
        after = _moved(before, headers)
        _hear(cursor, tenant_id, headers)
        self._apply_documents(cursor, tenant_id, touched, after, fold=not only_queue)
        if touched.products or touched.customers or touched.tenant:
            self._refresh_books(cursor, tenant_id, touched, before, after)
        if only_queue:
            queue.put(cursor, tenant_id, touched.services, "rebuild")
            named: set[str] = set()
        else:
            queue.done(cursor, tenant_id, touched.services)
            named = touched.services
        if headers:
            queue_limit = min(queue_limit, queue_beside_facts)
        if queue_limit:
            named |= queue.take(cursor, tenant_id, queue_limit)
        done = NOTHING
        if named:
            done = refresh(
                cursor, self.shared(cursor, tenant_id, after), named, after=before.seq, up_to=after.seq
            )
        for header in touched.runs:
            for _, _, event in facts.at(cursor, tenant_id, [header.seq]):
                accounts.add_run(cursor, tenant_id, header.seq, header.recorded_at, event["data"])
        rejections.apply(cursor, tenant_id, touched.rejections)
        if after != before:
            bookmarks.move(cursor, tenant_id, after)
        return Applied(after.seq, len(headers), done.services, done.parked)

    def fold_queued(self, cursor: Cursor[Any], tenant_id: str, *, limit: int, place: int) -> Applied:
        """Fold services that are queued in the table `place` and that no other transaction is folding.

        Nobody moves the bookmark meanwhile: a rebuild alone works in these tables, on each service once.
        """
        names = queue.take(cursor, tenant_id, limit)
        assert queue.place(cursor) == place, "the rebuild that began this is over"
        bookmark = bookmarks.read(cursor, tenant_id)
        done = refresh(cursor, self.shared(cursor, tenant_id, bookmark), names, after=0, up_to=bookmark.seq)
        return Applied(bookmark.seq, 0, done.services, done.parked)

    def shared(self, cursor: Cursor[Any], tenant_id: str, bookmark: Bookmark) -> Shared:
        """Return the tenant's catalog and own facts at a bookmark."""
        found = books.shared(cursor, tenant_id, bookmark, self._shared.get(tenant_id))
        self._shared[tenant_id] = found
        return found

    def again(self, cursor: Cursor[Any], tenant_id: str, subject: str) -> None:
        """Compute anew what hangs on a subject that was parked; services go on the queue."""
        bookmark = bookmarks.read(cursor, tenant_id)
        common = self.shared(cursor, tenant_id, bookmark)
        noun, _, name = subject.partition("/")
        match noun:
            case "service":
                queue.put(cursor, tenant_id, [name], "retry")
            case "customer":
                refresh_customers(cursor, common, {name}, bookmark.seq, bookmark.seq)
                queue.put_customers(cursor, tenant_id, {name})
                _retry_services(cursor, tenant_id)
            case "product":
                refresh_products(cursor, common, {name}, bookmark.seq)
                queue.put_products(cursor, tenant_id, {name})
                _retry_services(cursor, tenant_id)
            case "account":
                issued.apply_again(cursor, tenant_id, name, bookmark.seq, common.known.catalog)
                queue.put_customers(cursor, tenant_id, {name})
            case _:
                raise AssertionError(subject)

    def _apply_documents(
        self, cursor: Cursor[Any], tenant_id: str, touched: Touched, after: Bookmark, *, fold: bool
    ) -> None:
        """Apply documents, before the services that are folded in the same batch look at their lines.

        What was heard after a document was computed may have moved when its lines are due: those services are
        folded again, so that the forecast knows what waits; and so are those of which something that was
        invoiced is taken back while it waits, or may wait for something else then.
        """
        if not touched.documents:
            return
        catalog = self.shared(cursor, tenant_id, after).known.catalog
        applied = issued.apply(cursor, tenant_id, touched.documents, catalog)
        if applied is None or not fold:
            return
        waiting = outstanding.waiting(cursor, tenant_id, applied.corrected)
        queue.put(cursor, tenant_id, applied.credited | waiting, "taken back")
        between = facts.heard_between(cursor, tenant_id, applied.computed_at_seq, applied.seq)
        if any(noun in ("product", "tenant") for noun, _ in between):
            queue.put_customers(cursor, tenant_id, applied.customer_ids)
        else:
            customers = {name for noun, name in between if noun == "customer"}
            queue.put_customers(cursor, tenant_id, customers & applied.customer_ids)
            queue.put(cursor, tenant_id, [name for noun, name in between if noun == "service"], "invoiced")

    def _refresh_books(
        self, cursor: Cursor[Any], tenant_id: str, touched: Touched, before: Bookmark, after: Bookmark
    ) -> None:
        common = self.shared(cursor, tenant_id, after)
        if touched.products:
            refresh_products(cursor, common, touched.products, after.seq)
            queue.put_products(cursor, tenant_id, touched.products)
        if touched.tenant:
            policies.replace(cursor, tenant_id, {policies.TENANT: list(common.tenant_events)})
            queue.put_tenant(cursor, tenant_id)
            adjusted = adjustments.customer_ids(cursor, tenant_id)
            known = books.books(cursor, common, adjusted, after.seq)
            outstanding.replace_adjustments(cursor, tenant_id, _adjustment_flows(known, adjusted))
        if touched.customers:
            moved = refresh_customers(cursor, common, touched.customers, before.seq, after.seq)
            if moved:
                queue.put_customers(cursor, tenant_id, moved)


def sort(headers: Sequence[Header]) -> Touched:
    """Return what facts are about, by their streams."""
    touched = Touched()
    for header in headers:
        match header.stream.partition("/")[0]:
            case "service":
                touched.services.add(header.subject)
            case "product":
                touched.products.add(header.subject)
            case "customer":
                touched.customers.add(header.subject)
            case "tenant":
                touched.tenant = True
            case "account" | "invoice":
                touched.documents.append(header)
            case "runs":
                touched.runs.append(header)
            case noun:
                assert noun == "rejected", header
                touched.rejections.append(header)
    return touched


def whole_documents(cursor: Cursor[Any], tenant_id: str, after: int, limit: int) -> list[Header]:
    """Return the next facts, cut so that no document is torn from its lines.

    Were the bookmark to rest inside a document, a bill run would see its account without its lines.
    """
    while True:
        headers = facts.headers_after(cursor, tenant_id, after, limit)
        if len(headers) < limit or not headers[-1].type.startswith("invoice."):
            return headers
        end = len(headers) - 1
        while end >= 0 and headers[end].type != issued.ISSUED:
            end -= 1
        if end > 0:
            return headers[:end]
        limit *= 2


def refresh_products(cursor: Cursor[Any], common: Shared, product_ids: Collection[str], seq: int) -> None:
    """Write the catalog's rows and anomalies of some products; park those whose facts break the fold."""
    tenant_id, known = common.tenant_id, common.known
    whole = [name for name in product_ids if name not in known.broken]
    catalog.replace(cursor, tenant_id, whole, known.catalog)
    streams = {event_ref(event): name for name, events in known.events.items() for event, _ in events}
    found: dict[str, list[Anomaly]] = {f"product/{name}": [] for name in product_ids}
    for item in known.anomalies:
        subject = f"product/{streams[item.ref]}"
        if subject in found:
            found[subject].append(item)
    anomalies.replace(cursor, tenant_id, found)
    if parking.release(cursor, tenant_id, [f"product/{name}" for name in whole]):
        _retry_services(cursor, tenant_id)
    for name in sorted(set(product_ids) - set(whole)):
        parking.park(cursor, tenant_id, f"product/{name}", (), known.broken[name], seq=seq)


def refresh_customers(
    cursor: Cursor[Any], common: Shared, customer_ids: Collection[str], after: int, up_to: int
) -> set[str]:
    """Write the rows of some customers; return those for whom facts after a seq move amounts."""
    tenant_id = common.tenant_id
    known = books.books(cursor, common, customer_ids, up_to)
    events = {name: found for name, found in known.customer_events.items() if name in customer_ids}
    customers.replace(cursor, tenant_id, events)
    policies.replace(cursor, tenant_id, events)
    adjustments.replace(cursor, tenant_id, {name: known.adjustments_of(name) for name in customer_ids})
    outstanding.set_calendars(cursor, tenant_id, known.book, events)
    outstanding.replace_adjustments(cursor, tenant_id, _adjustment_flows(known, events))
    subjects: dict[EventRef, str] = {
        event_ref(event): f"customer/{name}" for name, found in events.items() for event, _ in found
    }
    findings: dict[str, list[Anomaly]] = {f"customer/{name}": [] for name in customer_ids}
    for item in known.anomalies:
        if item.ref in subjects:
            findings[subjects[item.ref]].append(item)
    anomalies.replace(cursor, tenant_id, findings)
    if parking.release(
        cursor, tenant_id, [f"customer/{name}" for name in events if name not in known.broken]
    ):
        _retry_services(cursor, tenant_id)
    for name, reason in known.broken.items():
        parking.park(cursor, tenant_id, f"customer/{name}", (name,), reason, seq=up_to)
    return {name for name, found in events.items() if _moves_amounts(found, after)} | set(known.broken)


def _adjustment_flows(known: Books, customer_ids: Collection[str]) -> dict[str, list[Flow]]:
    """Return what the forecast adds up of the customers' adjustments; none of who is not registered."""
    return {
        name: [] if terms is None else adjustment_flows(known.adjustments_of(name), name, terms)
        for name in customer_ids
        for terms in (known.book.terms(name),)
    }


def _retry_services(cursor: Cursor[Any], tenant_id: str) -> None:
    """Queue the parked services: what they were parked for may be mended."""
    names = [
        item.subject.partition("/")[2]
        for item in parking.parked(cursor, tenant_id)
        if item.subject.startswith("service/")
    ]
    queue.put(cursor, tenant_id, names, "retry")


def _moves_amounts(events: Sequence[Heard], after: int) -> bool:
    return any(
        event["type"] == "customer.registered"
        or "supersedes" in event["data"]
        or any(key in event["data"] for key in policies.KEYS)
        for event, heard in events
        if heard > after and not is_adjustment(event)
    )


def _moved(before: Bookmark, headers: Sequence[Header]) -> Bookmark:
    seq, catalog_seq, tenant_seq = before.seq, before.catalog_seq, before.tenant_seq
    for header in headers:
        seq = header.seq
        if header.stream.startswith("product/"):
            catalog_seq = seq
        elif header.stream == "tenant":
            tenant_seq = seq
    return Bookmark(seq, catalog_seq, tenant_seq)


def _hear(cursor: Cursor[Any], tenant_id: str, headers: Sequence[Header]) -> None:
    first: dict[str, datetime] = {}
    for header in headers:
        if header.customer_id is not None:
            first.setdefault(header.customer_id, header.recorded_at)
    accounts.hear(cursor, tenant_id, first)
