"""What makes a consumer stop: never a bad message, always something that an operator must decide."""

from collections.abc import Mapping
from typing import ClassVar

from consumers.records import Partition
from ledger.errors import LedgerError


class OffsetLostError(LedgerError):
    """The broker's log no longer holds the next message: it was deleted before it was read.

    `offsets` says what was asked for, by partition.
    """

    code: ClassVar[str] = "offset_lost"

    def __init__(self, offsets: Mapping[Partition, int]) -> None:
        places = ", ".join(f"{topic}/{number} at {offset}" for (topic, number), offset in offsets.items())
        super().__init__(
            f"the broker does not hold our next message ({places}): retention deleted it, or the log was "
            "cut; restore it, or start once with --accept-loss to go on with what is left"
        )
        self.offsets = offsets


class TopicRecreatedError(LedgerError):
    """A topic of this name was deleted and made anew: our offsets mean nothing in it."""

    code: ClassVar[str] = "topic_recreated"

    def __init__(self, topic: str, *, known: str, found: str) -> None:
        super().__init__(
            f"topic {topic} is another one than before (id {found}, not {known}): it was deleted and made "
            "anew; start once with --accept-loss to read the new one from its beginning"
        )


class RecordCorruptError(LedgerError):
    """The broker delivers bytes that are no Kafka record."""

    code: ClassVar[str] = "record_corrupt"


class BrokerAwayError(LedgerError):
    """The broker does not answer for now."""

    code: ClassVar[str] = "broker_away"


class DeadLetterError(LedgerError):
    """There is no such dead letter."""

    code: ClassVar[str] = "dead_letter"


class DeadLetterSettledError(LedgerError):
    """The dead letter was re-driven or discarded before."""

    code: ClassVar[str] = "dead_letter_settled"


class UnreadableFileError(LedgerError):
    """A file holds lines that are no events, so nothing of it was sent."""

    code: ClassVar[str] = "unreadable_lines"
