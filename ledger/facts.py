"""What the ledger holds: facts, and what becomes of a fact that somebody wants to append."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger.canonical import canonical
from ledger.errors import KeyTooLongError

Clock = Callable[[], datetime]
OWN_SOURCE: Final = "urn:billing-ledger"
SYSTEM_TENANT: Final = "_system"
TENANT_CONFIGURED: Final = "tenant.configured"
SCHEMA_URN: Final = "urn:billing-ledger"
STREAM_IDS: Final = {
    "service": ("service", "service_id"),
    "product": ("product", "product_id"),
    "price": ("product", "product_id"),
    "customer": ("customer", "customer_id"),
    "adjustment": ("customer", "customer_id"),
}
"""By the noun of an event's type: a stream's kind, and the data's field with its id."""
SINGLE_STREAMS: Final = {"tenant": "tenant", "event": "rejected", "run": "runs"}
KEY_BYTES: Final = 2400
"""Source and event id together, and a stream's name: a B-tree entry of PostgreSQL ends at 2704 bytes."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of a tenant's ledger. `version` is the place in its stream; for a heard fact it equals `seq`.

    `recorded_at` is aware (UTC); `payload` the canonical CloudEvent; `origin` where it came from:
    `kafka:topic/partition/offset`, `import:name/line`, `http:key id`, or empty for our own; `leaf` its hash
    in the Merkle log.
    """

    tenant_id: str
    seq: int
    recorded_at: datetime
    source: str
    event_id: str
    stream: str
    version: int
    type: str
    schema_version: int
    payload: bytes
    origin: str
    leaf: bytes


class NewFact(NamedTuple):
    """A fact to append: a tuple, as one is made for every event.

    `version` None: a heard fact, which expects nothing and takes its `seq` as version. `customer_id` must be
    what `customer_of` derives from the payload.
    """

    source: str
    event_id: str
    stream: str
    type: str
    schema_version: int
    payload: bytes
    origin: str = ""
    version: int | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """The fact is in the ledger now, at `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The same event with the same content is in the ledger already, at `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The event's id is taken, at `seq`, by other content; both payloads' SHA-256 are named."""

    seq: int
    theirs: bytes
    ours: bytes


@dataclass(frozen=True, slots=True)
class TenantUnknown:
    """The tenant's ledger is not open, and this fact does not open it."""


Outcome = Booked | Duplicate | Conflict | TenantUnknown


def stream_of(event_type: str, data: Mapping[str, Any]) -> str:
    """Return the stream that a fact of this type and data belongs to; verification derives it again."""
    noun = event_type.partition(".")[0]
    if noun in STREAM_IDS:
        name, field = STREAM_IDS[noun]
        return f"{name}/{data[field]}"
    if noun in SINGLE_STREAMS:
        return SINGLE_STREAMS[noun]
    document = data.get("document")
    return f"invoice/{data['number']}" if document is None else f"account/{document['customer_id']}"


def customer_of(data: Mapping[str, Any]) -> str | None:
    """Return the customer that a fact is found by, or None: `data.customer_id`, else that of the document."""
    customer_id = data.get("customer_id")
    if customer_id is None and (document := data.get("document")) is not None:
        customer_id = document.get("customer_id")
    return customer_id


def heard_fact(event: Mapping[str, Any], *, origin: str) -> NewFact:
    """Return the fact that a validated CloudEvent becomes, its personal data replaced before.

    Raises KeyTooLongError where no index could hold its id.
    """
    data = event["data"]
    stream = stream_of(event["type"], data)
    source, event_id = event["source"], event["id"]
    if max(len(source) + len(event_id), len(stream)) * 4 > KEY_BYTES:
        _check_key(f"{source}{event_id}", "source and id")
        _check_key(stream, "stream")
    return NewFact(
        source=source,
        event_id=event_id,
        stream=stream,
        type=event["type"],
        schema_version=schema_version_of(event),
        payload=canonical(event),
        origin=origin,
        customer_id=customer_of(data),
    )


def schema_version_of(event: Mapping[str, Any]) -> int:
    """Return the version that `dataschema` carries (`urn:billing-ledger:<type>:<version>`), 1 without it."""
    dataschema = event.get("dataschema")
    return 1 if dataschema is None else int(dataschema.rpartition(":")[2])


def _check_key(text: str, what: str) -> None:
    size_bytes = len(text.encode())
    if size_bytes > KEY_BYTES:
        raise KeyTooLongError(f"{what}: {size_bytes} bytes; at most {KEY_BYTES} fit an index")
