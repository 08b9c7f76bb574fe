"""What a source delivers, and what decoding makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from ledger.trace import Trace
from schemas.reading import Event, Unreadable

KAFKA: Final = "kafka"
IMPORT: Final = "import"

Headers = Sequence[tuple[str, bytes | None]]


class Partition(NamedTuple):
    """One partition of a topic: what offsets count in."""

    topic: str
    number: int


class Record(Protocol):
    """One message as the broker holds it; the Kafka client's own records have this shape."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def key(self) -> bytes | None:
        """What it was keyed by."""

    @property
    def value(self) -> bytes | None:
        """Its content."""

    @property
    def headers(self) -> Headers:
        """Its headers, in order, with duplicates."""


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record that comes from no broker: a line of a file, a dead letter, a test."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Heard(NamedTuple):
    """A record that is an event; `origin` says where it stood. A tuple, as one is made for every record."""

    origin: str
    event: Event
    trace: Trace | None = None


class Refused(NamedTuple):
    """A record that is none, and why."""

    origin: str
    record: Record
    unreadable: Unreadable
    trace: Trace | None = None


@dataclass(slots=True)
class Slice:
    """Consecutive records of one partition: from offset `low` up to, and without, `high`.

    `epoch` is the claim under which they were read. Heard events and their records stand at the same index,
    as a record is needed again where the ledger refuses its event.
    """

    low: int
    high: int
    epoch: int
    incarnation: str
    heard: list[Heard] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def __len__(self) -> int:
        """How many records were received."""
        return len(self.heard) + len(self.refused)


Batch = Mapping[Partition, Slice]
"""What is booked in one transaction."""


class Claim(NamedTuple):
    """The right to book a partition's records from `next_offset` on, until somebody claims it again."""

    next_offset: int
    epoch: int
    incarnation: str


class Beginning(NamedTuple):
    """The first offset that the broker still holds, and which topic of this name it is (empty: unknown)."""

    offset: int
    incarnation: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records: received = booked + duplicate + rejected."""

    booked: int = 0
    duplicate: int = 0
    rejected: int = 0

    @property
    def received(self) -> int:
        """All of them."""
        return self.booked + self.duplicate + self.rejected

    def __add__(self, other: "Counts") -> "Counts":
        """Add up."""
        return Counts(
            self.booked + other.booked, self.duplicate + other.duplicate, self.rejected + other.rejected
        )

    def as_text(self) -> str:
        """Return the sum as a person reads it."""
        parts = f"{self.booked} booked + {self.duplicate} duplicate + {self.rejected} rejected"
        return f"{self.received} received = {parts}"

    def as_data(self) -> dict[str, Any]:
        """Return the numbers by name, for JSON."""
        return {
            "received": self.received,
            "booked": self.booked,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
        }
