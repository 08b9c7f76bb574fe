"""One customer as it was known at a seq or at a time, folded from the ledger's facts alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import orjson
from psycopg import Cursor

from billing.days import Day
from billing.entitlement import not_ratable
from billing.errors import LedgerError
from billing.facts import Anomaly
from billing.money import parse_minor
from billing.timeline import Timeline
from ledger.errors import TenantNotOpenError
from ledger.facts import Clock
from ledger.read import head, seq_at
from projections import accounts, charges, drafting, due, facts, issued_facts, parking, past, preview
from projections.accounts import Account, Candidate, Progress
from projections.billrun import CustomerUnknownError
from projections.charges import Amount, RunRate
from projections.issued_facts import IssuedFacts, Payloads
from projections.past import CustomerPast, Past
from projections.preview import PreviewedInvoice
from projections.session import Connect, reading_facts

AsOf = int | datetime | date
"""A seq, an aware instant, or a whole day of the tenant."""

RECORDED: Final[LiteralString] = """
    SELECT recorded_at FROM ledger.fact WHERE tenant_id = %(tenant_id)s AND seq = %(seq)s"""
RUNS: Final = "runs"


class AsOfUnknownError(LedgerError):
    """A replay of what the ledger does not hold: a seq behind its last fact, a time before its first."""

    code = "as_of_unknown"


@dataclass(frozen=True, slots=True)
class ReplayedInvoice:
    """A document that was issued by then; `lines` as they were issued."""

    number: str
    kind: str
    currency: str
    net_minor: int
    due_for: date
    issued_on: date
    seq: int
    computed_at_seq: int
    lines: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Replay:
    """What was known of a customer; `moment` is the time as of which it is, `seq` the last fact by then.

    `set_aside` has the reason for what can't be told: by service id, and `preview`.
    """

    tenant_id: str
    customer_id: str
    seq: int
    moment: datetime
    timelines: tuple[Timeline, ...]
    run_rates: tuple[RunRate, ...]
    amounts: tuple[Amount, ...]
    anomalies: tuple[Anomaly, ...]
    preview: tuple[PreviewedInvoice, ...]
    invoices: tuple[ReplayedInvoice, ...]
    set_aside: Mapping[str, str]


def replay(connect: Connect, tenant_id: str, customer_id: str, as_of: AsOf, *, clock: Clock) -> Replay:
    """Return a customer's services, charges, next invoices and issued documents as they were known.

    The next invoices are those that a preview would have shown at that moment; a time that has not come
    yet counts as now. Raises TenantNotOpenError, AsOfUnknownError, CustomerUnknownError.
    """
    with connect() as connection, reading_facts(connection, tenant_id) as cursor:
        seq, moment = resolve(cursor, tenant_id, as_of, clock)
        found, others = past.read(cursor, tenant_id, [customer_id], seq, others=[RUNS])
    known = found.customers.get(customer_id)
    if known is None:
        raise CustomerUnknownError(f"tenant {tenant_id!r} had no customer {customer_id!r} at seq {seq}")
    return _Fold(found, known, seq, moment, others[RUNS]).result()


def resolve(cursor: Cursor[Any], tenant_id: str, as_of: AsOf, clock: Clock) -> tuple[int, datetime]:
    """Return the last seq at or before `as_of`, and the moment that it stands for.

    Raises TenantNotOpenError, and AsOfUnknownError where the ledger has no such fact.
    """
    found = head(cursor.connection, tenant_id)
    if found is None:
        raise TenantNotOpenError(f"tenant {tenant_id!r} has no ledger; send its tenant.configured")
    if isinstance(as_of, int):
        row = cursor.execute(RECORDED, {"tenant_id": tenant_id, "seq": as_of}).fetchone()
        if row is None:
            raise AsOfUnknownError(f"seq {as_of}: the ledger of {tenant_id!r} has facts 1 to {found.size}")
        return as_of, row[0]
    if not isinstance(as_of, datetime):
        own = facts.heard(facts.streams(cursor, tenant_id, [past.TENANT]).get(past.TENANT, []))
        zone = ZoneInfo(own[0][0]["data"]["timezone"])
        as_of = datetime.combine(as_of + timedelta(days=1), time(), zone) - timedelta(microseconds=1)
    seq = seq_at(cursor.connection, tenant_id, as_of)
    if not seq:
        raise AsOfUnknownError(f"{as_of.isoformat()}: the ledger of {tenant_id!r} begins later")
    return seq, min(as_of, clock())


class _Fold:
    """The fold of one customer's past at a seq."""

    def __init__(self, found: Past, known: CustomerPast, seq: int, moment: datetime, runs: Payloads) -> None:
        self._past = found
        self._known = known
        self._seq = seq
        self._moment = moment
        self._runs = runs
        self._books = found.books(known.customer_id, seq)
        self._documents = [item for item in known.documents if item.is_whole]
        self._set_aside: dict[str, str] = {}

    def result(self) -> Replay:
        """Return everything that was known."""
        timelines: list[Timeline] = []
        rates: list[RunRate] = []
        amounts: list[Amount] = []
        anomalies: list[Anomaly] = []
        for _, service in self._known.services:
            try:
                item = service.folded(self._seq, self._books)
                schedule = charges.schedule(item.timeline, item.product_ids, item.customer_ids, self._books)
                open_ends = not_ratable(item.timeline, self._books.catalog, self._books.book)
            except Exception as error:  # noqa: BLE001 - one broken service is reported, the others are shown
                self._set_aside[service.service_id] = parking.reason_of(error)
                continue
            timelines.append(item.timeline)
            rates.extend(schedule[0])
            amounts.extend(schedule[1])
            anomalies.extend((*item.timeline.anomalies, *open_ends))
        return Replay(
            tenant_id=self._past.tenant.tenant_id,
            customer_id=self._known.customer_id,
            seq=self._seq,
            moment=self._moment,
            timelines=tuple(timelines),
            run_rates=tuple(item for item in rates if item.customer_id == self._known.customer_id),
            amounts=tuple(item for item in amounts if item.customer_id == self._known.customer_id),
            anomalies=tuple(anomalies),
            preview=self._preview(),
            invoices=tuple(map(_invoice, self._documents)),
            set_aside=self._set_aside,
        )

    def _preview(self) -> tuple[PreviewedInvoice, ...]:
        """Return the drafts that a preview would have shown, going on from what was settled by then."""
        if self._set_aside:
            return ()
        customer_id = self._known.customer_id
        try:
            account = account_of(self._documents)
            read = self._past.snapshot(customer_id, self._seq, account, {})
            since = {
                (customer_id, item.service_id): drafting.settled_through(item, account, self._books)
                for item in read.held[customer_id]
            }
            days = {service_id: day for (_, service_id), day in since.items()}
            standing = issued_facts.standing(self._documents, days)
            read = replace(read, since=since, standing={customer_id: standing})
            zone = self._books.book.zone
            today = Day(self._moment.astimezone(zone).toordinal())
            return tuple(preview.previewed(read, customer_id, self._done(account, zone), today))
        except Exception as error:  # noqa: BLE001 - what is known is shown, and why the rest is not
            self._set_aside["preview"] = parking.reason_of(error)
            return ()

    def _done(self, account: Account, zone: ZoneInfo) -> Day:
        """Return the last day that needed no invoice any more, by the documents and runs till then."""
        customer_id = self._known.customer_id
        progress = Progress(None, {})
        through = account.last_due_for
        for _, payload in self._runs:
            data = orjson.loads(payload)["data"]
            day = date.fromisoformat(data["date"])
            if "customer_id" not in data:
                names = (item["customer_id"] for item in data["set_aside"])
                progress = accounts.after_run(progress, day, names)
            elif data["customer_id"] == customer_id:
                through = day if through is None else max(day, through)
        candidate = Candidate(customer_id, self._known.first_heard, through, "", registered=True)
        return due.done_of(candidate, progress, zone)


def account_of(documents: Sequence[IssuedFacts]) -> Account:
    """Return the account that some documents of a customer leave, from the first on."""
    account = drafting.NOT_BILLED
    for item in documents:
        account = accounts.after_issue(account, item.version, item.issued)
    return account


def _invoice(item: IssuedFacts) -> ReplayedInvoice:
    issued = item.issued
    return ReplayedInvoice(
        number=item.number,
        kind=issued["kind"],
        currency=item.currency,
        net_minor=parse_minor(issued["document"]["net"], item.currency),
        due_for=date.fromisoformat(issued["document"]["due_for"]),
        issued_on=date.fromisoformat(issued["issued_on"]),
        seq=item.seq,
        computed_at_seq=item.computed_at_seq,
        lines=item.lines(),
    )
