"""What the demo reports: on the terminal, and as JSON in `out/`."""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from cli.demo.hindsight import Difference


@dataclass(frozen=True, slots=True)
class Source:
    """What became of the messages of one partition: received = booked + duplicate + rejected."""

    name: str
    received: int
    booked: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """An invoice or credit note that was issued."""

    tenant_id: str
    number: str
    kind: str
    customer_id: str
    customer: str
    issued_on: date
    currency: str
    net: Decimal
    lines: int
    pdf: str


@dataclass(frozen=True, slots=True)
class NextDocument:
    """What a customer's next invoice would be, by what is known now."""

    tenant_id: str
    customer_id: str
    customer: str
    issue_day: date
    currency: str
    net: Decimal
    planned: Decimal
    """What scheduled services would add, were they activated as planned."""
    lines: int


@dataclass(frozen=True, slots=True)
class Oddity:
    """A fact that can't be rated, or makes no sense yet."""

    tenant_id: str
    source: str
    event_id: str
    subject: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was refused."""

    origin: str
    tenant_id: str | None
    key: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How far a ledger goes, and the root of its Merkle tree (hex)."""

    tenant_id: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Month:
    """What one tenant issued in one currency in a month."""

    month: str
    tenant_id: str
    currency: str
    invoices: int
    credit_notes: int
    invoiced: Decimal
    credited: Decimal

    @property
    def net(self) -> Decimal:
        """Invoices less credit notes."""
        return self.invoiced + self.credited


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it."""

    first_day: date
    last_day: date
    seconds: float
    broker: str
    messages: int
    lifecycle_events: dict[str, int]
    sources: tuple[Source, ...]
    documents: tuple[IssuedDocument, ...]
    preview: tuple[NextDocument, ...]
    oddities: tuple[Oddity, ...]
    dead_letters: tuple[DeadLetter, ...]
    ledgers: tuple[LedgerState, ...]
    charges_checked: int
    differences: tuple[Difference, ...]

    def total(self) -> Source:
        """Return the sums over all partitions."""
        return Source(
            "all",
            sum(source.received for source in self.sources),
            sum(source.booked for source in self.sources),
            sum(source.duplicate for source in self.sources),
            sum(source.rejected for source in self.sources),
        )

    def months(self) -> tuple[Month, ...]:
        """Return what was issued by month, tenant and currency, in that order."""
        found: dict[tuple[str, str, str], list[IssuedDocument]] = {}
        for document in self.documents:
            month = document.issued_on.isoformat()[:7]
            found.setdefault((month, document.tenant_id, document.currency), []).append(document)
        return tuple(_month(*key, documents) for key, documents in sorted(found.items()))

    def as_data(self) -> dict[str, Any]:
        """Return the summary as JSON-able data; amounts and dates as text."""
        data: dict[str, Any] = asdict(self)
        data["total"] = asdict(self.total())
        data["months"] = [asdict(month) | {"net": month.net} for month in self.months()]
        return data

    def as_json(self) -> bytes:
        """Return the summary as indented JSON; amounts are strings."""
        return orjson.dumps(
            self.as_data(), default=_text, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        )


def _month(month: str, tenant_id: str, currency: str, documents: list[IssuedDocument]) -> Month:
    invoices = [document.net for document in documents if document.kind == "invoice"]
    credit_notes = [document.net for document in documents if document.kind == "credit_note"]
    return Month(
        month,
        tenant_id,
        currency,
        len(invoices),
        len(credit_notes),
        sum(invoices, Decimal()),
        sum(credit_notes, Decimal()),
    )


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
