"""The shell of `billing`: what it prints and returns for right and wrong use."""

import subprocess
import sys
import types

import psycopg
import pytest
import typer

from billing.errors import LedgerError
from cli import catalogue, main
from cli.catalogue import CATALOGUE, Entry
from cli.faults import WrongUseError


def command_that(monkeypatch, action):
    """Put one command, `act`, into the catalogue that does `action`."""
    module = types.ModuleType("cli_commands_act")
    module.app = typer.Typer()
    module.app.command()(action)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(main, "CATALOGUE", (Entry("act", module.__name__, "Act."),))


def test_without_a_command_the_list_of_commands_is_shown(capsys):
    assert main.main([]) == 0
    shown = capsys.readouterr().out
    for entry in CATALOGUE:
        assert f"  {entry.name} " in shown


def test_help_imports_no_command_and_no_driver():
    """`billing --help` answers at once because it loads nothing that a command needs."""
    loaded = "import sys; from cli.main import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    modules = set(done.stderr.split())
    assert not [name for name in modules if name.startswith("cli.commands")]
    assert not modules & {"psycopg", "kafka", "pydantic", "pydantic_settings", "weasyprint", "rich"}


def test_unknown_command_is_one_line_and_wrong_use(capsys):
    assert main.main(["migrat"]) == 2
    error = capsys.readouterr().err
    assert error == "billing: No such command 'migrat'. Did you mean 'migrate'?; see: billing --help\n"


def test_a_bad_option_names_the_command_whose_help_explains_it(monkeypatch, capsys):
    def act(count: int = 1):
        pass

    command_that(monkeypatch, act)
    assert main.main(["act", "--count", "many"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("billing: Invalid value for '--count': 'many'")
    assert error.endswith("see: billing act --help\n")
    assert error.count("\n") == 1


class HeadMovedError(LedgerError):
    """A state that a caller must know of."""

    code = "head_moved"


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        pytest.param(WrongUseError("--date: bad"), 2, "--date: bad [wrong_use]", id="wrong use"),
        pytest.param(HeadMovedError("moved\nto 7"), 1, "moved to 7 [head_moved]", id="failed"),
        pytest.param(
            FileNotFoundError(2, "No such file", "x.json"), 2, "file 'x.json': no such file", id="file"
        ),
    ],
)
def test_an_error_is_one_line_with_an_exit_code(monkeypatch, capsys, error, exit_code, line):
    def act():
        raise error

    command_that(monkeypatch, act)
    assert main.main(["act"]) == exit_code
    said = capsys.readouterr().err
    assert said.startswith(f"billing: {line}")
    assert said.count("\n") == 1


def test_our_own_mistake_keeps_its_traceback(monkeypatch):
    def act():
        raise AssertionError("ours")

    command_that(monkeypatch, act)
    with pytest.raises(AssertionError, match="ours"):
        main.main(["act"])


def test_traceback_is_shown_on_request(monkeypatch):
    def act():
        raise WrongUseError("here")

    command_that(monkeypatch, act)
    with pytest.raises(WrongUseError):
        main.main(["--traceback", "act"])


@pytest.mark.parametrize("code", [0, 1, 2])
def test_exit_codes_of_commands_reach_the_shell(monkeypatch, code):
    def act():
        raise typer.Exit(code)

    command_that(monkeypatch, act)
    assert main.main(["act"]) == code


def test_interrupted_is_130(monkeypatch):
    def act():
        raise KeyboardInterrupt

    command_that(monkeypatch, act)
    assert main.main(["act"]) == 130


def test_unreachable_database_is_one_line(monkeypatch, capsys):
    def act():
        psycopg.connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout=2)

    command_that(monkeypatch, act)
    assert main.main(["act"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("billing: DATABASE_URL: no database: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1


def test_names_are_unique():
    names = [entry.name for entry in catalogue.CATALOGUE]
    assert len(names) == len(set(names))


def test_help_of_a_command_is_plain_and_its_own(monkeypatch, capsys):
    def act(count: int = 1):
        """Act."""

    command_that(monkeypatch, act)
    assert main.main(["act", "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: billing act [OPTIONS]\n")
    assert "completion" not in shown
