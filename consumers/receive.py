"""Events that come one by one or in batches from a door other than Kafka: same reading, same ledger."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from psycopg import Connection

from consumers.decode import STRUCTURED_CONTENT, decode, trace_of_message
from consumers.facts import Prepared, prepare, refusal
from consumers.records import Headers, Heard
from ledger.append import append, begin_appending
from ledger.errors import LedgerError
from ledger.facts import Booked, Clock, Conflict, Duplicate, Outcome, TenantUnknown
from ledger.personal import store
from ledger.trace import Traced, keep_traces
from schemas.reading import Event, Unreadable
from schemas.reasons import Reason

HEADERS: Final = (("content-type", STRUCTURED_CONTENT),)
MOST_EVENTS: Final = 1_000
Fate = Literal["booked", "duplicate", "refused"]


class UnreadableBatchError(LedgerError):
    """A batch is no JSON array of events, so that nothing can be said of its events."""

    code = "unreadable_batch"


class Received(NamedTuple):
    """What became of one event; `seq` where it stands, `unreadable` why it was refused.

    `same_as`: where it stands nowhere, in a dry run, the place of the event before it that has its content.
    """

    fate: Fate
    event: Event | None
    seq: int | None
    unreadable: Unreadable | None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Books events of one tenant. Refused ones are told, and kept nowhere: their sender still has them.

    `headers` are those of the request, which may say by which trace the events came.
    """

    tenant_id: str
    origin: str
    tenant_sources: Collection[str]
    clock: Clock
    headers: Headers = ()

    def receive(
        self, connection: Connection[Any], values: Sequence[bytes], *, dry_run: bool = False
    ) -> list[Received]:
        """Book what can be booked, in one transaction, and return what became of each, in order.

        A dry run does the same and takes it back: a fate of `booked` then means that it would be, and what it
        would be booked at is not said, as others may come first.
        """
        read = [self.read(value) for value in values]
        heard = [
            Heard(self.origin, one, trace_of_message(self.headers, one))
            for one in read
            if isinstance(one, Event)
        ]
        with connection.transaction(force_rollback=dry_run):
            begin_appending(connection)
            prepared = prepare(connection, heard, clock=self.clock)
            outcomes = append(connection, prepared.facts, clock=self.clock).get(self.tenant_id, ())
            self._keep(connection, prepared, heard, outcomes)
        places = [place for place, one in enumerate(read) if isinstance(one, Event)]
        taken_back = {
            outcome.seq: place
            for place, outcome in zip(places, outcomes, strict=True)
            if dry_run and isinstance(outcome, Booked)
        }
        told = iter(zip(heard, outcomes, strict=True))
        return [
            Received("refused", None, None, one)
            if isinstance(one, Unreadable)
            else _fate(*next(told), taken_back)
            for one in read
        ]

    def read(self, value: bytes) -> Event | Unreadable:
        """Return the event, or why it is refused: also where it is of another tenant."""
        found = decode(HEADERS, value, tenant_sources=self.tenant_sources)
        if isinstance(found, Event) and found.attributes["tenantid"] != self.tenant_id:
            envelope = {name: found.attributes[name] for name in ("source", "id", "type")}
            detail = (
                f'tenantid = "{found.attributes["tenantid"]}": the key is of tenant "{self.tenant_id}"; '
                "send the event with a key of its own tenant"
            )
            return Unreadable(Reason.FOREIGN_TENANT, detail, "tenantid", None, envelope)
        return found

    def _keep(
        self,
        connection: Connection[Any],
        prepared: Prepared,
        heard: Sequence[Heard],
        outcomes: Sequence[object],
    ) -> None:
        """Keep what stands beside the facts: personal values, and the traces that events came by."""
        booked = {place: one for place, one in enumerate(outcomes) if isinstance(one, Booked)}
        values = prepared.values.get(self.tenant_id, {})
        store(connection, (value for place in booked for value in values.get(place, ())))
        traces = ((outcome.seq, heard[place].trace) for place, outcome in booked.items())
        keep_traces(
            connection,
            [Traced(self.tenant_id, seq, self.origin, trace) for seq, trace in traces if trace is not None],
        )


def split_batch(value: bytes) -> list[bytes]:
    """Return the events of a JSON array, each in the bytes that it was sent in.

    Raises UnreadableBatchError for what is no array, or has no event, or too many.
    """
    try:
        text = value.decode()
        return [part.encode() for part in _elements(text)]
    except UnicodeDecodeError as error:
        raise UnreadableBatchError(f"byte {error.start} is not UTF-8: encode the JSON as UTF-8") from None
    except RecursionError:
        raise UnreadableBatchError("nested too deep: flatten it") from None
    except json.JSONDecodeError as error:
        raise UnreadableBatchError(
            f"{error.msg.lower()} (line {error.lineno}, column {error.colno}): send a JSON array of events"
        ) from None


def _elements(text: str) -> list[str]:
    scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().raw_decode
    place, found = _behind_space(text, 0), list[str]()
    if text[place : place + 1] != "[":
        raise json.JSONDecodeError("no array", text, place)
    place = _behind_space(text, place + 1)
    while text[place : place + 1] != "]":
        _, end = scan(text, place)
        found.append(text[place:end])
        if len(found) > MOST_EVENTS:
            raise UnreadableBatchError(f"more than {MOST_EVENTS} events: send them in several batches")
        place = _behind_space(text, end)
        if text[place : place + 1] == ",":
            place = _behind_space(text, place + 1)
            if text[place : place + 1] == "]":
                raise json.JSONDecodeError("a comma and no event", text, place)
        elif text[place : place + 1] != "]":
            raise json.JSONDecodeError("no comma", text, place)
    rest = _behind_space(text, place + 1)
    if rest != len(text):
        raise json.JSONDecodeError("something behind the array", text, rest)
    if not found:
        raise UnreadableBatchError("an empty array: send at least one event")
    return found


def _behind_space(text: str, place: int) -> int:
    while text[place : place + 1] in {" ", "\t", "\r", "\n"}:
        place += 1
    return place


def _fate(heard: Heard, outcome: Outcome, taken_back: Mapping[int, int]) -> Received:
    """Return what became of an event; `taken_back`: the places of those that a dry run booked, by seq."""
    if isinstance(outcome, TenantUnknown):
        return Received("refused", heard.event, None, refusal(heard, outcome))
    place = taken_back.get(outcome.seq)
    if isinstance(outcome, Conflict):
        return Received("refused", heard.event, None, refusal(heard, outcome, place=place))
    seq = outcome.seq if place is None else None
    if isinstance(outcome, Duplicate):
        return Received("duplicate", heard.event, seq, None, place)
    return Received("booked", heard.event, seq, None)
