"""How far consumers are, by what the database says and by what the broker holds: for whoever watches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg import Connection
from psycopg.rows import class_row

from consumers.config import KafkaConfig
from consumers.errors import BrokerAwayError
from consumers.records import Partition

ANSWER_TIMEOUT_MS = 5_000

# Each imported file is a partition of its own: together they are one line.
OFFSETS: LiteralString = """
    SELECT consumer_group, topic, partition, next_offset, booked, duplicate, rejected
    FROM ledger.ingest_offset WHERE topic NOT LIKE 'import:%%'
    UNION ALL
    SELECT consumer_group, 'import', 0, 0, sum(booked)::bigint, sum(duplicate)::bigint, sum(rejected)::bigint
    FROM ledger.ingest_offset WHERE topic LIKE 'import:%%' GROUP BY consumer_group
    ORDER BY 1, 2, 3"""
LETTERS: LiteralString = """
    SELECT state, reason, count(*) FROM ledger.quarantine GROUP BY state, reason ORDER BY state, reason"""


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """How far a group is in a partition, and what it counted there since the beginning."""

    consumer_group: str
    topic: str
    partition: int
    next_offset: int
    booked: int
    duplicate: int
    rejected: int


def standings(connection: Connection[Any]) -> tuple[PartitionStanding, ...]:
    """Return where every group stands; all imported files are one partition of the topic `import`.

    The connection sees every tenant, as billing_appender does.
    """
    with connection.cursor(row_factory=class_row(PartitionStanding)) as cursor:
        return tuple(cursor.execute(OFFSETS))


def letters_by_state(connection: Connection[Any]) -> Mapping[tuple[str, str], int]:
    """Return how many dead letters there are, by state and reason."""
    rows = connection.execute(LETTERS).fetchall()
    return {(state, reason): count for state, reason, count in rows}


class BrokerEnds:
    """Asks the broker where its partitions end. Used by one thread at a time."""

    def __init__(self, config: KafkaConfig, *, client_id: str) -> None:
        self._config = config
        self._client_id = client_id
        self._consumer: KafkaConsumer | None = None

    def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offset that the next message of each partition will have. Raises BrokerAwayError."""
        if not partitions:
            return {}
        try:
            if self._consumer is None:
                self._consumer = KafkaConsumer(
                    **self._config.client_settings(), client_id=self._client_id, metrics_enabled=False
                )
            wanted = [TopicPartition(*partition) for partition in partitions]
            found = self._consumer.end_offsets(wanted, timeout_ms=ANSWER_TIMEOUT_MS)
        except (KafkaError, OSError) as error:
            self.close()
            raise BrokerAwayError(f"{type(error).__name__}: {error}") from error
        return {Partition(*partition): offset for partition, offset in found.items()}

    def close(self) -> None:
        """Let go of the connection; the next use makes another."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(autocommit=False)
