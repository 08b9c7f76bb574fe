"""Code in the documentation works: events are valid, scenarios give what they say, commands exist."""

import json
import re
import shlex

import pytest
import yaml
from typer.core import TyperGroup

from cli.catalogue import CATALOGUE
from cli.main import load, main
from schemas.reading import Unreadable, read_event
from tests.contract.repository import ROOT, blocks

COMMANDS = {entry.name: entry for entry in CATALOGUE}
TARGETS = {
    "help",
    "setup",
    "fmt",
    "check",
    "check-deep",
    "test",
    "mutants",
    "bench",
    "demo",
    "run",
    "schemas",
    "lock",
}
CALL = re.compile(r"(?:[A-Z_]+=\S*\s+)*(?:\S*/)?(?:billing|make)\b")
"""A line that may be one of many of a command of others begins otherwise."""
OUR_OWN = "urn:billing-ledger"


def by_place(found):
    return [pytest.param(block, id=block.place) for block in found]


def events():
    return [block for block in blocks("json") if '"specversion"' in block.text]


def scenarios():
    return [block for block in blocks("yaml") if block.text.startswith("scenario:")]


def command_lines():
    """Return the lines of shell blocks that call `billing` or `make`; output and comments are left out."""
    for block in blocks("sh", "console"):
        for number, line in enumerate(block.text.splitlines(), block.line + 1):
            prompted = line.removeprefix("$ ") if block.language == "console" else line
            if not CALL.match(prompted):
                continue
            words = shlex.split(prompted, comments=True) if prompted != line or block.language == "sh" else []
            while words and "=" in words[0]:
                words.pop(0)
            if words and words[0].rpartition("/")[2] in {"billing", "make"}:
                place = f"{block.path.relative_to(ROOT)}:{number}"
                yield pytest.param([words[0].rpartition("/")[2], *words[1:]], id=place)


@pytest.mark.parametrize("block", by_place(events()))
def test_an_event_in_the_docs_is_valid(block):
    event = json.loads(block.text)
    read = read_event(block.text.encode())
    assert not isinstance(read, Unreadable), read.detail
    assert event["source"] != OUR_OWN


@pytest.mark.parametrize("block", by_place(blocks("json")))
def test_json_in_the_docs_is_json(block):
    json.loads(block.text)


@pytest.mark.parametrize("block", by_place(scenarios()))
def test_a_scenario_in_the_docs_gives_what_it_says(block, tmp_path, capsys):
    assert yaml.safe_load(block.text)["expected"]["invoices"]
    path = tmp_path / "scenario.yaml"
    path.write_text(block.text)
    assert main(["simulate", "--check", str(path)]) == 0, capsys.readouterr()


@pytest.mark.parametrize("words", list(command_lines()))
def test_a_command_in_the_docs_exists(words):
    program, *arguments = words
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= TARGETS
        return
    arguments = [word for word in arguments if word not in {"--traceback", "--version", "--help"}]
    if not arguments:
        return
    command = load(COMMANDS[arguments.pop(0)])
    while isinstance(command, TyperGroup) and not (command.invoke_without_command and arguments[0][0] == "-"):
        command = command.commands[arguments.pop(0)]
    known = {
        spelling for parameter in command.params for spelling in (*parameter.opts, *parameter.secondary_opts)
    }
    given = {word.partition("=")[0] for word in arguments if word.startswith("-") and word != "-"}
    assert given <= known


def test_the_docs_have_something_to_run():
    """The tests above find their blocks by their language: a typing mistake must not leave them empty."""
    assert events()
    assert scenarios()
    assert list(command_lines())
