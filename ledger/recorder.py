"""The `eventsourcing` library over our fact table: its recorder, mapper and repository, without its insert.

The library's own insert locks the table and repeats itself after a lost COMMIT; ours is `append`. Its
subscriptions are not used: projections read by seq.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString, NoReturn
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Repository
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    EventStore,
    IntegrityError,
    JSONTranscoder,
    Mapper,
    Notification,
    StoredEvent,
)
from psycopg import Connection

from ledger.accounts import ACCOUNT, Account, Standing, event_of, fact_of
from ledger.append import append
from ledger.errors import ConcurrencyError, TenantNotOpenError
from ledger.facts import OWN_SOURCE, Booked, Clock, Duplicate, NewFact
from ledger.read import NO_LIMIT, head

Connect = Callable[[], Connection[Any]]

OF_STREAM: LiteralString = """
    SELECT stream, version, type, schema_version, payload FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND stream = %(stream)s AND version > %(gt)s AND version <= %(lte)s
    ORDER BY version"""
SINCE: LiteralString = """
    SELECT stream, version, type, schema_version, payload, seq FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND seq >= %(start)s AND seq <= %(stop)s
        AND (%(topics)s::text[] = '{}' OR type || '.v' || schema_version = ANY(%(topics)s::text[]))
    ORDER BY seq LIMIT %(limit)s"""
STANDINGS: LiteralString = """
    SELECT asked.customer_id, known.version, (known.payload->'data'->'document'->>'due_for')::date
    FROM unnest(%s::text[]) AS asked (customer_id)
    CROSS JOIN LATERAL (
        SELECT version, convert_from(payload, 'UTF8')::json AS payload FROM ledger.fact
        WHERE tenant_id = %s AND stream = 'account/' || asked.customer_id AND seq <= %s
        ORDER BY version DESC LIMIT 1) AS known"""


class FactRecorder(ApplicationRecorder):
    """Records and reads one tenant's aggregate events as facts."""

    def __init__(self, connect: Connect, tenant_id: str, clock: Clock) -> None:
        self._connect = connect
        self._tenant_id = tenant_id
        self._clock = clock

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> list[int]:
        """Append events, with the facts of `beside` after them, in one transaction; return the events' seqs.

        Raises the library's IntegrityError where an aggregate went on meanwhile. An event that is stored
        already with the same content is fine: the answer to its COMMIT was lost.
        """
        facts = [self._fact(event) for event in stored_events]
        beside: Sequence[NewFact] = kwargs.get("beside", ())
        with self._connect() as connection:
            try:
                outcomes = append(connection, {self._tenant_id: [*facts, *beside]}, clock=self._clock)
            except ConcurrencyError as error:
                raise IntegrityError(str(error)) from error
        seqs = []
        for outcome in outcomes[self._tenant_id][: len(facts)]:
            if not isinstance(outcome, Booked | Duplicate):
                raise TenantNotOpenError(
                    f"tenant {self._tenant_id!r} has no ledger; send its tenant.configured"
                )
            seqs.append(outcome.seq)
        return seqs

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return a stream's events by version."""
        parameters = {
            "tenant_id": self._tenant_id,
            "stream": str(originator_id),
            "gt": 0 if gt is None else gt,
            "lte": NO_LIMIT if lte is None else lte,
        }
        with self._connect() as connection:
            rows = connection.execute(OF_STREAM, parameters).fetchall()
        rows = rows[::-1] if desc else rows
        return [
            StoredEvent(stream, version, _topic(kind, schema_version), payload)
            for stream, version, kind, schema_version, payload in rows[:limit]
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Return the tenant's facts by seq as notifications."""
        first = 1 if start is None else start + (not inclusive_of_start)
        parameters = {
            "tenant_id": self._tenant_id,
            "start": first,
            "stop": NO_LIMIT if stop is None else stop,
            "topics": list(topics),
            "limit": limit,
        }
        with self._connect() as connection:
            rows = connection.execute(SINCE, parameters).fetchall()
        return [
            Notification(stream, version, _topic(kind, schema_version), payload, seq)
            for stream, version, kind, schema_version, payload, seq in rows
        ]

    def max_notification_id(self) -> int | None:
        """Return the tenant's last seq, or None while its ledger is empty."""
        with self._connect() as connection:
            found = head(connection, self._tenant_id)
        return found.size if found is not None and found.size > 0 else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> NoReturn:
        """Refuse: projections read facts by seq (projections/runner.py)."""
        raise NotImplementedError("read facts by seq instead")

    def _fact(self, event: StoredEvent) -> NewFact:
        kind, _, schema_version = event.topic.rpartition(".v")
        customer_id = str(event.originator_id).removeprefix(ACCOUNT)
        return NewFact(
            source=OWN_SOURCE,
            event_id=f"{customer_id}/{event.originator_version}",
            stream=str(event.originator_id),
            type=kind,
            schema_version=int(schema_version),
            payload=event.state,
            version=event.originator_version,
            customer_id=customer_id,
        )


class CloudEventMapper(Mapper[str]):
    """Turns an account's events into the canonical CloudEvents that are stored, and back."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(JSONTranscoder())
        self._tenant_id = tenant_id

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Return the event with its payload."""
        assert isinstance(domain_event, Account.InvoiceIssued)
        fact = fact_of(self._tenant_id, domain_event)
        return StoredEvent(fact.stream, domain_event.originator_version, domain_event.TOPIC, fact.payload)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Return the event that a payload holds."""
        assert stored_event.topic == Account.InvoiceIssued.TOPIC, stored_event.topic
        return event_of(str(stored_event.originator_id), stored_event.originator_version, stored_event.state)


class Accounts:
    """One tenant's accounts, loaded and saved one by one through the library."""

    def __init__(self, connect: Connect, tenant_id: str, clock: Clock) -> None:
        self._clock = clock
        self._store = EventStore(CloudEventMapper(tenant_id), FactRecorder(connect, tenant_id, clock))
        self._repository = Repository(self._store)

    def get(self, customer_id: str, *, version: int | None = None) -> Account:
        """Return the customer's account, at its last or an earlier version; version 0 has no event."""
        try:
            return self._repository.get(f"{ACCOUNT}{customer_id}", version=version, projector_func=_project)
        except AggregateNotFoundError:
            return Account.at(customer_id, version=0, last_due_for=None, moment=self._clock())

    def save(self, account: Account, *, beside: Sequence[NewFact] = ()) -> tuple[int, ...]:
        """Append the account's new events, and facts that belong to them; return the events' seqs.

        Raises the library's IntegrityError where the account went on meanwhile.
        """
        recordings = self._store.put(account.collect_events(), beside=beside)
        return tuple(recording.notification.id for recording in recordings)


def standings(
    connection: Connection[Any],
    tenant_id: str,
    customer_ids: Sequence[str],
    *,
    up_to_seq: int = NO_LIMIT,
) -> dict[str, Standing]:
    """Return how each customer's account stands as of a seq, from the facts alone; for many at once."""
    found = connection.execute(STANDINGS, (list(customer_ids), tenant_id, up_to_seq)).fetchall()
    known = {row[0]: Standing(*row) for row in found}
    return {
        customer_id: known.get(customer_id) or Standing(customer_id, 0, None) for customer_id in customer_ids
    }


def _project(account: Account | None, events: Iterable[DomainEventProtocol[str]]) -> Account | None:
    for event in events:
        assert isinstance(event, Account.InvoiceIssued)
        if account is None:
            customer_id = event.originator_id.removeprefix(ACCOUNT)
            account = Account.at(customer_id, version=0, last_due_for=None, moment=event.timestamp)
        event.mutate(account)
    return account


def _topic(kind: str, schema_version: int) -> str:
    return f"{kind}.v{schema_version}"
