"""The account of a customer: decides what is issued, in which order; its events are facts like all others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Final

import orjson
from eventsourcing.domain import BaseAggregate, CanMutateAggregate

from ledger.canonical import canonical, canonical_piece
from ledger.errors import DueDateError
from ledger.facts import OWN_SOURCE, SCHEMA_URN, NewFact
from ledger.merkle import root_of

ACCOUNT: Final = "account/"
LINES_A_FACT: Final = 500


@dataclass(frozen=True)
class AccountEvent(CanMutateAggregate[str]):
    """What every event of an account has: its stream, its place there, and the ledger clock's time."""

    originator_id: str
    originator_version: int
    timestamp: datetime


class Account(BaseAggregate[str]):
    """One customer's account. It exists without an event: an unheard-of account is at version 0."""

    TOPIC = "account.v1"
    last_due_for: date | None
    """The last day that a bill run issued for; a document that credits another is for no billing day."""

    class Event(AccountEvent):
        """The base of the account's events."""

        TYPE: ClassVar[str]
        SCHEMA_VERSION: ClassVar[int]

    @dataclass(frozen=True)
    class InvoiceIssued(Event):
        """A document is issued; what was decided is stored, replay compares it."""

        TOPIC = "invoice.issued.v1"  # stored for ever; Python paths may move
        TYPE = "invoice.issued"
        SCHEMA_VERSION = 1

        number: str
        series: str
        kind: str
        issued_on: date
        due_for: date
        computed_at_seq: int
        engine: str
        document: bytes
        credits: str | None = None  # the number of the document that it takes back, if it does

        def apply(self, account: "Account") -> None:
            """Remember for which day the account was last billed."""
            if self.credits is None:
                account.last_due_for = self.due_for

    @classmethod
    def at(cls, customer_id: str, *, version: int, last_due_for: date | None, moment: datetime) -> "Account":
        """Return the account as it stands: `version` events so far, the last document for `last_due_for`."""
        account = cls.__new__(cls)
        account.__base_init__(f"{ACCOUNT}{customer_id}", version, moment)
        account.last_due_for = last_due_for
        return account

    @property
    def customer_id(self) -> str:
        """Whose account it is."""
        return self.id.removeprefix(ACCOUNT)

    def issue(self, issue: "Issue", *, moment: datetime) -> None:
        """Issue a document. Raises DueDateError where the account was billed for a later day already."""
        is_run = issue.credits is None
        if is_run and self.last_due_for is not None and issue.due_for < self.last_due_for:
            raise DueDateError(
                f"customer {self.customer_id!r} was billed for {self.last_due_for.isoformat()}; "
                f"{issue.due_for.isoformat()} is before"
            )
        self.trigger_event(
            self.InvoiceIssued,
            timestamp=moment,
            number=issue.number,
            series=issue.series,
            kind=issue.kind,
            issued_on=issue.issued_on,
            due_for=issue.due_for,
            computed_at_seq=issue.computed_at_seq,
            engine=issue.engine,
            document=issue.document,
            credits=issue.credits,
        )


@dataclass(frozen=True, slots=True)
class CreditedDocument:
    """A document that another takes back as a whole: its number, why, and who decided it."""

    number: str
    reason: str
    author: str

    def as_data(self) -> dict[str, str]:
        """Return the member `credits` of the document that takes it back."""
        return {"number": self.number, "reason": self.reason, "author": self.author}


@dataclass(frozen=True, slots=True)
class BoundLines:
    """A document's lines as canonical JSON, and the root that binds them; made before any lock is taken."""

    lines: tuple[bytes, ...]
    root: str

    @property
    def parts(self) -> int:
        """How many invoice.lines facts carry them."""
        return -(-len(self.lines) // LINES_A_FACT)


@dataclass(frozen=True, slots=True)
class Issue:
    """A document with its number; `document` is canonical JSON and holds count, root and parts of `lines`.

    `credits` is the number of the document that it takes back, as `document` says.
    """

    number: str
    series: str
    kind: str
    issued_on: date
    due_for: date
    computed_at_seq: int
    engine: str
    document: bytes
    lines: BoundLines
    credits: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands: what a decision needs to know of it."""

    customer_id: str
    version: int
    last_due_for: date | None


def bind_lines(lines: Iterable[Mapping[str, Any]]) -> BoundLines:
    """Return lines as canonical JSON with their RFC 9162 root, in hex."""
    encoded = tuple(map(canonical, lines))
    return BoundLines(encoded, root_of(encoded).hex())


def decide(
    tenant_id: str, standing: Standing, issues: Sequence[Issue], *, moment: datetime
) -> tuple[NewFact, ...]:
    """Return the facts by which an account issues documents, in order, each followed by its lines' facts.

    `append` them in one transaction: where the account went on since `standing` was read, it raises
    ConcurrencyError. Raises DueDateError as `Account.issue` does.
    """
    account = Account.at(
        standing.customer_id, version=standing.version, last_due_for=standing.last_due_for, moment=moment
    )
    for issue in issues:
        account.issue(issue, moment=moment)
    facts: list[NewFact] = []
    for event, issue in zip(account.collect_events(), issues, strict=True):
        assert isinstance(event, Account.InvoiceIssued)
        facts.append(fact_of(tenant_id, event))
        facts.extend(lines_facts(tenant_id, issue.number, issue.lines))
    return tuple(facts)


def fact_of(tenant_id: str, event: Account.InvoiceIssued) -> NewFact:
    """Return an account's event as the fact that is stored: a canonical CloudEvent of our own."""
    customer_id = event.originator_id.removeprefix(ACCOUNT)
    event_id = f"{customer_id}/{event.originator_version}"
    data = {
        "number": event.number,
        "series": event.series,
        "kind": event.kind,
        "issued_on": event.issued_on.isoformat(),
        "computed_at_seq": event.computed_at_seq,
        "engine": event.engine,
        "account_version": event.originator_version,
        "document": canonical_piece(event.document),
    }
    return NewFact(
        source=OWN_SOURCE,
        event_id=event_id,
        stream=event.originator_id,
        type=event.TYPE,
        schema_version=event.SCHEMA_VERSION,
        payload=_cloud_event(tenant_id, event_id, event.TYPE, data, moment=event.timestamp),
        version=event.originator_version,
        customer_id=customer_id,
    )


def lines_facts(tenant_id: str, number: str, lines: BoundLines) -> Iterable[NewFact]:
    """Yield the facts that carry a document's lines, at most 500 in each."""
    for part in range(1, lines.parts + 1):
        chosen = lines.lines[(part - 1) * LINES_A_FACT : part * LINES_A_FACT]
        event_id = f"{number}/{part}"
        data = {"number": number, "part": part, "lines": canonical_piece(b"[" + b",".join(chosen) + b"]")}
        yield NewFact(
            source=OWN_SOURCE,
            event_id=event_id,
            stream=f"invoice/{number}",
            type="invoice.lines",
            schema_version=1,
            payload=_cloud_event(tenant_id, event_id, "invoice.lines", data),
            version=part,
        )


def event_of(stream: str, version: int, payload: bytes) -> Account.InvoiceIssued:
    """Return the account's event that a stored `invoice.issued` of version 1 holds."""
    cloud_event = orjson.loads(payload)
    data = cloud_event["data"]
    return Account.InvoiceIssued(
        originator_id=stream,
        originator_version=version,
        timestamp=datetime.fromisoformat(cloud_event["time"]),
        number=data["number"],
        series=data["series"],
        kind=data["kind"],
        issued_on=date.fromisoformat(data["issued_on"]),
        due_for=date.fromisoformat(data["document"]["due_for"]),
        computed_at_seq=data["computed_at_seq"],
        engine=data["engine"],
        document=canonical(data["document"]),
        credits=data["document"].get("credits", {}).get("number"),
    )


def _cloud_event(
    tenant_id: str, event_id: str, event_type: str, data: Mapping[str, Any], moment: datetime | None = None
) -> bytes:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": OWN_SOURCE,
        "type": event_type,
        "tenantid": tenant_id,
        "dataschema": f"{SCHEMA_URN}:{event_type}:1",
        "data": data,
    }
    if moment is not None:
        event["time"] = moment.isoformat()
    return canonical(event)
