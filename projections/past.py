"""What the ledger alone says about customers: facts read at once, parsed once, cut at any seq."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.days import ALWAYS
from billing.facts import ServiceEvent, service_event
from billing.invoiced import InvoicedSpan
from billing.timeline import Timeline, fold
from projections import books, catalog, facts, issued_facts, parking, services
from projections.accounts import Account
from projections.books import Books, BrokenBooksError, Shared
from projections.drafting import Snapshot
from projections.facts import Heard
from projections.issued_facts import IssuedFacts, Payloads
from projections.services import Folded, Held

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

NAMED: Final[LiteralString] = """
    SELECT customer_id, stream, min(seq), min(recorded_at) FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND customer_id = ANY(%(customers)s) AND seq <= %(up_to)s
    GROUP BY customer_id, stream"""
TENANT: Final = "tenant"


class TenantPast:
    """Catalog and tenant's own facts, as they were known at any seq; each state is folded once."""

    def __init__(
        self, tenant_id: str, tenant_events: Sequence[Heard], products: Mapping[str, Sequence[Heard]]
    ) -> None:
        """`tenant_events` and each product's facts are in the order in which they were heard."""
        self.tenant_id = tenant_id
        self._tenant_events = tenant_events
        self._tenant_seqs = [0, *(heard for _, heard in tenant_events)]
        self._products = products
        self._catalog_seqs = sorted({0, *(heard for events in products.values() for _, heard in events)})
        self._known: dict[tuple[int, tzinfo], catalog.Known] = {}
        self._shared: dict[tuple[int, int], Shared] = {}

    def shared(self, seq: int) -> Shared:
        """Return what the tenant's customers shared at a seq."""
        catalog_seq, tenant_seq = _last(self._catalog_seqs, seq), _last(self._tenant_seqs, seq)
        found = self._shared.get((catalog_seq, tenant_seq))
        if found is None:
            events = tuple(item for item in self._tenant_events if item[1] <= tenant_seq)
            zone = books.zone_of_tenant(events)
            known = self._known.get((catalog_seq, zone))
            if known is None:
                known = catalog.known(_heard_by(self._products, catalog_seq), zone)
                self._known[catalog_seq, zone] = known
            found = Shared(self.tenant_id, catalog_seq, tenant_seq, known, events)
            self._shared[catalog_seq, tenant_seq] = found
        return found


class ServicePast:
    """The facts of one service, and the timelines that they made at different times."""

    def __init__(self, service_id: str, rows: Payloads) -> None:
        """`rows` are in the order in which they were heard."""
        self.service_id = service_id
        self.events: list[ServiceEvent] = []
        self._seqs: list[int] = []
        self._unreadable: tuple[int, str] | None = None
        for seq, payload in rows:
            try:
                event = service_event(orjson.loads(payload), seq)
            except Exception as error:  # noqa: BLE001 - whatever it raises, it breaks this service from here on
                self._unreadable = self._unreadable or (seq, parking.reason_of(error))
            else:
                self.events.append(event)
                self._seqs.append(seq)
        self._timelines: dict[tuple[int, tuple[ZoneInfo, ...]], Timeline] = {}
        self._names: dict[int, tuple[frozenset[str], frozenset[str]]] = {}

    def known_at(self, seq: int) -> Sequence[ServiceEvent]:
        """Return the facts that were heard by a seq."""
        count = bisect_right(self._seqs, seq)
        return self.events if count == len(self.events) else self.events[:count]

    def folded(self, seq: int, known: Books) -> Folded:
        """Return the service as its facts made it at a seq, by when it had one.

        Raises BrokenBooksError, as do the folds, where a fact known by then can't be read.
        """
        if self._unreadable is not None and self._unreadable[0] <= seq:
            raise BrokenBooksError(f"service {self.service_id}: {self._unreadable[1]}")
        events = self.known_at(seq)
        names = self._names.get(len(events))
        if names is None:
            names = self._names[len(events)] = services.named(events)
        customer_ids, product_ids = names
        known.check(customer_ids, product_ids)
        zones = tuple([known.book.zone_of((name,)) for name in sorted(customer_ids)])
        timeline = self._timelines.get((len(events), zones))
        if timeline is None:
            timeline = self._timelines[len(events), zones] = fold(events, known.book.zone_of)
        heard = max(events[-1].heard, known.registered(customer_ids))
        return Folded(timeline, customer_ids, product_ids, heard)


@dataclass(frozen=True, slots=True)
class CustomerPast:
    """All that the ledger holds about one customer.

    `services` are those that a fact names it for, by id, each with the first such seq; `names` are the
    customers that share a service with it, and itself.
    """

    customer_id: str
    first_heard: datetime
    services: tuple[tuple[int, ServicePast], ...]
    names: tuple[str, ...]
    documents: tuple[IssuedFacts, ...]


class Past:
    """Some customers of a tenant, as they were known at any seq."""

    def __init__(
        self,
        tenant: TenantPast,
        customers: Mapping[str, CustomerPast],
        customer_events: Mapping[str, Sequence[Heard]],
    ) -> None:
        """`customer_events` are those of the customers and of who shares services with them."""
        self.tenant = tenant
        self.customers = customers
        self._events = customer_events
        self._books: dict[tuple[str, int, int, int], Books] = {}

    def books(self, customer_id: str, seq: int) -> Books:
        """Return the books for a customer, and for who shared services with it, at a seq."""
        common = self.tenant.shared(seq)
        names = self.customers[customer_id].names
        known = _heard_by({name: self._events[name] for name in names if name in self._events}, seq)
        last = max((events[-1][1] for events in known.values()), default=0)
        key = (customer_id, common.catalog_seq, common.tenant_seq, last)
        found = self._books.get(key)
        if found is None:
            found = self._books[key] = books.folded(common, known)
        return found

    def folded(self, customer_id: str, seq: int, known: Books) -> list[Folded]:
        """Return the services that a customer held, ever, by what was known at a seq."""
        return [
            service.folded(seq, known)
            for since, service in self.customers[customer_id].services
            if since <= seq
        ]

    def snapshot(
        self,
        customer_id: str,
        seq: int,
        account: Account,
        standing: Mapping[str, Sequence[InvoicedSpan]],
    ) -> Snapshot:
        """Return what a bill run reads of a customer, but folded from the facts up to a seq.

        No full period is left out as settled: all that the facts say is calculated again.
        """
        known = self.books(customer_id, seq)
        held = [held_of(customer_id, item) for item in self.folded(customer_id, seq, known)]
        return Snapshot(
            seq=seq,
            books=known,
            accounts={customer_id: account},
            held={customer_id: held},
            standing={customer_id: standing},
            since={(customer_id, item.service_id): ALWAYS for item in held},
            queued=(),
            held_up={},
        )


def held_of(customer_id: str, item: Folded) -> Held:
    """Return a folded service as one that the customer held."""
    products = tuple(sorted(item.product_ids))
    return Held(customer_id, item.timeline.service_id, products, item.heard, item.timeline)


def read_tenant(cursor: Cursor[Any], tenant_id: str) -> TenantPast:
    """Read the whole catalog and the tenant's own facts."""
    own = facts.streams(cursor, tenant_id, [TENANT])
    products = facts.streams_of(cursor, tenant_id, "product")
    return TenantPast(tenant_id, facts.heard(own.get(TENANT, ())), _by_subject(products))


def read(
    cursor: Cursor[Any],
    tenant_id: str,
    customer_ids: Collection[str],
    up_to: int,
    *,
    tenant: TenantPast | None = None,
    others: Collection[str] = (),
) -> tuple[Past, Mapping[str, Payloads]]:
    """Read all facts about some customers up to a seq in three queries, and the streams named in `others`.

    Without `tenant`, its own facts and those of the products that the customers' services name are read too.
    A customer that no fact names is left out.
    """
    named = cursor.execute(
        NAMED, {"tenant_id": tenant_id, "customers": list(customer_ids), "up_to": up_to}
    ).fetchall()
    own = {f"account/{name}" for name in customer_ids} | {f"customer/{name}" for name in customer_ids}
    held = {stream for _, stream, _, _ in named if stream.startswith("service/")}
    first = facts.streams(cursor, tenant_id, [*own, *held, TENANT, *others], up_to)
    pasts = {stream: ServicePast(stream.partition("/")[2], first[stream]) for stream in held}
    sharing = {event.customer_id for past in pasts.values() for event in past.events if event.customer_id}
    accounts = {
        name: tuple(issued_facts.documents(first.get(f"account/{name}", ()), {})) for name in customer_ids
    }
    wanted = {f"customer/{name}" for name in sharing} - own
    wanted |= {issued_facts.lines_stream(item.number) for found in accounts.values() for item in found}
    if tenant is None:
        wanted |= {f"product/{e.product_id}" for past in pasts.values() for e in past.events if e.product_id}
    second = facts.streams(cursor, tenant_id, wanted, up_to)
    if tenant is None:
        tenant = TenantPast(
            tenant_id, facts.heard(first.get(TENANT, ())), _by_subject(_of_kind("product/", second))
        )
    customers = _customers(named, pasts, first, second)
    events = _by_subject({**_of_kind("customer/", first), **_of_kind("customer/", second)})
    return Past(tenant, customers, events), {stream: first.get(stream, ()) for stream in others}


def _customers(
    named: Iterable[tuple[str, str, int, datetime]],
    pasts: Mapping[str, ServicePast],
    first: Mapping[str, Payloads],
    second: Mapping[str, Payloads],
) -> dict[str, CustomerPast]:
    heard: dict[str, datetime] = {}
    held: dict[str, list[tuple[int, ServicePast]]] = {}
    for customer_id, stream, seq, moment in named:
        heard[customer_id] = min(moment, heard.get(customer_id, moment))
        services_of = held.setdefault(customer_id, [])
        if stream in pasts:
            services_of.append((seq, pasts[stream]))
    found = {}
    for customer_id, services_of in held.items():
        sharing = {event.customer_id for _, past in services_of for event in past.events if event.customer_id}
        account = first.get(f"account/{customer_id}", ())
        found[customer_id] = CustomerPast(
            customer_id,
            heard[customer_id],
            tuple(sorted(services_of, key=lambda item: item[1].service_id)),
            tuple(sorted({*sharing, customer_id})),
            tuple(issued_facts.documents(account, second)),
        )
    return found


def _last(seqs: Sequence[int], seq: int) -> int:
    return seqs[bisect_right(seqs, seq) - 1]


def _heard_by(events: Mapping[str, Sequence[Heard]], seq: int) -> dict[str, list[Heard]]:
    """Return what was heard by a seq; a subject of which nothing was heard is left out."""
    known = {name: [item for item in found if item[1] <= seq] for name, found in events.items()}
    return {name: found for name, found in known.items() if found}


def _of_kind(prefix: str, streams: Mapping[str, Payloads]) -> dict[str, Payloads]:
    return {stream: rows for stream, rows in streams.items() if stream.startswith(prefix)}


def _by_subject(streams: Mapping[str, Payloads]) -> dict[str, list[Heard]]:
    return {stream.partition("/")[2]: facts.heard(rows) for stream, rows in streams.items()}
