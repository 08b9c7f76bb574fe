"""`billing demo`: live through half a year of two sellers, on real parts."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from cli.embedded.broker import Preference
from cli.faults import ExitCode
from cli.options import JsonOption

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
Kept = Annotated[Path, typer.Argument(metavar="FOLDER", help="What `billing demo --keep FOLDER` left.")]
Withhold = Annotated[
    str | None,
    typer.Option(
        metavar="TENANT/EVENT_ID",
        help="Leave this fact out of the closing calculation, to see that it notices: exit code 1.",
    ),
]


@app.callback()
def demo(
    context: typer.Context,
    *,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where invoices, lines and summary are written.")
    ] = Path("out"),
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the database there, to look at it afterwards."),
    ] = None,
    broker: Annotated[
        Preference, typer.Option(help="Apache Kafka, the embedded broker, or the best that can be had.")
    ] = "auto",
    withhold: Withhold = None,
    as_json: JsonOption = False,
) -> int:
    """Live through half a year of two sellers: from Kafka to invoices, on servers of its own.

    Exit code 1 where the issued lines are not what was due with hindsight.
    """
    if context.invoked_subcommand is not None:
        return int(ExitCode.FINE)
    from cli.demo.play import Wishes, play
    from cli.demo.terminal import opening, page, show
    from cli.output import console, print_json

    terminal = console(stderr=True) if as_json else page()
    opening(terminal)
    try:
        played = play(Wishes(out, keep, broker, withhold), terminal)
    except KeyboardInterrupt:
        terminal.print("stopped; nothing that the demo started is running any more")
        return int(ExitCode.INTERRUPTED)
    if as_json:
        print_json(played.summary.as_data())
    else:
        show(played, out, keep, terminal)
    return int(ExitCode.FAILED if played.closing.differences else ExitCode.FINE)


@app.command()
def check(folder: Kept, *, withhold: Withhold = None, as_json: JsonOption = False) -> int:
    """Repeat the closing calculation of a kept demo."""
    from cli.demo.again import kept
    from cli.demo.closing import close, read_runs
    from cli.demo.terminal import page, show_check
    from cli.output import print_json

    with kept(folder) as database, database.connect() as connection:
        closing = close(connection, read_runs(folder), withheld=withhold)
    if as_json:
        print_json(closing.as_data())
    else:
        show_check(closing, page())
    return int(ExitCode.FAILED if closing.differences else ExitCode.FINE)


@app.command()
def look(folder: Kept) -> None:
    """Start the database of a kept demo, say how to reach it, and run until Ctrl-C."""
    from cli.demo.again import kept, wait
    from cli.demo.terminal import page, show_settings

    with suppress(KeyboardInterrupt), kept(folder) as database:
        show_settings(database.settings(), page())
        wait()


@app.command()
def stay(
    *,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where settings and an event to try are written.")
    ] = Path("var/run"),
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="Port of the API; another one where somebody has it.")
    ] = 8000,
    broker: Annotated[
        Preference, typer.Option(help="Apache Kafka, the embedded broker, or the best that can be had.")
    ] = "auto",
    as_json: JsonOption = False,
) -> int:
    """Live through the half year, then stay up, with the API, until Ctrl-C."""
    import tempfile

    from cli.demo.staying import stood_up
    from cli.demo.terminal import opening, page, show_standing
    from cli.output import console, print_json

    terminal = console(stderr=True) if as_json else page()
    opening(terminal)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="billing-run-") as data,
            stood_up(Path(data), out, terminal, prefer=broker, port=port) as world,
        ):
            if as_json:
                print_json(world.standing.as_data())
            else:
                show_standing(world.standing, terminal)
            world.wait()
    except KeyboardInterrupt:
        terminal.print("stopped; nothing that it started is running any more")
    return int(ExitCode.FINE)
