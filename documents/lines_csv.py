"""All lines of issued documents as CSV (RFC 4180, UTF-8), with the totals that a reader can check it against.

Columns and their order are stable; new ones are only ever added at the end. Spans are named by their first
and their last day, both included, as finance people read them: a July is 2026-07-01 and 2026-07-31. Amounts
and quantities are plain decimals with a point. The arithmetic is in English.

Spreadsheets run a text that begins with `=`, `+`, `-`, `@`, tab or carriage return as a formula. Texts that
others choose (ids, names) get an apostrophe in front when they begin so, or with an apostrophe; who reads the
file by program takes one leading apostrophe away. Numbers and dates are never touched.
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import BinaryIO, Final

from billing.money import format_minor
from documents.arithmetic import arithmetic
from documents.formats import formats_for
from documents.view import InvoiceView, LineReference, LineView

COLUMNS: Final = (
    "tenant_id",
    "number",
    "kind",
    "issued_on",
    "due_for",
    "customer_id",
    "line",
    "service_id",
    "product_id",
    "product_name",
    "price_id",
    "price_name",
    "charge_type",
    "period_start",
    "period_last_day",
    "full_period_start",
    "full_period_last_day",
    "quantity",
    "unit_amount",
    "amount",
    "currency",
    "reverses",
    "adjusts",
    "arithmetic",
)
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """What was written: counts, the sum of the amounts by currency as text, and the SHA-256 of the bytes."""

    documents: int
    lines: int
    net: Mapping[str, str]
    sha256: str


class HashingWriter:
    """Takes texts, writes their UTF-8 and hashes it."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self.digest: Final = hashlib.sha256()

    def write(self, text: str) -> int:
        """Write a text, as `csv.writer` wants it."""
        encoded = text.encode()
        self.digest.update(encoded)
        return self._output.write(encoded)


def write_lines(views: Iterable[InvoiceView], output: BinaryIO) -> ControlTotals:
    """Write every line of `views` in the order given, holding one document at a time; return the totals."""
    hashing = HashingWriter(output)
    writer = csv.writer(hashing, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    documents = lines = 0
    net_minor: dict[str, int] = {}
    for view in views:
        documents += 1
        lines += len(view.lines)
        net_minor[view.currency] = net_minor.get(view.currency, 0) + sum(
            line.amount_minor for line in view.lines
        )
        writer.writerows(_row(view, line) for line in view.lines)
    return ControlTotals(
        documents=documents,
        lines=lines,
        net={currency: format_minor(net_minor[currency], currency) for currency in sorted(net_minor)},
        sha256=hashing.digest.hexdigest(),
    )


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _row(view: InvoiceView, line: LineView) -> tuple[str, ...]:
    return (
        guarded(view.tenant_id),
        guarded(view.number),
        view.kind,
        view.issued_on.isoformat(),
        view.due_for.isoformat(),
        guarded(view.buyer.customer_id),
        str(line.line),
        guarded(line.service_id),
        guarded(line.product_id),
        guarded(line.product_name),
        guarded(line.price_id),
        guarded(line.price_name),
        line.kind,
        line.start.isoformat(),
        _last_day(line.end),
        line.full_start.isoformat() if line.full_start else "",
        _last_day(line.full_end),
        line.quantity,
        line.unit_amount,
        format_minor(line.amount_minor, view.currency),
        view.currency,
        _reference(line.reverses),
        _reference(line.adjusts),
        "; ".join(arithmetic(line, formats_for("en", view.currency))),
    )


def _last_day(end: date | None) -> str:
    return (end - ONE_DAY).isoformat() if end else ""


def _reference(reference: LineReference | None) -> str:
    return guarded(f"{reference.number}/{reference.line}") if reference else ""
