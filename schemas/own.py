"""Facts that the ledger writes itself: issued documents and refused events."""

from typing import Annotated, Any, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from schemas.envelope import Envelope
from schemas.fields import STRICT, Currency, Day, Identifier, Money, Sha256, Text
from schemas.lines import Line


class AccountCreditOfDocument(TypedDict):
    """The account's credit and what the document made of it; none of it changes the document's net."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    brought_forward: Annotated[Money, Field(description="The account's credit before the document")]
    applied: Annotated[Money, Field(description="Of it, set off against the total")]
    paid_out: Annotated[Money, Field(description="To be paid to the customer")]
    carried_forward: Annotated[Money, Field(description="The account's credit from here on")]


class Credited(TypedDict):
    """The document that this one takes back as a whole, why, and who decided it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    number: Identifier
    reason: Text
    author: Text


class Document(TypedDict, total=False):
    """What is decided when a document is issued: parties by commitment, the lines by their root."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    customer_id: Required[Identifier]
    seller: Required[dict[str, Any]]
    buyer: Required[dict[str, Any]]
    currency: Required[Currency]
    due_for: Required[Annotated[Day, Field(description="The issue date that the calculation was made for")]]
    net: Required[Annotated[Money, Field(description="Sum of the lines, in the currency's decimals")]]
    tax_groups: Required[Annotated[list[Any], Field(max_length=0, description="Version 1 shows no tax")]]
    account_credit: Required[AccountCreditOfDocument]
    amount_due: Required[Annotated[Money, Field(description="What the customer has to pay")]]
    credits: Annotated[Credited, Field(description="Missing in what a bill run issues")]
    line_count: Required[Annotated[int, Field(ge=1)]]
    lines_root: Required[Annotated[Sha256, Field(description="RFC 9162 Merkle root of the canonical lines")]]
    parts: Required[Annotated[int, Field(ge=1, description="How many invoice.lines facts carry the lines")]]


class Issued(TypedDict, total=False):
    """The document, and beside it its number and how it came about."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    number: Required[Identifier]
    series: Required[Identifier]
    kind: Required[Literal["invoice", "credit_note"]]
    issued_on: Required[Day]
    computed_at_seq: Required[Annotated[int, Field(ge=0)]]
    engine: Required[Annotated[str, Field(description="Version of the calculation")]]
    account_version: Required[Annotated[int, Field(ge=1)]]
    document: Required[Document]


class Lines(TypedDict):
    """Up to 500 lines of one document."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    number: Identifier
    part: Annotated[int, Field(ge=1)]
    lines: Annotated[list[Line], Field(min_length=1, max_length=500)]


class RejectedEvent(TypedDict, total=False):
    """What could be read of the refused event's envelope."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    source: str
    id: str
    type: str


class Conflict(TypedDict):
    """The fact that has the same id and other content."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    seq: Annotated[int, Field(ge=1)]
    standing: Annotated[Sha256, Field(description="SHA-256 of the payload that stands")]
    refused: Annotated[Sha256, Field(description="SHA-256 of the payload that it would have had")]


class Rejected(TypedDict, total=False):
    """Why a message was refused, where it came from, and its hash; never its content."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    reason: Required[Annotated[str, Field(description="A stable code, see docs/reference")]]
    place: Annotated[Text, Field(description="The field that is wrong")]
    origin: Required[Annotated[str, Field(description="kafka:TOPIC/PARTITION/OFFSET or import:NAME/LINE")]]
    sha256: Required[Annotated[Sha256, Field(description="Of the message's original bytes")]]
    size_bytes: Required[Annotated[int, Field(ge=0)]]
    event: RejectedEvent
    conflict: Conflict


class SetAside(TypedDict):
    """A customer that a bill run could not bill, and why."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    customer_id: Identifier
    reason: str


class Completed(TypedDict, total=False):
    """A bill run that is done: its billing days are not missed any more, but for those set aside."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    date: Required[Annotated[Day, Field(description="The run's issue date")]]
    customer_id: Annotated[Identifier, Field(description="Missing: all customers")]
    computed_at_seq: Required[Annotated[int, Field(ge=0)]]
    documents: Required[Annotated[int, Field(ge=0, description="How many were issued")]]
    set_aside: Required[list[SetAside]]


class InvoiceIssued(Envelope, total=False):
    """An invoice or credit note is issued."""

    type: Required[Literal["invoice.issued"]]
    dataschema: Literal["urn:billing-ledger:invoice.issued:1"]
    data: Required[Issued]


class InvoiceLines(Envelope, total=False):
    """Lines of an issued document."""

    type: Required[Literal["invoice.lines"]]
    dataschema: Literal["urn:billing-ledger:invoice.lines:1"]
    data: Required[Lines]


class EventRejected(Envelope, total=False):
    """A message was refused; it waits among the dead letters."""

    type: Required[Literal["event.rejected"]]
    dataschema: Literal["urn:billing-ledger:event.rejected:1"]
    data: Required[Rejected]


class RunCompleted(Envelope, total=False):
    """A bill run is done."""

    type: Required[Literal["run.completed"]]
    dataschema: Literal["urn:billing-ledger:run.completed:1"]
    data: Required[Completed]
