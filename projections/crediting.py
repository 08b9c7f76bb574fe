"""Credits a whole document: a document over what stands of its lines (BILLING.md §7).

What is still entitled is due again on the next issue date. Lines by which the document corrected earlier ones
stay: they are no charges of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from psycopg import Connection, Cursor

from billing.crediting import taken_back
from billing.days import Day
from billing.errors import LedgerError
from billing.facts import EventRef
from billing.invoice import Draft
from billing.invoiced import InvoicedSpan
from ledger.accounts import CreditedDocument, Standing
from ledger.errors import ConcurrencyError
from ledger.facts import OWN_SOURCE, Clock
from projections import accounts, bookmarks, books, drafting, invoices
from projections.books import Books
from projections.drafting import Document, Prepared
from projections.issuing import Numbered, Terms, issue
from projections.runner import Runner
from projections.session import Connect, reading

SINCE_EVER: Final = date(1, 1, 1)


class NothingToCreditError(LedgerError):
    """Nothing stands of the document any more: its lines were all taken back."""

    code = "nothing_to_credit"


@dataclass(frozen=True, slots=True)
class _Drafted:
    prepared: Prepared
    terms: Terms


def credit(
    connection: Connection[Any],
    connect: Connect,
    tenant_id: str,
    credited: CreditedDocument,
    *,
    clock: Clock,
) -> Numbered:
    """Issue the document that takes back what stands of another, and return it with its number.

    Raises InvoiceUnknownError, NothingToCreditError; ConcurrencyError where the account went on meanwhile.
    """
    runner = Runner(connection)
    runner.prepare()
    runner.catch_up(tenant_id)
    with reading(connection, tenant_id) as cursor:
        drafted = _drafted(cursor, tenant_id, credited, clock)
    issued = issue(connection, connect, drafted.terms, [drafted.prepared], clock=clock)
    if not issued.documents:
        raise ConcurrencyError([(tenant_id, f"account/{drafted.prepared.standing.customer_id}")])
    return issued.documents[0]


def document_over(
    credited: CreditedDocument,
    account_version: int,
    standing: Mapping[str, Sequence[InvoicedSpan]],
    known: Books,
    *,
    customer_id: str,
    currency: str,
    issue_day: Day,
    credit_minor: int,
) -> tuple[Draft, Document]:
    """Return what takes back all that stands of a document, `account_version` being that of its fact.

    Raises NothingToCreditError. The audit calls it as well.
    """
    cause = EventRef(OWN_SOURCE, f"{customer_id}/{account_version}")
    spans = [span for some in standing.values() for span in some if span.document == credited.number]
    draft = taken_back(spans, cause, customer_id=customer_id, currency=currency, issue_day=issue_day)
    if draft is None:
        raise NothingToCreditError(f"nothing stands of {credited.number}: its lines were taken back already")
    document = drafting.document_of(draft, known, customer_id, credit_minor, credited=credited)
    return draft, document


def _drafted(cursor: Cursor[Any], tenant_id: str, credited: CreditedDocument, clock: Clock) -> _Drafted:
    row = invoices.one(cursor, tenant_id, credited.number)
    bookmark = bookmarks.read(cursor, tenant_id)
    known = books.books(cursor, books.shared(cursor, tenant_id, bookmark), [row.customer_id], bookmark.seq)
    account = accounts.state(cursor, tenant_id, [row.customer_id])[row.customer_id]
    standing = accounts.standing(cursor, tenant_id, {row.customer_id: SINCE_EVER}).get(row.customer_id, {})
    today = Day(clock().astimezone(known.book.zone).date().toordinal())
    _, document = document_over(
        credited,
        row.account_version,
        standing,
        known,
        customer_id=row.customer_id,
        currency=row.currency,
        issue_day=today,
        credit_minor=account.credit.get(row.currency, 0),
    )
    prefixes = {kind: known.number_prefix(kind) for kind in ("invoice", "credit_note")}
    return _Drafted(
        Prepared(Standing(row.customer_id, account.version, account.last_due_for), (document,)),
        Terms(tenant_id, bookmark.seq, known.book.zone, prefixes),
    )
