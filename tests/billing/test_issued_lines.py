"""Whole lines, each with its explanation, as they travel; people read them, in tests/billing/golden."""

import json
import os
from pathlib import Path

from cli.simulate.loading import load
from cli.simulate.run import run

SCENARIOS = Path(__file__).parents[1] / "scenarios"
GOLDEN = Path(__file__).parent / "golden" / "lines.jsonl"
CASES = [
    "OWN-01.json",
    *(
        f"handbook/{name}.yaml"
        for name in (
            "adjustment-corrected",
            "adjustment-withdrawn",
            "handover",
            "in-arrears",
            "late-start",
            "no-credit-on-stop",
            "own-prices",
            "part-of-a-month",
            "past-billed-elsewhere",
            "price-change",
            "suspension",
            "two-currencies",
            "whole-invoice",
            "wrong-product",
        )
    ),
]


def test_the_lines_are_those_that_were_read() -> None:
    """REWRITE_GOLDEN=1 writes them anew, for review by the diff."""
    text = ""
    for case in CASES:
        for place, document in enumerate(run(load(SCENARIOS / case)).documents, 1):
            for line in document.lines:
                data = line.as_data(document.currency)
                text += f"{case} {place} {document.currency} {json.dumps(data, sort_keys=True)}\n"
    if os.environ.get("REWRITE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
