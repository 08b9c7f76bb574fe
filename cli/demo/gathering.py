"""Gathers what the summary shows: from the ledgers' facts, the counters of the consumers, the read models."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, Final, LiteralString

from psycopg import Connection, Cursor

from api.issued_documents import IssuedDocuments
from billing.money import format_minor
from cli.clock import clock_from
from cli.demo.errors import LedgerBrokenError
from cli.demo.papers import pdf_path
from cli.demo.stage import Stage
from cli.demo.summary import DeadLetter, IssuedDocument, LedgerState, NextDocument, Oddity, Source
from documents.view import InvoiceView
from ledger.personal import reveal
from ledger.verify import tenants, verify
from projections.anomalies import anomalies
from projections.customers import customers
from projections.preview import preview
from projections.session import Connect, reading

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


def views(connection: Connection[Any], tenant_id: str, known: Collection[str] = ()) -> list[InvoiceView]:
    """Return the issued documents of a tenant as they are shown, without those whose numbers are `known`."""
    with reading(connection, tenant_id) as cursor:
        documents = IssuedDocuments(cursor, tenant_id)
        return [documents.view(row.number) for row in documents.rows() if row.number not in known]


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


def ledgers(connect: Connect) -> tuple[LedgerState, ...]:
    """Return size and Merkle root of every ledger, recomputed from its facts as `billing verify` does.

    Raises LedgerBrokenError where a fact is not what it was when it was appended.
    """
    with connect() as connection:
        tenant_ids = tenants(connection)
    found = []
    for tenant_id in tenant_ids:
        verified = verify(connect, tenant_id)
        if verified.tree is None or verified.findings:
            raise LedgerBrokenError(f"the ledger of {tenant_id} is damaged: {verified.findings}")
        found.append(LedgerState(tenant_id, verified.tree.size, verified.tree.root))
    return tuple(found)


def previewed(stage: Stage, connection: Connection[Any], tenant_id: str) -> Iterator[NextDocument]:
    """Yield what the next invoices of a tenant's customers would be, by day."""
    with reading(connection, tenant_id) as cursor:
        names = _names(cursor, tenant_id)
    found = preview(stage.connect, tenant_id, clock=clock_from(f"file:{stage.clock}"))
    for item in sorted(found.invoices, key=lambda item: (item.due_for, item.customer_id, item.currency)):
        planned_minor = sum(charge.amount_minor for charge in item.planned)
        yield NextDocument(
            tenant_id=tenant_id,
            customer_id=item.customer_id,
            customer=names.get(item.customer_id, item.customer_id),
            issue_day=item.due_for,
            currency=item.currency,
            net=Decimal(format_minor(item.net_minor, item.currency)),
            planned=Decimal(format_minor(planned_minor, item.currency)),
            lines=len(item.lines),
        )


def _names(cursor: Cursor[Any], tenant_id: str) -> dict[str, str]:
    """Return the names of customers, as far as they are kept; a later one stands in place of an earlier."""
    said = {row.customer_id: row.party["name"] for row in customers(cursor, tenant_id) if "name" in row.party}
    values = reveal(cursor.connection, tenant_id, set(said.values()))
    return {customer_id: values[name] for customer_id, name in said.items() if name in values}


def oddities(connection: Connection[Any], tenant_id: str) -> Iterator[Oddity]:
    """Yield what can't be rated, or makes no sense yet."""
    with reading(connection, tenant_id) as cursor:
        for row in anomalies(cursor, tenant_id):
            yield Oddity(tenant_id, row.source, row.event_id, row.subject, row.code, row.detail)
