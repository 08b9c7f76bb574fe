"""Where records come from: the seam between the consumer and a Kafka client."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol

import crc32c  # noqa: F401 - the client looks for it, and is ten times slower without it
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RetriableError,
)
from kafka.structs import OffsetAndMetadata

from consumers.config import KafkaConfig
from consumers.errors import BrokerAwayError, OffsetLostError, RecordCorruptError
from consumers.records import Beginning, Partition, Record

ANSWER_TIMEOUT_MS: Final = 10_000
UNPOSITIONED_PAUSE_SECONDS: Final = 0.05
MAX_POLL_INTERVAL_MS: Final = 300_000
HEARTBEATS_PER_SESSION: Final = 4


class Source(Protocol):
    """What the consumer needs of a broker. Every method is called on one thread."""

    def poll(self, *, timeout_seconds: float, max_records: int) -> Mapping[Partition, Sequence[Record]]:
        """Return records, at once if there are some. Raises OffsetLostError, RecordCorruptError."""

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has now."""

    def taken_away(self) -> frozenset[Partition]:
        """Return the partitions that a rebalance touched since the last call: claims on them are void."""

    def beginnings(self, partitions: Collection[Partition]) -> Mapping[Partition, Beginning]:
        """Return where the broker's log begins. Raises BrokerAwayError."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on from `offset`; nothing happens where the partition is gone."""

    def pause(self) -> None:
        """Deliver nothing until `resume`, but stay a member of the group."""

    def resume(self) -> None:
        """Deliver again."""

    def hint(self, offsets: Mapping[Partition, int]) -> None:
        """Tell the broker how far we are, for its tools alone: the truth is in the database."""

    def close(self) -> None:
        """Leave the group."""


class _Touched(ConsumerRebalanceListener):  # type: ignore[misc]  # the client has no type hints
    """Remembers what a rebalance touched. Runs on the client's own thread, so it does nothing else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: set[Partition] = set()

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._mark(revoked)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._mark(assigned)

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._mark(lost)

    def take(self) -> frozenset[Partition]:
        with self._lock:
            taken, self._partitions = frozenset(self._partitions), set()
        return taken

    def _mark(self, partitions: Collection[TopicPartition]) -> None:
        with self._lock:
            self._partitions.update(Partition(*partition) for partition in partitions)


class KafkaSource:
    """One member of a consumer group, over kafka-python.

    Offsets are never reset silently: every partition is sought by the consumer, and an offset that the broker
    does not hold is an error.
    """

    def __init__(
        self, config: KafkaConfig, *, topic: str, group: str, client_id: str, session_timeout_ms: int
    ) -> None:
        self._config = config
        self._client_id = client_id
        self._touched = _Touched()
        self._is_paused = False
        with _broker_errors():
            self._consumer = KafkaConsumer(
                **config.client_settings(),
                client_id=client_id,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                session_timeout_ms=session_timeout_ms,
                heartbeat_interval_ms=session_timeout_ms // HEARTBEATS_PER_SESSION,
                max_poll_interval_ms=max(MAX_POLL_INTERVAL_MS, session_timeout_ms),
                max_partition_fetch_bytes=1 << 20,
                fetch_max_wait_ms=200,
                reconnect_backoff_max_ms=5_000,
                metrics_enabled=False,
            )
            self._consumer.subscribe([topic], listener=self._touched)

    def poll(self, *, timeout_seconds: float, max_records: int) -> Mapping[Partition, Sequence[Record]]:
        """Return records, at once if there are some."""
        self._remember_a_join()
        try:
            found = self._consumer.poll(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
        except NoOffsetForPartitionError:
            # Newly assigned and not sought yet: the claim is under way.
            time.sleep(min(timeout_seconds, UNPOSITIONED_PAUSE_SECONDS))
            return {}
        except OffsetOutOfRangeError as error:
            raise _lost(error) from None
        except CorruptRecordError as error:
            raise RecordCorruptError(f"{error}; the partition is kept where it is") from None
        except RetriableError:
            time.sleep(timeout_seconds)
            return {}
        return {Partition(*partition): records for partition, records in found.items()}

    def _remember_a_join(self) -> None:
        """Let the client finish a join that it began and lost sight of.

        kafka-python 3.0.12 joins again once it learns of a topic's partitions. If a poll ends between the two
        answers of that join, it takes itself for joined, never looks at the second, and has no partition
        until it is started anew.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - nothing public tells
        if coordinator.rejoining and not coordinator.need_rejoin():
            coordinator.request_rejoin()

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has now."""
        return frozenset(Partition(*partition) for partition in self._consumer.assignment())

    def taken_away(self) -> frozenset[Partition]:
        """Return the partitions that a rebalance touched since the last call."""
        return self._touched.take()

    def beginnings(self, partitions: Collection[Partition]) -> Mapping[Partition, Beginning]:
        """Return where the broker's log begins, and the topics' ids."""
        wanted = [TopicPartition(*partition) for partition in partitions]
        with _broker_errors():
            found = self._consumer.beginning_offsets(wanted, timeout_ms=ANSWER_TIMEOUT_MS)
        ids = topic_ids(self._config, {partition.topic for partition in partitions}, self._client_id)
        return {
            Partition(*partition): Beginning(offset, ids[partition.topic])
            for partition, offset in found.items()
        }

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on from `offset`."""
        try:
            self._consumer.seek(TopicPartition(*partition), offset)
        except (
            AssertionError
        ):  # a rebalance took it meanwhile; it is marked, and claimed anew if it comes back
            return
        if self._is_paused:
            self._consumer.pause(TopicPartition(*partition))

    def pause(self) -> None:
        """Deliver nothing until `resume`."""
        self._is_paused = True
        self._each(self._consumer.pause)

    def resume(self) -> None:
        """Deliver again."""
        self._is_paused = False
        self._each(self._consumer.resume)

    def _each(self, act: Callable[[TopicPartition], None]) -> None:
        for partition in self._consumer.assignment():
            with suppress(KeyError):  # a rebalance took it meanwhile
                act(partition)

    def hint(self, offsets: Mapping[Partition, int]) -> None:
        """Commit offsets to the broker, without waiting."""
        held = self.assignment()
        hints = {
            TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in offsets.items()
            if partition in held
        }
        if hints:
            self._consumer.commit_async(hints)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close(autocommit=False, timeout_ms=ANSWER_TIMEOUT_MS)


def topic_ids(config: KafkaConfig, topics: Collection[str], client_id: str) -> dict[str, str]:
    """Return the broker's id of each topic; empty where it has none. Raises BrokerAwayError."""
    with _broker_errors():
        admin = KafkaAdminClient(**config.client_settings(), client_id=client_id)
        try:
            described: list[dict[str, Any]] = admin.describe_topics(sorted(topics))
        finally:
            admin.close()
    return dict.fromkeys(topics, "") | {
        topic["name"]: str(topic.get("topic_id") or "") for topic in described if not topic["error_code"]
    }


@contextmanager
def _broker_errors() -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise BrokerAwayError(f"{type(error).__name__}: {error}") from error


def _lost(error: OffsetOutOfRangeError) -> OffsetLostError:
    lost: Mapping[TopicPartition, int] = error.args[0]
    return OffsetLostError({Partition(*partition): offset for partition, offset in lost.items()})
