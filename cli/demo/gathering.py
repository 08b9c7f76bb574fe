"""Gathers what the summary shows: from the ledgers' facts, the counters of the consumers, the read models."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, LiteralString

from psycopg import Connection

from billing.money import format_minor
from cli.demo.papers import pdf_path
from cli.demo.summary import DeadLetter, IssuedDocument, LedgerState, Oddity, Source
from cli.issued_documents import IssuedDocuments
from documents.view import InvoiceView
from ledger.merkle import Frontier
from ledger.read import each_fact, heads
from projections.anomalies import anomalies
from projections.session import reading

SOURCES: Final[LiteralString] = """
    SELECT topic || '/' || partition, received, booked, duplicate, rejected
    FROM ledger.ingest_offset ORDER BY topic, partition"""
DEAD_LETTERS: Final[LiteralString] = """
    SELECT topic || '/' || partition || '/' || "offset", tenant_id, key, reason, detail
    FROM ledger.quarantine ORDER BY recorded_at, id"""
LIFECYCLE: Final[LiteralString] = """
    SELECT type, count(*) FROM ledger.fact WHERE type LIKE 'service.%%'
    GROUP BY type ORDER BY count(*) DESC, type"""


def sources(connection: Connection[Any]) -> tuple[Source, ...]:
    """Return what became of the messages of each partition."""
    return tuple(Source(*row) for row in connection.execute(SOURCES))


def dead_letters(connection: Connection[Any]) -> tuple[DeadLetter, ...]:
    """Return the messages that were refused, as they came."""
    return tuple(
        DeadLetter(origin, tenant_id, (key or b"").decode(errors="replace"), reason, detail)
        for origin, tenant_id, key, reason, detail in connection.execute(DEAD_LETTERS)
    )


def lifecycle_events(connection: Connection[Any]) -> dict[str, int]:
    """Return how many lifecycle events of each type were booked, the most frequent first."""
    return dict(connection.execute(LIFECYCLE).fetchall())


def views(connection: Connection[Any], tenant_id: str) -> list[InvoiceView]:
    """Return all issued documents of a tenant, as they are shown."""
    with reading(connection, tenant_id) as cursor:
        return list(IssuedDocuments(cursor, tenant_id).views())


def issued(view: InvoiceView) -> IssuedDocument:
    """Return what the summary says of a document."""
    return IssuedDocument(
        tenant_id=view.tenant_id,
        number=view.number,
        kind=view.kind,
        customer_id=view.buyer.customer_id,
        customer=view.buyer.name or view.buyer.customer_id,
        issued_on=view.issued_on,
        currency=view.currency,
        net=Decimal(format_minor(view.net_minor, view.currency)),
        lines=len(view.lines),
        pdf=pdf_path(view),
    )


def ledgers(connection: Connection[Any]) -> tuple[LedgerState, ...]:
    """Return size and Merkle root of every ledger, computed from its leaves."""
    found = []
    for head in heads(connection):
        frontier = Frontier()
        frontier.extend(fact.leaf for fact in each_fact(connection, head.tenant_id, up_to_seq=head.size))
        assert frontier.size == head.size, (head, frontier.size)
        found.append(LedgerState(head.tenant_id, head.size, frontier.root().hex()))
    return tuple(found)


def oddities(connection: Connection[Any], tenant_id: str) -> Iterator[Oddity]:
    """Yield what can't be rated, or makes no sense yet."""
    with reading(connection, tenant_id) as cursor:
        for row in anomalies(cursor, tenant_id):
            yield Oddity(tenant_id, row.source, row.event_id, row.subject, row.code, row.detail)
