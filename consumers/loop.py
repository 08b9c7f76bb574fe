"""Reads, decodes and books, batch after batch; the next batch is read while one is booked.

The truth about offsets is in the database (ARCHITECTURE.md §6). A partition that the group gives us is
claimed there and sought; what a rebalance touches is claimed anew. At most one batch is under way.
"""

import gc
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from consumers.config import Limits
from consumers.decode import decode, trace_of_message
from consumers.errors import BrokerAwayError, OffsetLostError, TopicRecreatedError
from consumers.records import KAFKA, Batch, Claim, Counts, Heard, Partition, Record, Refused, Slice
from consumers.sink import Landed, Sink, is_passing
from consumers.source import Source
from consumers.worker import Worker
from ledger.errors import OffsetFencedError
from schemas.reading import Unreadable

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Report = Callable[[Landed], None]
BRIEFLY_SECONDS: Final = 0.02
OBJECTS_BETWEEN_COLLECTIONS: Final = 200_000


class AbandonedError(Exception):
    """We stop before the database is back; what was under way is rolled back or found by who comes next."""


@dataclass(slots=True)
class _Held:
    """A claimed partition: where it goes on, and what was read but not booked yet."""

    claim: Claim
    expected: int
    ahead: Slice
    sought: tuple[int, int] | None = None

    @classmethod
    def of(cls, claim: Claim) -> "_Held":
        """Begin at the claim."""
        return cls(claim, claim.next_offset, _empty(claim, claim.next_offset))

    def take(self) -> Slice:
        """Return what was read, and begin a new slice behind it."""
        taken, self.ahead = self.ahead, _empty(self.claim, self.expected)
        return taken


@dataclass(slots=True)
class _Ahead:
    """How much was read but not booked yet."""

    records: int = 0
    size_bytes: int = 0
    since: float = field(default=0.0)


class Consumer:
    """One member of the group. `run` returns when `stop` is set, and raises what an operator must decide.

    `report` is told of each batch, `beat` is called at every turn: both on the thread that runs.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        *,
        tenant_sources: Collection[str],
        limits: Limits | None = None,
        report: Report | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._tenant_sources = frozenset(tenant_sources)
        self._limits = limits or Limits()
        self._report = report or (lambda _: None)
        self._beat = beat
        self._worker = Worker("booking")
        self._abandon = threading.Event()
        self._held: dict[Partition, _Held] = {}
        self._ahead = _Ahead()
        self._claiming: Future[dict[Partition, Claim]] | None = None
        self._booking: tuple[Batch, Future[Landed]] | None = None
        self._is_paused = False
        self._checked_at = time.monotonic()
        self._broker_pause = 0.0
        self._idle_until = time.monotonic() + self._limits.idle_seconds
        self.counts = Counts()

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set; then book what was read, leave the group and return."""
        try:
            with _rare_collections():
                while not stop.is_set():
                    self._step()
                self._finish()
        finally:
            self._abandon.set()
            if self._worker.stop(self._limits.first_pause_seconds + 1.0):
                self._sink.close()
            self._source.close()

    def _step(self) -> None:
        self._beat()
        polled = self._poll()
        self._let_go(self._source.taken_away())
        self._settle()
        self._take(polled)
        self._claim_new()
        self._book(is_quiet=not polled)
        self._slow_down()
        self._check_incarnations()

    def _poll(self) -> Mapping[Partition, Sequence[Record]]:
        timeout = BRIEFLY_SECONDS if self._is_busy() or self._ahead.records else self._limits.poll_seconds
        try:
            return self._source.poll(timeout_seconds=timeout, max_records=self._limits.poll_records)
        except OffsetLostError as error:
            if self._held.keys() & error.offsets.keys():
                raise
            return {}  # of a partition that is not claimed yet: it will be sought

    def _let_go(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            held = self._held.pop(partition, None)
            if held is not None:
                self._ahead.records -= len(held.ahead)
                if not self._ahead.records:
                    self._ahead.size_bytes = 0
                log.info("partition.released", extra=_named(partition))

    def _take(self, polled: Mapping[Partition, Sequence[Record]]) -> None:
        if not self._ahead.records:
            self._ahead.since = time.monotonic()
        for partition, records in polled.items():
            held = self._held.get(partition)
            if held is None or not records:
                continue  # not claimed yet: it is sought when it is
            first = records[0].offset
            if first > held.expected and not self._accepts_gap(partition, held, first):
                continue
            self._decode(partition, held, records)

    def _decode(self, partition: Partition, held: _Held, records: Sequence[Record]) -> None:
        origin = f"{KAFKA}:{partition.topic}/{partition.number}/"
        ahead, size_bytes = held.ahead, 0
        for record in records:
            offset = record.offset
            if offset < held.expected:
                continue
            value = record.value
            headers = record.headers
            decoded = decode(headers, value, tenant_sources=self._tenant_sources)
            if isinstance(decoded, Unreadable):
                trace = trace_of_message(headers, decoded)
                ahead.refused.append(Refused(f"{origin}{offset}", record, decoded, trace))
            else:
                is_traced = len(headers) > 1 or decoded.traceparent is not None
                trace = trace_of_message(headers, decoded) if is_traced else None
                ahead.heard.append(Heard(f"{origin}{offset}", decoded, trace))
                ahead.records.append(record)
            size_bytes += 0 if value is None else len(value)
            self._ahead.records += 1
            held.expected = offset + 1
        ahead.high = held.expected
        self._ahead.size_bytes += size_bytes

    def _accepts_gap(self, partition: Partition, held: _Held, first: int) -> bool:
        """Ask the broker once more for what it left out; accept what it leaves out again.

        Compaction and transactions leave holes, also among records that come together: those are the
        broker's own. A log that begins behind our offset is no hole but a loss.
        """
        if held.sought != (held.expected, first):
            held.sought = (held.expected, first)
            self._source.seek(partition, held.expected)
            return False
        beginning = self._source.beginnings([partition])[partition]
        if beginning.offset > held.expected:
            raise OffsetLostError({partition: held.expected})
        log.warning("partition.gap", extra=_named(partition) | {"offset": held.expected, "up_to": first - 1})
        return True

    def _claim_new(self) -> None:
        assigned = self._source.assignment()
        self._say_if_idle(is_idle=not assigned)
        fresh = assigned - self._held.keys()
        if not fresh or self._is_busy() or time.monotonic() < self._broker_pause:
            return
        try:
            beginnings = self._source.beginnings(fresh)
        except BrokerAwayError as error:
            log.warning("broker.away", extra={"error": str(error)})
            self._broker_pause = time.monotonic() + self._limits.first_pause_seconds
            return
        work = partial(self._persist, partial(self._sink.claim, beginnings))
        self._claiming = self._worker.submit(work)

    def _say_if_idle(self, *, is_idle: bool) -> None:
        """Say once that we have no partition: a topic's name may be misspelt, or members may be too many."""
        now = time.monotonic()
        if not is_idle:
            self._idle_until = now + self._limits.idle_seconds
        elif now > self._idle_until:
            self._idle_until = math.inf
            hint = "is there such a topic, or are members more than partitions?"
            log.warning("partition.none", extra={"hint": hint})

    def _book(self, *, is_quiet: bool) -> None:
        """Hand over what was read, if it is due and nothing is under way."""
        limits, ahead = self._limits, self._ahead
        if not ahead.records or self._is_busy():
            return
        is_due = (
            is_quiet
            or ahead.records >= limits.batch_records
            or ahead.size_bytes >= limits.batch_bytes
            or time.monotonic() - ahead.since >= limits.linger_seconds
        )
        if is_due:
            batch = {one: held.take() for one, held in sorted(self._held.items()) if len(held.ahead)}
            self._ahead = _Ahead(since=time.monotonic())
            work = partial(self._persist, partial(self._sink.flush, batch))
            self._booking = (batch, self._worker.submit(work))

    def _settle(self, timeout_seconds: float = 0.0) -> bool:
        """Take the answer of what is under way, if there is one; return whether nothing is under way now."""
        if self._claiming is not None:
            if not _is_done(self._claiming, timeout_seconds):
                return False
            claiming, self._claiming = self._claiming, None
            self._claimed(claiming.result())
        if self._booking is not None:
            if not _is_done(self._booking[1], timeout_seconds):
                return False
            (batch, booking), self._booking = self._booking, None
            try:
                self._landed(batch, booking.result())
            except OffsetFencedError as error:
                log.warning("batch.fenced", extra={"error": str(error)})
                self._let_go(batch.keys())
        return True

    def _claimed(self, claims: Mapping[Partition, Claim]) -> None:
        assigned = self._source.assignment()
        for partition, claim in claims.items():
            if partition not in assigned:
                continue
            self._held[partition] = _Held.of(claim)
            self._source.seek(partition, claim.next_offset)
            place = {"offset": claim.next_offset, "epoch": claim.epoch}
            log.info("partition.claimed", extra=_named(partition) | place)

    def _landed(self, batch: Batch, landed: Landed) -> None:
        for counts in landed.counts.values():
            self.counts += counts
        self._source.hint({partition: part.high for partition, part in batch.items()})
        self._report(landed)

    def _slow_down(self) -> None:
        """Read no further ahead than agreed; a long wait is spent polling, so that the group keeps us."""
        ahead, limits = self._ahead, self._limits
        is_full = ahead.records >= limits.ahead_records or ahead.size_bytes >= limits.batch_bytes
        if is_full and self._is_busy() and not self._is_paused:
            if self._settle(limits.poll_seconds):
                self._book(is_quiet=False)  # before the next poll, which would go beyond the limit
            else:
                self._source.pause()
                self._is_paused = True
        elif self._is_paused and not self._is_busy():
            self._source.resume()
            self._is_paused = False

    def _check_incarnations(self) -> None:
        """Notice a topic that was deleted and made anew while we read it."""
        now = time.monotonic()
        if now - self._checked_at < self._limits.incarnation_check_seconds or not self._held:
            return
        self._checked_at = now
        try:
            beginnings = self._source.beginnings(self._held.keys())
        except BrokerAwayError:
            return
        for partition, beginning in beginnings.items():
            known = self._held[partition].claim.incarnation
            if "" not in (known, beginning.incarnation) and known != beginning.incarnation:
                raise TopicRecreatedError(partition.topic, known=known, found=beginning.incarnation)

    def _finish(self) -> None:
        """Book what was read, within the time that stopping may take."""
        deadline = time.monotonic() + self._limits.stop_seconds
        while time.monotonic() < deadline:
            if self._settle(BRIEFLY_SECONDS):
                self._let_go(self._source.taken_away())
                if not self._ahead.records:
                    return
                self._book(is_quiet=True)

    def _is_busy(self) -> bool:
        return self._claiming is not None or self._booking is not None

    def _persist(self, work: Callable[[], Answer]) -> Answer:
        """Do work on the database, as often as it takes while the database is away. Runs on the worker."""
        pause = self._limits.first_pause_seconds
        while True:
            try:
                return work()
            except Exception as error:
                if not is_passing(error):
                    raise
                said = " ".join(str(error).split())
                log.warning("database.away", extra={"again_in_seconds": pause, "error": said})
                self._sink.close()
                if self._abandon.wait(pause):
                    raise AbandonedError from error
                pause = min(pause * 2, self._limits.longest_pause_seconds)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the cycle collector look seldom: events hold no cycles, and looking costs a tenth of all time."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _named(partition: Partition) -> dict[str, object]:
    return {"topic": partition.topic, "partition": partition.number}


def _is_done(future: Future[Answer], timeout_seconds: float) -> bool:
    return future.done() or bool(timeout_seconds and wait([future], timeout_seconds).done)


def _empty(claim: Claim, offset: int) -> Slice:
    return Slice(offset, offset, claim.epoch, claim.incarnation)
