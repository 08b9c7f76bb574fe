"""`billing simulate`: run scenario files; no database is touched."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.faults import ExitCode
from cli.options import JsonOption
from cli.output import print_json, print_text

app = typer.Typer(rich_markup_mode=None)

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Scenario files, JSON or YAML; or directories of them."),
]
Check = Annotated[
    bool, typer.Option("--check", help="Compare with what the files expect; differences exit 1.")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Say why each line is there, in words for the customer.")
]


@app.command()
def simulate(
    files: Files, *, as_json: JsonOption = False, check: Check = False, explain: Explain = False
) -> None:
    """Live through each scenario and print what it issues; no database is touched."""
    from cli.simulate import explain as explaining
    from cli.simulate.loading import InvalidScenarioError, load, scenario_paths
    from cli.simulate.report import as_data, differences, show
    from cli.simulate.run import run

    worst = ExitCode.FINE
    checked = different = without = 0
    for path in scenario_paths(files):
        try:
            outcome = run(load(path), name=str(path))
        except InvalidScenarioError as error:
            sys.stderr.write(f"{error} [{error.code}]\n")
            worst = ExitCode.WRONG_USE
            continue
        if as_json:
            told = explaining.Stories.of(outcome).told if explain else None
            print_json(as_data(outcome, told))
        elif not check:
            (explaining.show if explain else show)(outcome)
        if not check:
            continue
        checked += 1
        without += outcome.scenario.expected is None
        found = differences(outcome)
        different += bool(found)
        for difference in found:
            (sys.stderr.write if as_json else sys.stdout.write)(f"{path}: {difference}\n")
        if found:
            worst = max(worst, ExitCode.FAILED)
    if check and not as_json:
        silent = f", {without} without anything expected" if without else ""
        print_text(f"{checked} checked, {different} different{silent}")
    raise typer.Exit(int(worst))
