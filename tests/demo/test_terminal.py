"""What the demo prints: fits the terminal, and says what was found."""

import io
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console

from cli.demo.closing import Closing
from cli.demo.hindsight import Charge, Difference
from cli.demo.play import Played
from cli.demo.summary import (
    DeadLetter,
    IssuedDocument,
    LedgerState,
    NextDocument,
    Oddity,
    Source,
    Summary,
)
from cli.demo.terminal import show, show_check

ROOT = "c0ffee" * 10 + "c0ff"


def document(month, tenant_id, currency, net):
    kind = "credit_note" if net.startswith("-") else "invoice"
    return IssuedDocument(
        tenant_id, "N-1", kind, "c-1", "One", date(2026, month, 2), currency, Decimal(net), 3, "N-1.pdf"
    )


SUMMARY = Summary(
    first_day=date(2026, 3, 1),
    last_day=date(2026, 8, 31),
    seconds=61.5,
    broker="a broker",
    messages=434,
    lifecycle_events={"service.activated": 165, "service.changed": 72},
    sources=(Source("billing.events/0", 300, 290, 7, 3), Source("billing.events/1", 134, 123, 9, 2)),
    documents=(
        document(7, "saentis", "EUR", "1136.00"),
        document(7, "saentis", "EUR", "-20.32"),
        document(8, "harborlight", "USD", "99.50"),
    ),
    preview=(
        NextDocument(
            "saentis", "c-1", "One & [Two]", date(2026, 9, 2), "EUR", Decimal(25), Decimal("12.50"), 1
        ),
    ),
    oddities=(Oddity("saentis", "/orders", "orders-1", "service/lap-1", "code", "was never active"),),
    dead_letters=(DeadLetter("billing.events/0/1", None, "saentis:lap-2", "invalid_json", "x" * 500),),
    ledgers=(LedgerState("saentis", 365, ROOT),),
    charges_checked=210,
    differences=(),
)


def printed(width, kept=None):
    terminal = Console(file=io.StringIO(), width=width)
    show(Played(SUMMARY, (), 943, Closing(210, ())), out="out", kept=kept, terminal=terminal)
    return terminal.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits(width):
    assert max(len(line) for line in printed(width).splitlines()) <= width


@pytest.mark.parametrize(
    "text",
    [
        "Received: 434 = 413 + 16 + 5",
        "1 + 1",
        "1,115.68",
        "99.50",
        "One & [Two] (c-1)",
        "lap-1: was never active",
        "invalid_json",
        ROOT,
        "✓ 210 sums",
        "943",
    ],
)
def test_it_says(text):
    assert text in printed(100)


def test_a_kept_world_is_told_how_to_look_again():
    told = printed(100, kept="kept")
    assert "billing demo look kept" in told
    assert f"billing verify --tenant saentis --expect 365:{ROOT}" in told


def test_differences_are_shown():
    terminal = Console(file=io.StringIO(), width=100)
    charge = Charge("c-105", "lap-0924", "laptop-standard", "rent", "EUR")
    show_check(Closing(210, (Difference(charge, Decimal("67.00"), Decimal("16.68")),)), terminal)
    told = terminal.file.getvalue()
    assert "✗ 1 of 210 sums" in told
    assert "-50.32" in told


def test_the_summary_as_data_has_sums_and_text_amounts():
    data = SUMMARY.as_data()
    assert data["total"] == {"name": "all", "received": 434, "booked": 413, "duplicate": 16, "rejected": 5}
    assert [(month["month"], str(month["net"])) for month in data["months"]] == [
        ("2026-07", "1115.68"),
        ("2026-08", "99.50"),
    ]
    assert b'"net": "1115.68"' in SUMMARY.as_json()
