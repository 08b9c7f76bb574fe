"""The billing handbook is true: each example is a scenario that gives what the page shows."""

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from billing.days import Day
from billing.explanation import arithmetic, days_in_words
from billing.invoice import Draft
from billing.money import format_minor
from cli.simulate.loading import load
from cli.simulate.report import differences
from cli.simulate.run import Outcome, run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "billing.md"
SCENARIOS = sorted((ROOT / "tests" / "scenarios" / "handbook").glob("*.yaml"))
EXAMPLE = re.compile(
    r"^Example: \[(?P<name>[^\]]+)\]\((?P<path>[^)]+)\)\n\n(?P<table>(?:\|.*\n)*)", re.MULTILINE
)
TABLE = re.compile(r"^\|.*$", re.MULTILINE)
AMOUNT = re.compile(r"(?<![\d.])\d+\.\d{2,}(?![\d.])")
HEAD = "| document | line | how it is reckoned | amount |\n| --- | --- | --- | ---: |\n"


@dataclass(frozen=True, slots=True)
class Example:
    """An example of the page: the scenario that it names, and the table under it."""

    name: str
    path: Path
    table: str


@cache
def examples() -> tuple[Example, ...]:
    """Return the examples of the page; REWRITE_GOLDEN=1 writes their tables first, for review by the diff."""
    if os.environ.get("REWRITE_GOLDEN") == "1":
        PAGE.write_text(EXAMPLE.sub(with_table, PAGE.read_text("utf-8")), "utf-8")
    return tuple(
        Example(found["name"], (PAGE.parent / found["path"]).resolve(), found["table"])
        for found in EXAMPLE.finditer(PAGE.read_text("utf-8"))
    )


def with_table(found: re.Match[str]) -> str:
    outcome = run(load((PAGE.parent / found["path"]).resolve()))
    gap = "" if found["table"] else "\n"
    return f"Example: [{found['name']}]({found['path']})\n\n{table(outcome)}{gap}"


def table(outcome: Outcome) -> str:
    """Return what the documents of a scenario charge, line by line, in the words of the product."""
    rows = HEAD
    for number, (document, settlement) in enumerate(
        zip(outcome.documents, outcome.settlements, strict=True), 1
    ):
        place = f"{number}. {title(outcome, document)}"
        for line in document.lines:
            amount = format_minor(line.amount_minor, document.currency)
            words = f"{line.service_id} {line.price_id}".strip()
            rows += f"| {place} | {words} | {arithmetic(line, document.currency)} | {amount} |\n"
            place = ""
        net = format_minor(document.net_minor, document.currency)
        if len(document.lines) > 1:
            rows += f"| | | **in all** | **{net}** |\n"
        for what, amount_minor in (
            ("account credit set off", -settlement.applied),
            ("**amount due**", settlement.amount_due if settlement.applied else 0),
            ("paid out", settlement.paid_out),
            ("left on the account", settlement.carried_forward),
        ):
            if amount_minor:
                rows += f"| | | {what} | {format_minor(amount_minor, document.currency)} |\n"
    return rows.replace("|  |", "| |")


def title(outcome: Outcome, document: Draft) -> str:
    """Return what a document is, and whose and in which currency where a scenario has several."""
    kind = "credit note" if document.net_minor < 0 else "invoice"
    text = f"{kind} of {days_in_words(document.due_for, Day(document.due_for + 1))}"
    if len(outcome.scenario.customers) > 1:
        text += f" to {document.customer_id}"
    if len({each.currency for each in outcome.documents}) > 1:
        text += f" in {document.currency}"
    return text


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_case_gives_what_was_calculated_by_hand(path: Path) -> None:
    outcome = run(load(path))
    assert outcome.scenario.expected is not None
    assert differences(outcome) == ()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_page_shows_what_the_engine_gives(path: Path) -> None:
    shown = [example for example in examples() if example.path == path]
    assert len(shown) == 1, "each case is the example of one place"
    outcome = run(load(path))
    assert shown[0].name == outcome.scenario.name
    assert shown[0].table == table(outcome)


def test_every_example_is_a_case() -> None:
    assert {example.path for example in examples()} == set(SCENARIOS)


def sections() -> list[str]:
    examples()
    return PAGE.read_text("utf-8").split("\n## ")[1:]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.partition("\n")[0])
def test_the_text_has_no_amount_of_its_own(section: str) -> None:
    """An amount in the prose stands in a table beside it, or in the scenario of such a table."""
    paths = [(PAGE.parent / found["path"]).resolve() for found in EXAMPLE.finditer(section)]
    known = {amount for path in paths for amount in AMOUNT.findall(path.read_text("utf-8"))}
    known |= {amount for row in TABLE.findall(section) for amount in AMOUNT.findall(row)}
    assert set(AMOUNT.findall(TABLE.sub("", section))) - known == set()
