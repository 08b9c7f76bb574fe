"""The `billing` command: runs one command, and turns errors into one line and an exit code."""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer
from typer._click.core import Command, Context
from typer._click.exceptions import ClickException, UsageError
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from cli.catalogue import CATALOGUE, Entry
from cli.faults import ExitCode, fault

COMPLETION: Final = frozenset({"install_completion", "show_completion"})
"""Options that typer gives to whatever is run alone; here they would stand under each command."""


class LazyGroup(TyperGroup):
    """Lists every command of the catalogue; imports the one that is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for entry in CATALOGUE:
            self.add_command(TyperCommand(entry.name, help=entry.summary, rich_markup_mode=None))

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the called command, loaded, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        for entry in CATALOGUE:
            if entry.name == name:
                return name, load(entry), rest
        return name, command, rest


def load(entry: Entry) -> Command:
    """Import the module of a command and return what `billing` runs for it."""
    module = importlib.import_module(entry.module)
    command = get_command(module.app)
    command.name = entry.name
    command.params = [parameter for parameter in command.params if parameter.name not in COMPLETION]
    return _plain(command)


def _plain(command: Command) -> Command:
    """Return `command` with help as plain text, which reads well in a pipe and in a narrow terminal."""
    if isinstance(command, TyperCommand | TyperGroup):
        command.rich_markup_mode = None
    if isinstance(command, TyperGroup):
        for child in command.commands.values():
            _plain(child)
    return command


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if wanted:
        from importlib.metadata import version

        typer.echo(f"billing {version('billing-ledger')}")
        raise typer.Exit


app = typer.Typer(
    name="billing",
    cls=LazyGroup,
    help="An event-sourced billing ledger: service lifecycle events in, explainable invoices out.",
    epilog="Exit codes: 0 fine, 1 failed or different, 2 wrong use. Settings: docs/reference/settings.md.",
    add_completion=False,
    no_args_is_help=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def billing(
    context: typer.Context,
    *,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="On an error, show where in the code it was raised.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run without a command: the list of commands."""
    context.obj = {"traceback": traceback}
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `billing` with `arguments` (default: the shell's) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = get_command(app).main(given, prog_name="billing", standalone_mode=False)
    except UsageError as error:
        return _say(_usage_line(error), ExitCode.WRONG_USE)
    except ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except typer.Abort:
        return _say("stopped", ExitCode.FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.FAILED
    except Exception as error:
        found = fault(error)
        if found is None or "--traceback" in given:
            raise
        return _say(found.line, found.exit_code)
    return int(result) if type(result) in (int, ExitCode) else ExitCode.FINE


def _usage_line(error: UsageError) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    refused = getattr(error.__cause__, "errors", None)  # a pydantic ValidationError: it knows the value
    given = f"{refused()[0]['input']!r}: " if refused is not None else ""
    path = error.ctx.command_path if error.ctx is not None else "billing"
    return f"{message.replace(': ', f': {given}', 1)}; see: {path} --help"


def _say(line: str, exit_code: int) -> int:
    print(f"billing: {line}", file=sys.stderr)  # noqa: T201 - the one place that speaks to stderr
    return exit_code
