"""Refused messages: listed, shown, re-driven into the ledger, discarded."""

from base64 import b64decode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, get_args

from psycopg import Connection
from psycopg.rows import class_row

from consumers.decode import decode, trace_of_message
from consumers.errors import DeadLetterError, DeadLetterSettledError
from consumers.facts import prepare, refusal
from consumers.records import Headers, Heard
from ledger.append import append, begin_appending
from ledger.facts import Booked, Clock, Duplicate
from ledger.personal import store
from ledger.trace import Traced, keep_traces
from schemas.reading import Unreadable

State = Literal["waiting", "published", "redriven", "discarded"]
STATES: Final[tuple[State, ...]] = get_args(State)
OPEN_STATES: Final[tuple[State, ...]] = ("waiting", "published")
Fate = Literal["booked", "duplicate", "refused"]

SELECT: LiteralString = """
    SELECT id, consumer_group, topic, topic_incarnation, partition, "offset", tenant_id, key, value, headers,
        origin, reason, detail, place, recorded_at, state, note
    FROM ledger.quarantine"""
LIST: LiteralString = (
    SELECT
    + """
    WHERE state = ANY(%(states)s)
        AND (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
        AND (%(reason)s::text IS NULL OR reason = %(reason)s)
        AND id > %(after)s
    ORDER BY id LIMIT %(limit)s"""
)
SHOW: LiteralString = SELECT + " WHERE id = %s"
LOCK: LiteralString = SHOW + " FOR UPDATE"
LOCK_OFFSET: LiteralString = """
    SELECT 1 FROM ledger.ingest_offset
    WHERE consumer_group = %s AND topic = %s AND partition = %s FOR UPDATE"""
SETTLE: LiteralString = """
    UPDATE ledger.quarantine SET state = %s, note = %s, settled_at = %s WHERE id = %s"""
REFUSE_AGAIN: LiteralString = (
    "UPDATE ledger.quarantine SET reason = %s, detail = %s, place = %s WHERE id = %s"
)
RECOUNT: LiteralString = """
    UPDATE ledger.ingest_offset SET rejected = rejected - 1, booked = booked + %s, duplicate = duplicate + %s,
        updated_at = %s
    WHERE consumer_group = %s AND topic = %s AND partition = %s"""

COLUMNS: Final[LiteralString] = (
    'id, consumer_group, topic, topic_incarnation, partition, "offset", tenant_id, key, value, headers,'
    " origin, reason, detail, place, recorded_at, state, note"
)
"""What `DeadLetter` is made of, for who reads them as a list of one tenant."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused message as it was sent, and why; `place` is the field that is wrong, where one is.

    `origin` says where it stood, as the fact that it may still become will.
    """

    id: int
    consumer_group: str
    topic: str
    topic_incarnation: str
    partition: int
    offset: int
    tenant_id: str | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[Sequence[str | None]]
    origin: str
    reason: str
    detail: str
    place: str | None
    recorded_at: datetime
    state: State
    note: str

    def original_headers(self) -> Headers:
        """Return the headers as they were sent."""
        return [(name or "", None if value is None else b64decode(value)) for name, value in self.headers]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a dead letter that was driven again."""

    id: int
    fate: Fate
    seq: int | None
    reason: str | None
    detail: str


def list_letters(
    connection: Connection[Any],
    *,
    states: Collection[State] = OPEN_STATES,
    tenant_id: str | None = None,
    reason: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> tuple[DeadLetter, ...]:
    """Return dead letters in the order in which they were refused; `after` is the last id already seen."""
    wanted = {
        "states": list(states),
        "tenant_id": tenant_id,
        "reason": reason,
        "after": after,
        "limit": limit,
    }
    with connection.transaction(), connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        begin_appending(connection)
        return tuple(cursor.execute(LIST, wanted))


def show(connection: Connection[Any], letter_id: int) -> DeadLetter:
    """Return one dead letter. Raises DeadLetterError where there is none."""
    with connection.transaction():
        begin_appending(connection)
        return _one(connection, SHOW, letter_id)


def redrive(
    connection: Connection[Any], letter_id: int, *, tenant_sources: Collection[str], clock: Clock
) -> Redriven:
    """Read a dead letter again and book it; counts move with it, so that they still close.

    It keeps its origin. Where it is refused again it stays, with the new reason. Raises DeadLetterError
    and, for one that is settled, DeadLetterSettledError.
    """
    with connection.transaction():
        begin_appending(connection)
        known = _one(connection, SHOW, letter_id)
        source = (known.consumer_group, known.topic, known.partition)
        connection.execute(LOCK_OFFSET, source)
        letter = _open_one(connection, letter_id)
        event = decode(letter.original_headers(), letter.value, tenant_sources=tenant_sources)
        if isinstance(event, Unreadable):
            return _refuse_again(connection, letter, event)
        heard = Heard(letter.origin, event, trace_of_message(letter.original_headers(), event))
        prepared = prepare(connection, [heard], clock=clock)
        tenant_id = event.attributes["tenantid"]
        outcome = append(connection, prepared.facts, clock=clock)[tenant_id][0]
        if not isinstance(outcome, Booked | Duplicate):
            return _refuse_again(connection, letter, refusal(heard, outcome))
        is_booked = isinstance(outcome, Booked)
        if is_booked:
            store(connection, prepared.values.get(tenant_id, {}).get(0, ()))
            if heard.trace is not None:
                keep_traces(connection, [Traced(tenant_id, outcome.seq, letter.origin, heard.trace)])
        now = clock()
        connection.execute(RECOUNT, (int(is_booked), int(not is_booked), now, *source))
        connection.execute(SETTLE, ("redriven", letter.note, now, letter.id))
    return Redriven(letter_id, "booked" if is_booked else "duplicate", outcome.seq, None, "")


def discard(connection: Connection[Any], letter_id: int, *, note: str, clock: Clock) -> None:
    """Set a dead letter aside for good, with the reason why; it stays counted as rejected.

    Raises DeadLetterError and, for one that is settled, DeadLetterSettledError.
    """
    with connection.transaction():
        begin_appending(connection)
        letter = _open_one(connection, letter_id)
        connection.execute(SETTLE, ("discarded", note, clock(), letter.id))


def _refuse_again(connection: Connection[Any], letter: DeadLetter, why: Unreadable) -> Redriven:
    detail = why.detail.replace("\0", "�")
    connection.execute(REFUSE_AGAIN, (str(why.reason), detail, why.place, letter.id))
    return Redriven(letter.id, "refused", None, str(why.reason), why.detail)


def _open_one(connection: Connection[Any], letter_id: int) -> DeadLetter:
    letter = _one(connection, LOCK, letter_id)
    if letter.state not in OPEN_STATES:
        raise DeadLetterSettledError(
            f"dead letter {letter_id} is {letter.state} already; list shows open ones"
        )
    return letter


def _one(connection: Connection[Any], query: LiteralString, letter_id: int) -> DeadLetter:
    with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
        letter = cursor.execute(query, (letter_id,)).fetchone()
    if letter is None:
        raise DeadLetterError(f"there is no dead letter {letter_id}; list shows those there are")
    return letter
