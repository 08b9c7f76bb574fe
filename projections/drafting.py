"""Computes the documents of some customers from one snapshot, outside any lock and without numbers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.account_credit import Settlement, settle
from billing.alike import Alike, written
from billing.days import ALWAYS, Day, to_date
from billing.invoice import Draft, calculate
from billing.invoiced import Invoiced, InvoicedSpan, apply_lines
from billing.line_json import canonical_line
from billing.money import checked, format_minor
from ledger.accounts import BoundLines, CreditedDocument, Standing
from ledger.canonical import canonical
from ledger.merkle import root_of
from projections import accounts, bookmarks, books, parking, queue, services
from projections.accounts import Account
from projections.books import Books, Shared
from projections.due import Days
from projections.services import Held

UNNUMBERED: Final = "draft:"
LAST_SETTLED: Final = Day(date.max.toordinal() - 1)
"""What settles after it, adjustments alone, is looked at in every calculation."""
QUEUED: Final[LiteralString] = """
    SELECT asked.customer_id
    FROM unnest(%(customers)s::text[], %(services)s::text[]) AS asked (customer_id, service_id)
    WHERE EXISTS (
        SELECT FROM queue_v1 q WHERE q.tenant_id = %(tenant_id)s AND q.service_id = asked.service_id)"""
NOT_BILLED: Final = Account(0, None, {}, {})


@dataclass(frozen=True, slots=True)
class Document:
    """A document without its number: everything that `invoice.issued` will bind, as canonical JSON."""

    customer_id: str
    currency: str
    due_for: Day
    net_minor: int
    settlement: Settlement
    document: bytes
    lines: BoundLines
    credits: str | None = None  # the number of the document that it takes back

    @property
    def kind(self) -> str:
        """`credit_note` where the total is negative (BILLING.md §7)."""
        return "credit_note" if self.net_minor < 0 else "invoice"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one customer is to be issued, on the account as it stood in the snapshot."""

    standing: Standing
    documents: tuple[Document, ...]


@dataclass(slots=True)
class Drafted:
    """The outcome for some customers; `later` are to be looked at again when the read models are newer."""

    computed_at_seq: int
    prepared: list[Prepared] = field(default_factory=list)
    set_aside: dict[str, str] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)


class Patterns:
    """What services that are alike are charged, by issue date, as long as the catalog stays the same."""

    def __init__(self) -> None:
        self._by_day: dict[Day, Alike] = {}

    def of(self, known: Books, issue_day: Day) -> Alike:
        """Return the patterns of an issue date."""
        found = self._by_day.get(issue_day)
        if found is None or found.catalog is not known.catalog:
            found = self._by_day[issue_day] = Alike(known.catalog, issue_day)
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the calculation reads for some customers, at one bookmark."""

    seq: int
    books: Books
    accounts: Mapping[str, Account]
    held: Mapping[str, Sequence[Held]]
    standing: Mapping[str, Mapping[str, Sequence[InvoicedSpan]]]
    since: Mapping[tuple[str, str], Day]
    queued: Collection[str]
    held_up: Mapping[str, str]


def snapshot(
    cursor: Cursor[Any],
    tenant_id: str,
    customer_ids: Collection[str],
    known: Shared | None,
    *,
    amend: Callable[[Books], Books] | None = None,
) -> Snapshot:
    """Read what the calculation needs, in the transaction of `cursor`.

    The books are also those of who held one of the services before or after: what is not prorated waits for
    the end of their periods (BILLING.md §5). `amend` may put others in their place, to ask what would be.
    """
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark, known)
    items = services.held_by(cursor, tenant_id, customer_ids, parsed=True)
    names = {*customer_ids, *services.holders(items)}
    loaded = books.books(cursor, common, names, bookmark.seq)
    if amend is not None:
        loaded = amend(loaded)
    states = accounts.state(cursor, tenant_id, customer_ids)
    held: dict[str, list[Held]] = {}
    since: dict[tuple[str, str], Day] = {}
    earliest: dict[str, Day] = dict.fromkeys(customer_ids, LAST_SETTLED)
    for item in items:
        customer_id = item.customer_id
        held.setdefault(customer_id, []).append(item)
        day = settled_through(item, states.get(customer_id, NOT_BILLED), loaded)
        since[customer_id, item.service_id] = day
        earliest[customer_id] = min(earliest[customer_id], day)
    standing = accounts.standing(
        cursor, tenant_id, {name: to_date(Day(max(day, 1))) for name, day in earliest.items()}
    )
    queued: set[str] = set()
    if not queue.is_empty(cursor, tenant_id):
        query = {
            "tenant_id": tenant_id,
            "customers": [item.customer_id for item in items],
            "services": [item.service_id for item in items],
        }
        queued = {name for (name,) in cursor.execute(QUEUED, query).fetchall()}
    held_up = {**parking.held_up(parking.parked(cursor, tenant_id)), **loaded.broken}
    return Snapshot(bookmark.seq, loaded, states, held, standing, since, queued, held_up)


def settled_through(item: Held, account: Account, known: Books) -> Day:
    """Return up to which day the full periods of a service are settled: no need to look at them again.

    The last document settled all that had ended by its `due_for`, by what was known at its `computed_at_seq`.
    Facts heard since open again what they can reach. (A currency whose lines were all 0.00 got no document.)
    """
    days: list[Day] = []
    if not account.settled:
        return ALWAYS
    for product_id in item.product_ids:
        product = known.catalog.products.get(product_id)
        if product is None:
            return ALWAYS
        settled = account.settled.get(product.currency or known.book.currency)
        if settled is None or item.heard > settled[1]:
            return ALWAYS
        days.append(settled[0])
        touched = [known.shared.known.touched(product_id, settled[1])]
        names = {item.customer_id, *services.holders([item])}
        touched.extend(known.policy_touched(name, settled[1]) for name in names)
        days.extend(day for day in touched if day is not None)
    return min(days, default=ALWAYS)


def draft(read: Snapshot, days: Days, *, again: bool = False, known: Patterns | None = None) -> Drafted:
    """Compute the documents of customers for their issue dates; a customer that breaks is set aside.

    `again` lets a day be billed that was billed before (an invoice off the cycle). `known` keeps, from call
    to call, what services that are alike are charged.
    """
    known = Patterns() if known is None else known
    drafted = Drafted(read.seq)
    for customer_id, issue_days in days.items():
        if customer_id in read.held_up:
            drafted.set_aside[customer_id] = read.held_up[customer_id]
        elif customer_id in read.queued:
            drafted.later.add(customer_id)
        else:
            try:
                open_days = _open_days(read, customer_id, issue_days, again=again)
                prepared = _customer(read, customer_id, open_days, drafted, known)
            except Exception as error:  # noqa: BLE001 - one bad customer is reported, the others go through
                drafted.set_aside[customer_id] = parking.reason_of(error)
                drafted.later.discard(customer_id)
            else:
                if prepared.documents:
                    drafted.prepared.append(prepared)
    return drafted


def _customer(
    read: Snapshot,
    customer_id: str,
    issue_days: Sequence[Day],
    drafted: Drafted,
    known: Patterns,
) -> Prepared:
    account = read.accounts.get(customer_id, NOT_BILLED)
    standing = Standing(customer_id, account.version, account.last_due_for)
    if len(issue_days) == 1:
        quick = _plain_documents(read, customer_id, known.of(read.books, issue_days[0]))
        if quick is not None:
            return Prepared(standing, quick)
    documents: list[Document] = []
    credit = dict(account.credit)
    for drafts in drafts_of(read, customer_id, issue_days):
        if documents and any(_corrects_unnumbered(item) for item in drafts):
            drafted.later.add(customer_id)
            break
        for item in drafts:
            document = document_of(item, read.books, customer_id, credit.get(item.currency, 0))
            credit[item.currency] = document.settlement.carried_forward
            documents.append(document)
    return Prepared(standing, tuple(documents))


def drafts_of(read: Snapshot, customer_id: str, issue_days: Sequence[Day]) -> list[tuple[Draft, ...]]:
    """Return the drafts of a customer for each of some days, the later ones after the earlier ones."""
    timelines = [services.timeline_of(item) for item in read.held.get(customer_id, ())]
    since = {timeline.service_id: read.since[customer_id, timeline.service_id] for timeline in timelines}
    standing = read.standing.get(customer_id, {})
    invoiced = Invoiced({service_id: tuple(spans) for service_id, spans in standing.items()})
    found: list[tuple[Draft, ...]] = []
    for issue_day in issue_days:
        drafts = calculate(
            customer_id,
            issue_day,
            timelines,
            invoiced.by_service,
            read.books.catalog,
            read.books.book,
            settled_by_service=since,
            adjustments=read.books.adjustments_of(customer_id),
        )
        found.append(drafts)
        if issue_day != issue_days[-1]:
            for item in drafts:
                invoiced = apply_lines(invoiced, f"{UNNUMBERED}{len(found)}", item.lines)
    return found


def _plain_documents(read: Snapshot, customer_id: str, alike: Alike) -> tuple[Document, ...] | None:
    """Return what `drafts_of` and `document_of` give, quickly; None where a service is not plain."""
    if customer_id in read.books.adjustments:
        return None
    standing = read.standing.get(customer_id, {})
    lines: dict[str, list[bytes]] = {}
    amounts: dict[str, list[int]] = {}
    for item in read.held.get(customer_id, ()):
        if not isinstance(item.timeline, list):
            return None
        since = read.since[customer_id, item.service_id]
        spans = standing.get(item.service_id, ())
        if spans:
            spans = [span for span in spans if (span.full_end or span.end) > since]
        pattern = alike.pattern(item.timeline, customer_id, read.books.book, spans, since)
        if pattern is None:
            return None
        if pattern.pieces:
            lines.setdefault(pattern.currency, []).extend(written(pattern, item.timeline))
            amounts.setdefault(pattern.currency, []).extend(pattern.amounts_minor)
    day, known = alike.issue_day, read.books
    credit = read.accounts.get(customer_id, NOT_BILLED).credit
    return tuple(
        _bound(
            customer_id,
            currency,
            day,
            sum(amounts[currency]),
            tuple(lines[currency]),
            known,
            credit_minor=credit.get(currency, 0),
        )
        for currency in sorted(lines)
        if any(amounts[currency])
    )


def _open_days(read: Snapshot, customer_id: str, issue_days: Sequence[Day], *, again: bool) -> list[Day]:
    last = read.accounts.get(customer_id, NOT_BILLED).last_due_for
    if last is None:
        return list(issue_days)
    begin = last.toordinal() + (not again)
    return [day for day in issue_days if day >= begin]


def _corrects_unnumbered(item: Draft) -> bool:
    return any(
        target is not None and target.document.startswith(UNNUMBERED)
        for line in item.lines
        for target in (line.reverses, line.adjusts)
    )


def document_of(
    item: Draft,
    known: Books,
    customer_id: str,
    credit_minor: int,
    *,
    credited: CreditedDocument | None = None,
) -> Document:
    """Return what `invoice.issued` binds of a draft: parties, totals and the lines' root.

    `credit_minor` is on the account before it, in the draft's currency; `credited` is what it takes back.
    """
    encoded = tuple([canonical_line(line, item.currency) for line in item.lines])
    return _bound(
        customer_id,
        item.currency,
        item.due_for,
        item.net_minor,
        encoded,
        known,
        credit_minor=credit_minor,
        credited=credited,
    )


def settlement_of(
    customer_id: str, issue_day: Day, net_minor: int, credit_minor: int, known: Books
) -> Settlement:
    """Return how a document and the account's credit settle each other, by the policy of the issue date.

    Raises AmountTooLargeError for a document that no number shall be drawn for.
    """
    checked(net_minor, "net")
    terms = known.book.terms(customer_id)
    assert terms is not None, "a customer that is not known is charged nothing"
    return settle(net_minor, credit_minor, terms.policy(issue_day).account_credit)


def _bound(
    customer_id: str,
    currency: str,
    issue_day: Day,
    net_minor: int,
    encoded: tuple[bytes, ...],
    known: Books,
    *,
    credit_minor: int,
    credited: CreditedDocument | None = None,
) -> Document:
    settlement = settlement_of(customer_id, issue_day, net_minor, credit_minor, known)
    lines = BoundLines(encoded, root_of(encoded).hex())
    due_for = to_date(issue_day)
    content = {
        "customer_id": customer_id,
        "seller": known.seller(due_for),
        "buyer": known.buyer(customer_id, due_for),
        "currency": currency,
        "due_for": due_for.isoformat(),
        "net": format_minor(net_minor, currency),
        "tax_groups": [],
        **settlement.as_data(currency),
        "line_count": len(encoded),
        "lines_root": lines.root,
        "parts": lines.parts,
    }
    if credited is not None:
        content["credits"] = credited.as_data()
    number = None if credited is None else credited.number
    return Document(
        customer_id, currency, issue_day, net_minor, settlement, canonical(content), lines, number
    )
