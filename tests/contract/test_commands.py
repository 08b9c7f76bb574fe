"""Every command of the catalogue exists, explains itself and can answer in JSON."""

import pytest
from typer.core import TyperGroup

from cli.catalogue import CATALOGUE, Entry
from cli.main import load

# These print no data of their own: they send, keep running, or write files that they name.
SPEAKS_NO_JSON: frozenset[str] = frozenset()


def leaves(name: str, command) -> dict[str, object]:
    """Return the commands below `command` that do something, by the words that call them."""
    if isinstance(command, TyperGroup):
        return {
            k: v
            for word, child in command.commands.items()
            for k, v in leaves(f"{name} {word}", child).items()
        }
    return {name: command}


def options(command) -> set[str]:
    return {spelling for parameter in command.params for spelling in parameter.opts}


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_command_explains_itself(entry: Entry):
    for name, command in leaves(entry.name, load(entry)).items():
        assert command.help, f"{name} has no help"
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_a_command_that_prints_data_speaks_json(entry: Entry):
    for name, command in leaves(entry.name, load(entry)).items():
        assert ("--json" in options(command)) == (name not in SPEAKS_NO_JSON), name
