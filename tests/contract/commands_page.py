"""Every command with its help, and the page of the reference that shows it."""

import re
from collections.abc import Iterator
from typing import Final

from typer._click.core import Command, Context
from typer.core import TyperGroup

from cli.catalogue import CATALOGUE
from cli.main import load
from tests.contract.repository import ROOT

PAGE: Final = ROOT / "docs" / "reference" / "commands.md"
WIDTH: Final = 100
BLOCK: Final = re.compile(
    r"^## `billing (?P<words>[a-z -]+)`$(?P<prose>.*?)^```text\n.*?^```$", re.MULTILINE | re.DOTALL
)


def commands() -> Iterator[tuple[str, Command]]:
    """Yield every command that does something, by the words that call it, in the order of the catalogue."""
    for entry in CATALOGUE:
        yield from leaves(entry.name, load(entry))


def help_of(words: str, command: Command) -> str:
    """Return what `--help` prints at a fixed width."""
    context = Context(command, info_name=f"billing {words}", terminal_width=WIDTH, max_content_width=WIDTH)
    return command.get_help(context).strip() + "\n"


def refreshed(text: str) -> str:
    """Return the page with each command's help as it is now; what stands around it stays."""
    known = dict(commands())

    def block(found: re.Match[str]) -> str:
        words = found["words"]
        shown = help_of(words, known[words]) if words in known else f"There is no billing {words}.\n"
        return f"## `billing {words}`{found['prose']}```text\n{shown}```"

    return BLOCK.sub(block, text)


def leaves(words: str, command: Command) -> Iterator[tuple[str, Command]]:
    """Yield the commands below `command` that do something."""
    if not isinstance(command, TyperGroup) or command.invoke_without_command:
        yield words, command
    if isinstance(command, TyperGroup):
        for word, child in command.commands.items():
            yield from leaves(f"{words} {word}", child)
