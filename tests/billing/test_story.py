"""What `billing simulate --explain` tells the customer; people read the texts, in tests/billing/golden."""

import json
import os
from pathlib import Path

import pytest

from billing.line import Line
from cli.main import main
from cli.simulate.loading import load
from cli.simulate.run import run

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "explain.txt"
CASES = [
    "OWN-01.json",
    *(
        f"handbook/{name}.yaml"
        for name in (
            "one-time-prices",
            "past-billed-elsewhere",
            "part-of-a-month",
            "whole-periods",
            "rounding",
            "late-start",
            "wrong-product",
            "corrected-stop",
            "price-change",
            "own-prices",
            "quantity-zero",
            "handover",
            "suspension",
            "return",
            "two-currencies",
            "goodwill-credit",
            "adjustment-withdrawn",
            "credit-paid-out",
            "whole-invoice",
            "stop-without-start",
            "stop-day-billed",
            "no-credit-on-stop",
            "rounded-once",
            "longer-intervals",
            "weeks",
            "plan-that-slips",
            "never-happened",
            "credit-from-the-invoice",
        )
    ),
    "corners/stop-gives-nothing-back.yaml",
]


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["simulate", "--explain", *words]) == 0
    return capsys.readouterr().out


def test_the_words_are_those_that_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    """REWRITE_GOLDEN=1 writes them anew, for review by the diff."""
    paths = [str(ROOT / "tests" / "scenarios" / case) for case in CASES]
    text = "\n\n".join(explained(capsys, path) for path in paths)
    if os.environ.get("REWRITE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "scenarios").glob("*.json")), ids=lambda p: p.stem)
def test_every_line_says_its_amount(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The amount of a line, or of what stands after it, is in its words; other members stay as they are."""
    told = json.loads(explained(capsys, "--json", str(path)))
    main(["simulate", "--json", str(path)])
    plain = json.loads(capsys.readouterr().out)
    for invoice in told["invoices"]:
        for line in invoice["lines"]:
            words = " ".join(line.pop("words"))
            shown = {line["amount"], line["amount"].lstrip("-")}
            assert any(text in words for text in shown), (line, words)
    assert told == plain


def test_no_line_is_wider_than_a_letter(capsys: pytest.CaptureFixture[str]) -> None:
    """Sentences wrap in any terminal; none runs on for ever."""
    text = GOLDEN.read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) < 200


def test_a_backdated_start_stands_in_the_explanation() -> None:
    """On the first line that it shortens, and on no other (BILLING.md §2)."""
    outcome = run(load(ROOT / "tests" / "scenarios" / "handbook" / "past-billed-elsewhere.yaml"))
    lines = [line.as_data("EUR") for document in outcome.documents for line in document.lines]
    shown = [(line["period_start"], line["explanation"].get("charged_from")) for line in lines]
    assert shown == [
        ("2026-07-15", "2026-07-15"),
        ("2026-08-01", None),
        ("2026-06-01", None),
        ("2026-07-15", "2026-07-15"),
        ("2026-08-01", None),
    ]
    assert [Line.from_data(line, "EUR") for line in lines] == [
        line for document in outcome.documents for line in document.lines
    ]
