"""Books a batch in one transaction: offsets by compare-and-set, facts, refusals, counts."""

import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString, NamedTuple

import psycopg
from psycopg import Connection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.types.json import Json

from consumers.errors import OffsetLostError, TopicRecreatedError
from consumers.facts import Prepared, prepare, refusal, rejected_fact
from consumers.records import Batch, Beginning, Claim, Counts, Partition, Refused
from ledger.append import append, begin_appending, lock_heads
from ledger.errors import OffsetFencedError
from ledger.facts import SYSTEM_TENANT, Booked, Clock, Conflict, Duplicate, NewFact
from ledger.personal import store
from ledger.trace import Traced, keep_traces

CLAIM: LiteralString = """
    INSERT INTO ledger.ingest_offset AS known
        (consumer_group, topic, partition, next_offset, epoch, topic_incarnation, updated_at)
    VALUES (%s, %s, %s, %s, 1, %s, %s)
    ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET
        epoch = known.epoch + 1,
        topic_incarnation = CASE WHEN known.topic_incarnation = '' THEN excluded.topic_incarnation
                                 ELSE known.topic_incarnation END,
        updated_at = excluded.updated_at
    RETURNING next_offset, epoch, topic_incarnation"""
START_ANEW: LiteralString = """
    UPDATE ledger.ingest_offset SET next_offset = %s, topic_incarnation = %s
    WHERE consumer_group = %s AND topic = %s AND partition = %s"""
LOCK: LiteralString = """
    SELECT known.topic, known.partition, known.next_offset, known.epoch
    FROM ledger.ingest_offset AS known
    JOIN unnest(%s::text[], %s::integer[]) AS asked (topic, partition) USING (topic, partition)
    WHERE known.consumer_group = %s
    ORDER BY known.topic, known.partition FOR UPDATE OF known"""
MOVE: LiteralString = """
    UPDATE ledger.ingest_offset AS known SET
        next_offset = moved.next_offset,
        received = known.received + moved.booked + moved.duplicate + moved.rejected,
        booked = known.booked + moved.booked,
        duplicate = known.duplicate + moved.duplicate,
        rejected = known.rejected + moved.rejected,
        updated_at = %s
    FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS moved (topic, partition, next_offset, booked, duplicate, rejected)
    WHERE known.consumer_group = %s AND known.topic = moved.topic AND known.partition = moved.partition"""
OPEN_TENANTS: LiteralString = "SELECT tenant_id FROM ledger.head WHERE tenant_id = ANY(%s) AND size > 0"
QUARANTINE: LiteralString = """
    INSERT INTO ledger.quarantine (consumer_group, topic, topic_incarnation, partition, "offset", tenant_id,
        key, value, headers, origin, reason, detail, place, recorded_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (consumer_group, topic, topic_incarnation, partition, "offset") DO NOTHING"""

MAX_DETAIL_CHARACTERS: Final = 2_000
MAX_NAMED_PARTITIONS: Final = 5


class Landed(NamedTuple):
    """What a batch came to, by partition, and how long booking took.

    `refused` holds the refusals, `traced` the new facts that came by a trace, for those who report them.
    """

    counts: Mapping[Partition, Counts]
    refused: tuple[Refused, ...]
    traced: tuple[Traced, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """The refusals of a batch with their partitions, and how many events were booked and known."""

    refused: list[tuple[Partition, Refused, Conflict | None]]
    booked: Counter[Partition]
    duplicate: Counter[Partition]
    traced: list[Traced]


class Sink:
    """The only writer of a consumer group's offsets. Lives on one thread, with a connection of its own.

    A batch whose COMMIT was not answered is looked up: its partitions' rows, locked, say whether it landed.
    """

    def __init__(
        self,
        connect: Callable[[], Connection[Any]],
        *,
        group: str,
        clock: Clock,
        accept_loss: bool = False,
    ) -> None:
        self._connect = connect
        self._group = group
        self._clock = clock
        self._accept_loss = accept_loss
        self._connection: Connection[Any] | None = None
        self._open_tenants: set[str] = {SYSTEM_TENANT}
        self._unanswered: tuple[Batch, Landed] | None = None

    def claim(self, beginnings: Mapping[Partition, Beginning]) -> dict[Partition, Claim]:
        """Claim partitions, so that whoever had them before can book nothing more, and say where to go on.

        Raises TopicRecreatedError, or OffsetLostError where the broker's log begins behind our offset.
        """
        connection = self._connected()
        claims: dict[Partition, Claim] = {}
        with connection.transaction():
            begin_appending(connection)
            for partition in sorted(beginnings):
                beginning = beginnings[partition]
                row = connection.execute(
                    CLAIM, (self._group, *partition, beginning.offset, beginning.incarnation, self._clock())
                ).fetchone()
                assert row is not None, "an upsert returns its row"
                claims[partition] = self._reconciled(connection, partition, Claim(*row), beginning)
        return claims

    def flush(self, batch: Batch) -> Landed:
        """Book a batch and return what became of its records.

        Raises OffsetFencedError where a stored offset or epoch is not the batch's: nothing is booked then,
        and the partitions must be claimed again.
        After a psycopg.OperationalError the same batch may be flushed again: what had landed is found.
        """
        connection, began = self._connected(), time.monotonic()
        with connection.transaction():
            begin_appending(connection)
            if self._has_landed(connection, batch):
                assert self._unanswered is not None, "checked by _has_landed"
                landed = self._unanswered[1]
            else:
                landed = self._book(connection, batch)
                self._unanswered = (batch, landed)
        self._unanswered = None
        return landed._replace(seconds=time.monotonic() - began)

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _reconciled(
        self, connection: Connection[Any], partition: Partition, claim: Claim, beginning: Beginning
    ) -> Claim:
        is_another = claim.incarnation != beginning.incarnation and "" not in (
            claim.incarnation,
            beginning.incarnation,
        )
        is_lost = claim.next_offset < beginning.offset
        if not is_another and not is_lost:
            return claim
        if not self._accept_loss:
            if is_another:
                raise TopicRecreatedError(
                    partition.topic, known=claim.incarnation, found=beginning.incarnation
                )
            raise OffsetLostError({partition: claim.next_offset})
        connection.execute(START_ANEW, (beginning.offset, beginning.incarnation, self._group, *partition))
        return Claim(beginning.offset, claim.epoch, beginning.incarnation)

    def _has_landed(self, connection: Connection[Any], batch: Batch) -> bool:
        """Lock the offset rows and compare them with the batch: before it, after it, or fenced."""
        topics, numbers = [one.topic for one in batch], [one.number for one in batch]
        rows = connection.execute(LOCK, (topics, numbers, self._group)).fetchall()
        stored = {Partition(topic, number): (offset, epoch) for topic, number, offset, epoch in rows}
        if all(stored.get(one) == (part.low, part.epoch) for one, part in batch.items()):
            return False
        is_ours = self._unanswered is not None and self._unanswered[0] is batch
        if is_ours and all(stored.get(one) == (part.high, part.epoch) for one, part in batch.items()):
            return True
        # Claimed by another; or the database lost its last commits in a crash, and our offsets with them.
        gone = [
            f"{one.topic}/{one.number}"
            for one, part in batch.items()
            if stored.get(one) != (part.low, part.epoch)
        ]
        raise OffsetFencedError(f"not ours any more: {', '.join(gone[:MAX_NAMED_PARTITIONS])}")

    def _book(self, connection: Connection[Any], batch: Batch) -> Landed:
        heard = [one for part in batch.values() for one in part.heard]
        prepared = prepare(connection, heard, clock=self._clock)
        early = [(one, refused) for one, part in batch.items() for refused in part.refused]
        named = {refused.unreadable.tenant_id for _, refused in early} - {None}
        unopened = self._find_open(connection, prepared.facts.keys() | {name for name in named if name})
        if unopened or early:
            # Refusals may go to the installation's own ledger: lock it with the others, in order.
            lock_heads(connection, sorted({SYSTEM_TENANT, *prepared.facts, *(n for n in named if n)}))
        verdicts = self._append(connection, batch, prepared)
        refused = [*((one, refused, None) for one, refused in early), *verdicts.refused]
        self._refuse(connection, batch, refused)
        rejected = Counter(one for one, _, _ in refused)
        counts = {one: Counts(verdicts.booked[one], verdicts.duplicate[one], rejected[one]) for one in batch}
        self._move(connection, batch, counts)
        keep_traces(connection, verdicts.traced)
        return Landed(counts, tuple(one for _, one, _ in refused), tuple(verdicts.traced))

    def _find_open(self, connection: Connection[Any], tenants: set[str]) -> set[str]:
        """Return the tenants that have no ledger yet; as none is ever closed, the others are remembered."""
        unknown = tenants - self._open_tenants
        if unknown:
            found = {row[0] for row in connection.execute(OPEN_TENANTS, (sorted(unknown),))}
            self._open_tenants |= found
            unknown -= found
        return unknown

    def _append(self, connection: Connection[Any], batch: Batch, prepared: Prepared) -> _Verdicts:
        outcomes = append(connection, prepared.facts, clock=self._clock)
        store(
            connection,
            (
                value
                for tenant_id, values in prepared.values.items()
                for place, concealed in values.items()
                if isinstance(outcomes[tenant_id][place], Booked)
                for value in concealed
            ),
        )
        verdicts = _Verdicts([], Counter(), Counter(), [])
        streams = {tenant_id: iter(found) for tenant_id, found in outcomes.items()}
        for partition, part in batch.items():
            for place, heard in enumerate(part.heard):
                origin, event, trace = heard
                tenant_id = event.attributes["tenantid"]
                outcome = next(streams[tenant_id])
                if type(outcome) is Booked:
                    verdicts.booked[partition] += 1
                    if trace is not None:
                        verdicts.traced.append(Traced(tenant_id, outcome.seq, origin, trace))
                elif type(outcome) is Duplicate:
                    verdicts.duplicate[partition] += 1
                else:
                    refused = Refused(origin, part.records[place], refusal(heard, outcome), trace)
                    conflict = outcome if isinstance(outcome, Conflict) else None
                    verdicts.refused.append((partition, refused, conflict))
        return verdicts

    def _refuse(
        self,
        connection: Connection[Any],
        batch: Batch,
        refused: list[tuple[Partition, Refused, Conflict | None]],
    ) -> None:
        """Record refusals as facts, and keep the messages themselves for the dead-letter topic."""
        if not refused:
            return
        facts: dict[str, list[NewFact]] = {}
        for _, one, conflict in refused:
            tenant_id, fact = rejected_fact(one, open_tenants=self._open_tenants, conflict=conflict)
            facts.setdefault(tenant_id, []).append(fact)
        append(connection, facts, clock=self._clock)
        now = self._clock()
        with connection.cursor() as cursor:
            cursor.executemany(
                QUARANTINE,
                [
                    (
                        self._group, partition.topic, batch[partition].incarnation, partition.number,
                        one.record.offset, one.unreadable.tenant_id, one.record.key, one.record.value,
                        Json(encoded_headers(one)), one.origin, str(one.unreadable.reason),
                        one.unreadable.detail[:MAX_DETAIL_CHARACTERS].replace("\0", "�"),
                        one.unreadable.place, now,
                    )
                    for partition, one, _ in refused
                ],
            )  # fmt: skip

    def _move(self, connection: Connection[Any], batch: Batch, counts: Mapping[Partition, Counts]) -> None:
        rows = [
            (
                one.topic,
                one.number,
                part.high,
                counts[one].booked,
                counts[one].duplicate,
                counts[one].rejected,
            )
            for one, part in batch.items()
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        moved = connection.execute(MOVE, (self._clock(), *columns, self._group)).rowcount
        assert moved == len(batch), (moved, len(batch))


def encoded_headers(refused: Refused) -> list[list[str | None]]:
    """Return headers as JSON can hold them: names, and values in base64."""
    return [
        [name.replace("\0", "�"), None if value is None else b64encode(value).decode()]
        for name, value in refused.record.headers
    ]


def is_passing(error: BaseException) -> bool:
    """Tell whether waiting may help: the database is away, restarting, read-only, or in a deadlock."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | ReadOnlySqlTransaction)
