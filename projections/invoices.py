"""Invoices: issued documents and their lines; each line's row says what stands of it after corrections."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import orjson
from psycopg import Cursor

from billing.days import to_date
from billing.errors import LedgerError
from billing.line import Line
from billing.money import parse_minor
from projections import facts, invoice_products, issued_months
from projections.pages import Listing, Order
from projections.session import copy_rows
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "invoices",
    (
        Table(
            "invoices_v3",
            """
            CREATE TABLE invoices_v3 (
                tenant_id       text COLLATE "C" NOT NULL,
                number          text COLLATE "C" NOT NULL,
                seq             bigint NOT NULL,
                recorded_at     timestamptz NOT NULL,
                series          text NOT NULL,
                kind            text NOT NULL,
                customer_id     text COLLATE "C" NOT NULL,
                account_version bigint NOT NULL,
                currency        text NOT NULL,
                net_minor       bigint NOT NULL,
                due_for         date NOT NULL,
                issued_on       date NOT NULL,
                line_count      integer NOT NULL,
                computed_at_seq bigint NOT NULL,
                -- The billing period: the first day of the month of due_for.
                period          date NOT NULL,
                PRIMARY KEY (tenant_id, number)
            );
            CREATE INDEX ON invoices_v3 (tenant_id, customer_id, account_version);
            CREATE INDEX ON invoices_v3 (tenant_id, seq);
            CREATE INDEX ON invoices_v3 (tenant_id, seq) WHERE kind = 'credit_note';
            CREATE INDEX ON invoices_v3 (tenant_id, due_for, seq);
            CREATE INDEX ON invoices_v3 (tenant_id, net_minor, seq);
            CREATE INDEX ON invoices_v3 (tenant_id, period, seq);
            CREATE INDEX ON invoices_v3 (tenant_id, period, net_minor, seq)""",
        ),
        Table(
            "invoice_lines_v2",
            """
            CREATE TABLE invoice_lines_v2 (
                tenant_id    text COLLATE "C" NOT NULL,
                number       text COLLATE "C" NOT NULL,
                line_no      integer NOT NULL,
                seq          bigint NOT NULL,
                customer_id  text COLLATE "C" NOT NULL,
                currency     text NOT NULL,
                service_id   text COLLATE "C" NOT NULL,
                product_id   text COLLATE "C" NOT NULL,
                price_id     text COLLATE "C" NOT NULL,
                kind         text NOT NULL,
                quantity     text NOT NULL,
                unit_amount  text NOT NULL,
                period_start date NOT NULL,
                period_end   date NOT NULL,
                full_start   date,
                full_end     date,
                amount_minor bigint NOT NULL,
                reverses     text,
                adjusts      text,
                -- What stands of a charge; null in corrections and in what was reversed.
                stands_start date,
                stands_end   date,
                stands_minor bigint,
                settles      date,
                PRIMARY KEY (tenant_id, number, line_no)
            );
            CREATE INDEX ON invoice_lines_v2 (tenant_id, customer_id, settles) WHERE settles IS NOT NULL;
            CREATE INDEX ON invoice_lines_v2 (tenant_id, service_id, seq);
            CREATE INDEX ON invoice_lines_v2 (tenant_id, customer_id, price_id, seq)
                WHERE kind = 'adjustment'""",
        ),
        invoice_products.TABLE,
        issued_months.TABLE,
    ),
)

COPY_INVOICES: Final[LiteralString] = """
    COPY invoices_v3 (tenant_id, number, seq, recorded_at, series, kind, customer_id, account_version,
        currency, net_minor, due_for, issued_on, line_count, computed_at_seq, period)
    FROM STDIN (FORMAT BINARY)"""
INVOICE_TYPES: Final = (
    *("text", "text", "int8", "timestamptz", "text", "text", "text", "int8", "text"),
    *("int8", "date", "date", "int4", "int8", "date"),
)
COPY_LINES: Final[LiteralString] = """
    COPY invoice_lines_v2 (tenant_id, number, line_no, seq, customer_id, currency, service_id, product_id,
        price_id, kind, quantity, unit_amount, period_start, period_end, full_start, full_end, amount_minor,
        reverses, adjusts, stands_start, stands_end, stands_minor, settles) FROM STDIN (FORMAT BINARY)"""
LINE_TYPES: Final = (
    *("text", "text", "int4", "int8", "text", "text", "text", "text", "text"),
    *("text", "text", "text", "date", "date", "date", "date", "int8", "text", "text"),
    *("date", "date", "int8", "date"),
)
NEVER: Final = date.max
# The standing columns are the last four; a correction changes them in the row of the line that it corrects.
FULL_END: Final = 15
STANDS_START, STANDS_END, STANDS_MINOR, SETTLES = -4, -3, -2, -1
CORRECT: Final[LiteralString] = """
    UPDATE invoice_lines_v2 l
    SET stands_start = c.starts, stands_end = c.ends, stands_minor = c.minor,
        settles = CASE WHEN c.starts IS NULL THEN NULL WHEN l.kind = 'adjustment' THEN l.settles
                       ELSE coalesce(l.full_end, c.ends) END
    FROM unnest(%(numbers)s::text[], %(lines)s::int[], %(starts)s::date[], %(ends)s::date[],
        %(minors)s::bigint[]) AS c (number, line_no, starts, ends, minor)
    WHERE l.tenant_id = %(tenant_id)s AND l.number = c.number AND l.line_no = c.line_no"""
FORGET_CUSTOMER: Final[LiteralString] = """
    WITH gone AS (
        DELETE FROM invoice_lines_v2 WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s),
    unlisted AS (
        DELETE FROM invoice_products_v1 p USING invoices_v3 i
        WHERE i.tenant_id = %(tenant_id)s AND i.customer_id = %(customer_id)s
            AND p.tenant_id = i.tenant_id AND p.period = i.period AND p.seq = i.seq)
    DELETE FROM invoices_v3 WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s"""
LIST: Final[LiteralString] = """
    SELECT number, kind, customer_id, currency, net_minor, due_for, issued_on, line_count, account_version,
           computed_at_seq, seq, recorded_at
    FROM invoices_v3
    WHERE tenant_id = %(tenant_id)s AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
    ORDER BY seq"""
ONE: Final[LiteralString] = """
    SELECT number, kind, customer_id, currency, net_minor, due_for, issued_on, line_count, account_version,
           computed_at_seq, seq, recorded_at
    FROM invoices_v3 WHERE tenant_id = %(tenant_id)s AND number = %(number)s"""

LISTING: Final = Listing(
    "number, kind, customer_id, currency, net_minor, due_for, issued_on, line_count, account_version,"
    " computed_at_seq, seq, recorded_at",
    "invoices_v3",
    {
        "issued": Order(("seq",), ("bigint",)),
        "due_for": Order(("due_for", "seq"), ("date", "bigint")),
        "net": Order(("net_minor", "seq"), ("bigint", "bigint")),
        "customer": Order(("customer_id", "account_version"), ("text", "bigint")),
    },
    {
        "customer_id": "customer_id = %(customer_id)s",
        "kind": "kind = %(kind)s",
        "product_id": invoice_products.OF_PRODUCT,
        "product_ids": invoice_products.OF_PRODUCTS,
        "service_id": invoice_products.OF_SERVICE,
        "currency": "currency = %(currency)s",
        "period": "period = %(period)s",
        "due_from": "due_for >= %(due_from)s",
        "due_before": "due_for < %(due_before)s",
        "net_from": "net_minor >= %(net_from)s",
        "net_to": "net_minor <= %(net_to)s",
    },
)

LINES: Final = Listing(
    "number, line_no, customer_id, currency, service_id, product_id, price_id, kind, quantity, unit_amount,"
    " period_start, period_end, full_start, full_end, amount_minor, reverses, adjusts, seq",
    "invoice_lines_v2",
    {"issued": Order(("seq", "number", "line_no"), ("bigint", "text", "integer"))},
    {"service_id": "service_id = %(service_id)s"},
)


class InvoiceUnknownError(LedgerError):
    """No document of the tenant has this number."""

    code = "invoice_unknown"


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One issued document; amounts in minor units of its currency."""

    number: str
    kind: str
    customer_id: str
    currency: str
    net_minor: int
    due_for: date
    issued_on: date
    line_count: int
    account_version: int
    computed_at_seq: int
    seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """A document as its facts hold it: the data of `invoice.issued` and the lines of every part."""

    row: InvoiceRow
    issued: facts.CloudEvent
    lines: tuple[facts.CloudEvent, ...]
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Issue:
    """An `invoice.issued` fact with the facts of its lines, as the projection applies them."""

    seq: int
    recorded_at: datetime
    version: int
    issued: facts.CloudEvent
    parts: tuple[tuple[int, facts.CloudEvent], ...]

    @property
    def customer_id(self) -> str:
        """The customer that the document is for."""
        customer_id: str = self.issued["document"]["customer_id"]
        return customer_id


@dataclass(slots=True)
class Rows:
    """What a batch of documents writes: new rows, and what changes in rows that stand already."""

    invoices: list[tuple[object, ...]]
    lines: dict[tuple[str, int], list[Any]]
    corrections: dict[tuple[str, int], tuple[date | None, date | None, int | None]]
    products: list[tuple[object, ...]]
    months: list[issued_months.Added]


def rows_of(tenant_id: str, issues: Iterable[Issue]) -> Rows:
    """Return the rows of documents, in the order in which they were issued."""
    rows = Rows([], {}, {}, [], [])
    for issue in issues:
        _add(rows, tenant_id, issue)
    return rows


def write(cursor: Cursor[Any], tenant_id: str, rows: Rows) -> None:
    """Write the rows of a batch."""
    copy_rows(cursor, COPY_INVOICES, INVOICE_TYPES, rows.invoices)
    copy_rows(cursor, COPY_LINES, LINE_TYPES, rows.lines.values())
    invoice_products.write(cursor, rows.products)
    issued_months.add(cursor, tenant_id, rows.months)
    if rows.corrections:
        keys = list(rows.corrections)
        values = list(rows.corrections.values())
        cursor.execute(
            CORRECT,
            {
                "tenant_id": tenant_id,
                "numbers": [number for number, _ in keys],
                "lines": [line_no for _, line_no in keys],
                "starts": [start for start, _, _ in values],
                "ends": [end for _, end, _ in values],
                "minors": [minor for _, _, minor in values],
            },
        )


def forget_customer(cursor: Cursor[Any], tenant_id: str, customer_id: str) -> None:
    """Delete the rows of one customer's documents, to apply all of its facts again."""
    issued_months.take_off(cursor, tenant_id, customer_id)
    cursor.execute(FORGET_CUSTOMER, {"tenant_id": tenant_id, "customer_id": customer_id})


def invoices(cursor: Cursor[Any], tenant_id: str, customer_id: str | None = None) -> list[InvoiceRow]:
    """Return issued documents in the order in which they were issued."""
    cursor.execute(LIST, {"tenant_id": tenant_id, "customer_id": customer_id})
    return [InvoiceRow(*row) for row in cursor.fetchall()]


LEAF: Final[LiteralString] = (
    "SELECT payload, leaf FROM ledger.fact WHERE tenant_id = %(tenant_id)s AND seq = %(seq)s"
)


def one(cursor: Cursor[Any], tenant_id: str, number: str) -> InvoiceRow:
    """Return one issued document without its lines. Raises InvoiceUnknownError."""
    found = cursor.execute(ONE, {"tenant_id": tenant_id, "number": number}).fetchone()
    if found is None:
        raise InvoiceUnknownError(f"{tenant_id} has no document {number!r}; see: billing invoices")
    return InvoiceRow(*found)


def document(cursor: Cursor[Any], tenant_id: str, number: str) -> IssuedDocument:
    """Return one document with all its lines, read from the facts. Raises InvoiceUnknownError."""
    row = one(cursor, tenant_id, number)
    fact = cursor.execute(LEAF, {"tenant_id": tenant_id, "seq": row.seq}).fetchone()
    assert fact is not None, number
    stream = f"invoice/{number}"
    parts = facts.streams(cursor, tenant_id, [stream])[stream]
    lines = [line for _, payload in parts for line in orjson.loads(payload)["data"]["lines"]]
    return IssuedDocument(row, orjson.loads(fact[0])["data"], tuple(lines), fact[1])


def _add(rows: Rows, tenant_id: str, issue: Issue) -> None:
    data = issue.issued
    content = data["document"]
    currency = content["currency"]
    number = data["number"]
    due_for = date.fromisoformat(content["due_for"])
    period = due_for.replace(day=1)
    net_minor = parse_minor(content["net"], currency)
    rows.months.append(issued_months.Added(period, currency, data["kind"], content["line_count"], net_minor))
    rows.invoices.append(
        (
            tenant_id,
            number,
            issue.seq,
            issue.recorded_at,
            data["series"],
            data["kind"],
            content["customer_id"],
            issue.version,
            currency,
            net_minor,
            due_for,
            date.fromisoformat(data["issued_on"]),
            content["line_count"],
            data["computed_at_seq"],
            period,
        )
    )
    line_no = 0
    for seq, part in issue.parts:
        for item in part["lines"]:
            line_no += 1
            line = Line.from_data(item, currency)
            _correct(rows, line)
            row = _line_row(line, (tenant_id, number, line_no, seq, content["customer_id"], currency))
            rows.lines[number, line_no] = row
            rows.products.append((tenant_id, line.product_id, period, issue.seq))
    assert line_no == content["line_count"], f"{number} has {line_no} lines of {content['line_count']}"


def _correct(rows: Rows, line: Line) -> None:
    target = line.reverses or line.adjusts
    if target is None:
        return
    standing = line.result
    values = (
        (None, None, None)
        if standing is None
        else (to_date(standing.start), to_date(standing.end), standing.amount_minor)
    )
    key = (target.document, target.line_no)
    row = rows.lines.get(key)
    if row is None:
        rows.corrections[key] = values
        return
    row[STANDS_START], row[STANDS_END], row[STANDS_MINOR] = values
    if standing is None:
        row[SETTLES] = None
    elif line.kind != "adjustment":
        row[SETTLES] = row[FULL_END] or values[1]


def _line_row(line: Line, key: Sequence[object]) -> list[Any]:
    start, end = to_date(line.period_start), to_date(line.period_end)
    full_end = None if line.full_end is None else to_date(line.full_end)
    charge = line.reverses is None and line.adjusts is None
    return [
        *key,
        line.service_id,
        line.product_id,
        line.price_id,
        line.kind,
        line.quantity.text,
        line.unit_amount.text,
        start,
        end,
        None if line.full_start is None else to_date(line.full_start),
        full_end,
        line.amount_minor,
        None if line.reverses is None else f"{line.reverses.document}/{line.reverses.line_no}",
        None if line.adjusts is None else f"{line.adjusts.document}/{line.adjusts.line_no}",
        start if charge else None,
        end if charge else None,
        line.amount_minor if charge else None,
        _settles(line, full_end or end) if charge else None,
    ]


def _settles(line: Line, end: date) -> date:
    """Return the day after which a charge need not be looked at again; an adjustment always must."""
    return NEVER if line.kind == "adjustment" else end


def customers_of(issues: Collection[Issue]) -> frozenset[str]:
    """Return whose documents these are."""
    return frozenset(issue.customer_id for issue in issues)
