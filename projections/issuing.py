"""Issues prepared documents in one short transaction: heads, series, numbers, facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import Connection

from billing.days import to_date
from ledger.accounts import Issue, decide
from ledger.append import append, lock_heads
from ledger.errors import ConcurrencyError
from ledger.facts import Booked, Clock, NewFact
from ledger.read import head
from ledger.series import draw_numbers
from ledger.transact import landed_events, transact
from projections.drafting import Document, Prepared
from projections.session import Connect

ENGINE: Final = "1"
NUMBER_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Numbered:
    """A document that is issued."""

    number: str
    document: Document


@dataclass(frozen=True, slots=True)
class Terms:
    """What every document of a tenant's run has in common."""

    tenant_id: str
    computed_at_seq: int
    zone: ZoneInfo
    prefixes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Issued:
    """The documents issued, and the customers whose accounts went on since the snapshot."""

    documents: tuple[Numbered, ...]
    clashed: frozenset[str]


def issue(
    connection: Connection[Any],
    connect: Connect,
    terms: Terms,
    prepared: Sequence[Prepared],
    *,
    clock: Clock,
) -> Issued:
    """Append what is prepared, and return it with its numbers once it is committed.

    Customers whose accounts went on meanwhile are left out and named. Nothing is done twice: where the answer
    to COMMIT is lost, it is looked up.
    """
    clashed: set[str] = set()
    while todo := [item for item in prepared if item.standing.customer_id not in clashed]:
        attempt = _Attempt(connection, terms, todo, clock)
        try:
            documents = transact(connection, attempt.run, look_up=partial(attempt.look_up, connect))
        except ConcurrencyError as error:
            clashed.update(stream.partition("/")[2] for _, stream in error.streams)
            continue
        return Issued(documents, frozenset(clashed))
    return Issued((), frozenset(clashed))


class _Attempt:
    """One try at the transaction; remembers what it appended, to look it up."""

    def __init__(
        self, connection: Connection[Any], terms: Terms, prepared: Sequence[Prepared], clock: Clock
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._prepared = prepared
        self._clock = clock
        self._facts: list[NewFact] = []
        self._documents: list[Numbered] = []

    def run(self) -> tuple[Numbered, ...]:
        """Lock, draw numbers, append; the caller commits."""
        tenant_id = self._terms.tenant_id
        lock_heads(self._connection, [tenant_id])
        moment = self._moment()
        numbers = self._numbers(moment)
        for item in self._prepared:
            issues: list[Issue] = []
            for document in item.documents:
                number = (
                    f"{self._terms.prefixes[document.kind]}{next(numbers[document.kind]):0{NUMBER_DIGITS}d}"
                )
                issues.append(self._issue(number, document, moment))
                self._documents.append(Numbered(number, document))
            self._facts.extend(decide(tenant_id, item.standing, issues, moment=moment))
        outcomes = append(self._connection, {tenant_id: self._facts}, clock=lambda: moment)[tenant_id]
        assert all(isinstance(outcome, Booked) for outcome in outcomes), outcomes
        return tuple(self._documents)

    def look_up(self, connect: Connect) -> tuple[Numbered, ...] | None:
        """Return what was issued, if it was; asked after a COMMIT without answer."""
        events = [(fact.source, fact.event_id) for fact in self._facts]
        with connect() as connection:
            landed = landed_events(connection, self._terms.tenant_id, events)
        return tuple(self._documents) if len(landed) == len(events) else None

    def _moment(self) -> datetime:
        """Return the clock's time, never before the ledger's last, so that issue dates never descend."""
        now = self._clock()
        found = head(self._connection, self._terms.tenant_id)
        assert found is not None, self._terms.tenant_id
        return now if found.recorded_at is None else max(now, found.recorded_at)

    def _numbers(self, moment: datetime) -> dict[str, Any]:
        """Draw all numbers of the transaction, series by series in one order."""
        counts: dict[str, int] = {}
        for item in self._prepared:
            for document in item.documents:
                counts[document.kind] = counts.get(document.kind, 0) + 1
        issued_on = moment.astimezone(self._terms.zone).date()
        return {
            kind: iter(
                draw_numbers(self._connection, self._terms.tenant_id, kind, counts[kind], issued_on=issued_on)
            )
            for kind in sorted(counts)
        }

    def _issue(self, number: str, document: Document, moment: datetime) -> Issue:
        return Issue(
            number=number,
            series=document.kind,
            kind=document.kind,
            issued_on=moment.astimezone(self._terms.zone).date(),
            due_for=to_date(document.due_for),
            computed_at_seq=self._terms.computed_at_seq,
            engine=ENGINE,
            document=document.document,
            lines=document.lines,
            credits=document.credits,
        )
