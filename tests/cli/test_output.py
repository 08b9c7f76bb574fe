"""What commands print, for scripts and for people."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from cli.faults import WrongUseError
from cli.options import parse_date
from cli.output import Column, print_json, print_table, progress


def test_json_is_one_line_with_exact_values(capsys):
    print_json(
        {"net": Decimal("12.30"), "on": date(2026, 7, 2), "at": datetime(2026, 7, 2, tzinfo=UTC), "id": b"\1"}
    )
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert json.loads(text) == {"net": "12.30", "on": "2026-07-02", "at": "2026-07-02T00:00:00Z", "id": "01"}


def test_a_table_shows_text_as_it_is(capsys):
    """Names with brackets are data, not markup; in a pipe a row is one line without padding behind it."""
    long = "a detail that is longer than any terminal is wide: " + "ü" * 300
    columns = [Column("name"), Column("net", "right"), Column("detail")]
    print_table("Customers", columns, [("[bold]Ünal & Söhne", "1.00", long), (None, 2, "")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Customers"
    assert [line for line in lines if "[bold]Ünal & Söhne" in line and line.endswith(long)]
    assert not [line for line in lines if line != line.rstrip() or "\x1b" in line]


def test_progress_leaves_stdout_alone(capsys):
    with progress("customers", total=2) as bar:
        bar(1)
        bar(2, 2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["2026-7-2", "20260702", "2026-02-30", "tomorrow", ""])
def test_a_date_has_one_spelling(text):
    with pytest.raises(WrongUseError, match="--date"):
        parse_date(text, "--date")
