"""A tenant's issued documents as they are shown: their facts, the names of their day, the personal data."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Cursor

from documents.issued import Names, invoice_view
from documents.view import InvoiceView, LedgerReference
from ledger.personal import is_commitment, reveal
from projections import facts
from projections.invoices import InvoiceRow, IssuedDocument, document, invoices

PRODUCT_PUBLISHED = "product.published"


class IssuedDocuments:
    """Reads views within the transaction of `cursor`, which sees one tenant (projections.session.reading)."""

    def __init__(self, cursor: Cursor[Any], tenant_id: str) -> None:
        self._cursor = cursor
        self._tenant_id = tenant_id
        self._names = NamesOverTime(cursor, tenant_id)

    def rows(self, customer_id: str | None = None) -> list[InvoiceRow]:
        """Return what there is, in the order of issue."""
        return invoices(self._cursor, self._tenant_id, customer_id)

    def views(self, customer_id: str | None = None) -> Iterator[InvoiceView]:
        """Yield the documents of one customer or of all, in the order of issue, each read in its turn."""
        for row in self.rows(customer_id):
            yield self.view(row.number)

    def view(self, number: str) -> InvoiceView:
        """Return one document. Raises InvoiceUnknownError."""
        return self.view_of(document(self._cursor, self._tenant_id, number))

    def view_of(self, found: IssuedDocument) -> InvoiceView:
        """Return a document that was read already."""
        content = found.issued["document"]
        seller, buyer = self._revealed(content["seller"], content["buyer"])
        return invoice_view(
            found.issued,
            found.lines,
            tenant_id=self._tenant_id,
            seller=seller,
            buyer=buyer,
            names=self._names.at(found.issued["computed_at_seq"]),
            ledger=LedgerReference(seq=found.row.seq, leaf=found.leaf.hex()),
        )

    def _revealed(self, *parties: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return parties with values in place of commitments; None where the value was erased."""
        commitments = {value for party in parties for value in party.values() if is_commitment(value)}
        values = reveal(self._cursor.connection, self._tenant_id, commitments)
        return [
            {field: values.get(value) if is_commitment(value) else value for field, value in party.items()}
            for party in parties
        ]


class NamesOverTime:
    """What the catalog called things as of a seq, so that a document looks tomorrow as it looks today."""

    def __init__(self, cursor: Cursor[Any], tenant_id: str) -> None:
        found = [
            (seq, event["data"])
            for rows in facts.streams_of(cursor, tenant_id, "product").values()
            for event, seq in facts.heard(rows)
            if event["type"] == PRODUCT_PUBLISHED
        ]
        found.sort(key=lambda item: item[0])
        self._seqs = [seq for seq, _ in found]
        self._names = [Names()]
        for _, data in found:
            before = self._names[-1]
            prices = {
                (data["product_id"], price["price_id"]): price["name"]
                for price in data["prices"]
                if "name" in price
            }
            products = {**before.products, data["product_id"]: data["name"]}
            self._names.append(Names(products, {**before.prices, **prices}))

    def at(self, seq: int) -> Names:
        """Return the names that were in force at a seq."""
        return self._names[bisect_right(self._seqs, seq)]
