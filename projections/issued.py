"""Applies issued documents: their rows, what they correct, and the accounts that they move on."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.catalog import Catalog
from projections import accounts, facts, invoices, outstanding, parking
from projections.facts import Header
from projections.invoices import Issue
from projections.outstanding import InvoicedLine

ISSUED: Final = "invoice.issued"
NUMBER: Final = 1
DUE_FOR: Final = 10

ACCOUNT: Final[LiteralString] = """
    SELECT seq, recorded_at, type, stream, customer_id FROM ledger.fact
    WHERE tenant_id = %(tenant_id)s AND stream = %(stream)s AND seq <= %(up_to)s ORDER BY version"""
TAKEN_OFF: Final[LiteralString] = """
    SELECT l.customer_id, l.currency, l.product_id, l.price_id, l.kind, l.period_start, l.period_end,
           l.full_start, l.full_end, l.amount_minor, i.due_for
    FROM invoice_lines_v2 l JOIN invoices_v3 i USING (tenant_id, number)
    WHERE l.tenant_id = %(tenant_id)s AND l.customer_id = %(customer_id)s"""


@dataclass(frozen=True, slots=True)
class Applied:
    """Whose documents were applied: the first known up to `computed_at_seq`, the last fact at `seq`.

    Of the services of which they take something back, those where they take back a document are `credited`.
    """

    customer_ids: frozenset[str]
    computed_at_seq: int
    seq: int
    credited: frozenset[str]
    corrected: frozenset[str]


def apply(cursor: Cursor[Any], tenant_id: str, headers: Sequence[Header], catalog: Catalog) -> Applied | None:
    """Apply whole documents in order; a customer whose documents break the fold is parked."""
    waiting = _parked_accounts(cursor, tenant_id)
    issues = [issue for issue in load(cursor, tenant_id, headers) if issue.customer_id not in waiting]
    broken = _write(cursor, tenant_id, issues, catalog)
    for customer_id, reason in broken.items():
        parking.park(cursor, tenant_id, f"account/{customer_id}", (customer_id,), reason, seq=headers[-1].seq)
    if not issues:
        return None
    computed = min(issue.issued["computed_at_seq"] for issue in issues)
    credited, corrected = set[str](), set[str]()
    for issue in issues:
        if issue.customer_id not in broken:
            found = credited if "credits" in issue.issued["document"] else corrected
            found |= _taken_back(issue)
    customer_ids = invoices.customers_of(issues)
    return Applied(customer_ids, computed, issues[-1].seq, frozenset(credited), frozenset(corrected))


def apply_again(cursor: Cursor[Any], tenant_id: str, customer_id: str, up_to: int, catalog: Catalog) -> bool:
    """Apply all documents of one customer anew, up to a seq; return whether it could be done."""
    rows = cursor.execute(TAKEN_OFF, {"tenant_id": tenant_id, "customer_id": customer_id}).fetchall()
    outstanding.take_off(cursor, tenant_id, [InvoicedLine(*row) for row in rows], catalog, sign=1)
    invoices.forget_customer(cursor, tenant_id, customer_id)
    query = {"tenant_id": tenant_id, "stream": f"account/{customer_id}", "up_to": up_to}
    headers = [Header._make(row) for row in cursor.execute(ACCOUNT, query).fetchall()]
    broken = _write(cursor, tenant_id, load(cursor, tenant_id, headers), catalog)
    for reason in broken.values():
        parking.park(cursor, tenant_id, f"account/{customer_id}", (customer_id,), reason, seq=up_to)
    return not broken


def load(cursor: Cursor[Any], tenant_id: str, headers: Sequence[Header]) -> list[Issue]:
    """Return the documents whose `invoice.issued` facts are among `headers`, each with all its lines."""
    moments = {header.seq: header.recorded_at for header in headers if header.type == ISSUED}
    heads = [
        (seq, version, event["data"]) for seq, version, event in facts.at(cursor, tenant_id, list(moments))
    ]
    parts = facts.streams(cursor, tenant_id, [f"invoice/{data['number']}" for _, _, data in heads])
    return [
        Issue(
            seq,
            moments[seq],
            version,
            data,
            tuple(
                (part_seq, orjson.loads(payload)["data"])
                for part_seq, payload in parts.get(f"invoice/{data['number']}", ())
            ),
        )
        for seq, version, data in heads
    ]


def _write(cursor: Cursor[Any], tenant_id: str, issues: Sequence[Issue], catalog: Catalog) -> dict[str, str]:
    """Write documents; return the reason for each customer whose documents were left out."""
    broken: dict[str, str] = {}
    try:
        rows = invoices.rows_of(tenant_id, issues)
    except Exception:  # noqa: BLE001 - one customer's documents must not hold up the others: find whose
        for customer_id in sorted(invoices.customers_of(issues)):
            try:
                invoices.rows_of(tenant_id, [issue for issue in issues if issue.customer_id == customer_id])
            except Exception as error:  # noqa: BLE001 - whatever it raises, that customer is set aside
                broken[customer_id] = parking.reason_of(error)
        issues = [issue for issue in issues if issue.customer_id not in broken]
        rows = invoices.rows_of(tenant_id, issues)
    invoices.write(cursor, tenant_id, rows)
    outstanding.take_off(cursor, tenant_id, _lines(rows), catalog)
    if issues:
        accounts.move(cursor, tenant_id, issues)
    return broken


def _taken_back(issue: Issue) -> set[str]:
    """Return the services of whose invoiced lines a document takes something back."""
    return {
        line["service_id"]
        for _, part in issue.parts
        for line in part["lines"]
        if line["service_id"] is not None and (line["reverses"] or line["adjusts"])
    }


def _lines(rows: invoices.Rows) -> Iterator[InvoicedLine]:
    """Yield what the forecast needs of new lines, from the rows that were made of them."""
    due_for: dict[Any, Any] = {row[NUMBER]: row[DUE_FOR] for row in rows.invoices}
    for row in rows.lines.values():
        customer_id, currency, _, product_id, price_id, kind, _, _, start, end, first, last, amount = row[
            4:17
        ]
        yield InvoicedLine(
            customer_id,
            currency,
            product_id,
            price_id,
            kind,
            start,
            end,
            first,
            last,
            amount,
            due_for[row[NUMBER]],
        )


def _parked_accounts(cursor: Cursor[Any], tenant_id: str) -> Collection[str]:
    return {
        item.subject.partition("/")[2]
        for item in parking.parked(cursor, tenant_id)
        if item.subject.startswith("account/")
    }
