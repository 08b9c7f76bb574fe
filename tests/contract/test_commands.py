"""Every command of the catalogue exists, explains itself, can answer in JSON, and is in the reference."""

import os

import pytest

from cli.catalogue import CATALOGUE, Entry
from cli.main import load
from tests.contract.commands_page import PAGE, commands, leaves, refreshed

# These print no data of their own: they send, keep running, or write files that they name.
SPEAKS_NO_JSON = frozenset({"demo look", "serve"})


def options(command) -> set[str]:
    return {spelling for parameter in command.params for spelling in parameter.opts}


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_command_explains_itself(entry: Entry):
    for words, command in leaves(entry.name, load(entry)):
        assert command.help, f"{words} has no help"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{words} {parameter.name} has no help"


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_command_that_prints_data_speaks_json(entry: Entry):
    for words, command in leaves(entry.name, load(entry)):
        assert ("--json" in options(command)) == (words not in SPEAKS_NO_JSON), words


def test_every_command_is_in_the_reference_with_its_help():
    """REWRITE_GOLDEN=1 writes the help texts anew; the headings and the prose are written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    missing = [words for words, _ in commands() if f"## `billing {words}`\n" not in text]
    assert missing == []
    fresh = refreshed(text)
    if os.environ.get("REWRITE_GOLDEN") == "1":
        PAGE.write_text(fresh, encoding="utf-8")
    assert text == fresh
