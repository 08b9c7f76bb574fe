"""The CSV: every line once, totals that close, nothing that a spreadsheet runs."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from documents.lines_csv import COLUMNS, guarded, write_lines
from documents.view import InvoiceView
from tests.documents import samples


def written(*views: InvoiceView) -> bytes:
    output = io.BytesIO()
    write_lines(views, output)
    return output.getvalue()


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_reads_as_it_was_reviewed(golden: Callable[[str, str], None]) -> None:
    views = (samples.typical(), samples.credit_note(), samples.no_decimals(), samples.three_decimals())
    golden("lines.csv", written(*views).decode())


def test_the_totals_are_those_of_the_file() -> None:
    output = io.BytesIO()
    totals = write_lines([sample() for sample in samples.ALL.values()], output)
    data = output.getvalue()
    found = rows(data)
    assert totals.lines == len(found)
    assert totals.documents == len(samples.ALL)
    assert totals.sha256 == hashlib.sha256(data).hexdigest()
    sums: dict[str, Decimal] = {}
    for row in found:
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + Decimal(row["amount"])
    assert {currency: Decimal(text) for currency, text in totals.net.items()} == sums
    assert set(sums) == {"CHF", "EUR", "JPY", "KWD"}


def test_is_rfc_4180() -> None:
    """CRLF at each end of line, also the last; quotes doubled; a line break inside a field stays."""
    name = 'a "quoted", name\r\nin two lines'
    line = replace(samples.line(1, "s", "P", "R", "1.00", samples.JULY), product_name=name)
    data = written(samples.view(line))
    assert data.endswith(b"\r\n")
    assert b'"a ""quoted"", name\r\nin two lines"' in data
    assert rows(data)[0]["product_name"] == name
    assert not data.startswith(b"\xef\xbb\xbf")


def test_without_lines_there_is_a_head() -> None:
    assert written() == (",".join(COLUMNS) + "\r\n").encode()


def test_ends_are_last_days() -> None:
    row = rows(written(samples.typical()))[1]
    assert row["period_start"] == "2026-06-24"
    assert row["period_last_day"] == "2026-06-30"
    assert row["full_period_start"] == "2026-06-01"
    assert row["full_period_last_day"] == "2026-06-30"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d"])
def test_no_text_is_a_formula(start: str) -> None:
    text = start + 'HYPERLINK("http://x.example";"y")'
    line = replace(
        samples.line(1, text, "P", "R", "1.00", samples.JULY),
        product_id=text,
        product_name=text,
        price_id=text,
        price_name=text,
        reverses=samples.LineReference(text, 1),
    )
    buyer = samples.Buyer(customer_id=text, name=text)
    row = rows(written(samples.view(line, number=text, tenant_id=text, buyer=buyer)))[0]
    texts = (
        "tenant_id",
        "number",
        "customer_id",
        "service_id",
        "product_id",
        "product_name",
        "price_id",
        "price_name",
    )
    assert {row[column] for column in texts} == {"'" + text}
    assert row["reverses"] == f"'{text}/1"
    assert {value[:1] for value in row.values()} <= {"'", "", "1", "2", "i", "r", "C", "R"}


def test_numbers_stay_numbers() -> None:
    row = rows(written(samples.credit_note()))[0]
    assert row["amount"] == "-1047.50"
    assert row["unit_amount"] == "1047.50"


def test_an_apostrophe_can_be_taken_away_again() -> None:
    for text in ("=1", "'=1", "plain", "a=1", ""):
        assert guarded(text).removeprefix("'") == text or guarded(text) == text


def test_holds_one_document_at_a_time() -> None:
    """A view is asked for only after the lines of the one before were written."""
    output = io.BytesIO()

    def views() -> Iterator[InvoiceView]:
        for count in range(3):
            assert output.getvalue().count(b"\r\n") == 1 + count
            yield samples.view(samples.line(1, "s", "P", "R", "1.00", samples.JULY))

    assert write_lines(views(), output).lines == 3


def test_the_reference_describes_every_column_in_order() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "documents.md").read_text()
    table = text.partition("| column | holds |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert re.findall(r"`(\w+)`", " ".join(cells)) == list(COLUMNS)
