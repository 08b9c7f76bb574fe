"""`billing dead-letters`: list, show, re-drive and discard messages that were refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import ExitCode, WrongUseError
from cli.options import JsonOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from psycopg import Connection

    from consumers.dead_letters import DeadLetter, Redriven

app = typer.Typer(no_args_is_help=False)

Identity = Annotated[int, typer.Argument(metavar="ID", help="The dead letter's number, as `list` shows it.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Only those with this reason.")]
Tenant = Annotated[
    str | None, typer.Option("--tenant", metavar="ID", help="Only those that name this tenant.")
]


@app.command("list")
def list_(
    *,
    tenant: Tenant = None,
    reason: Reason = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="Those that were re-driven or discarded, not the open ones.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 100,
    after: Annotated[
        int, typer.Option("--after", metavar="ID", min=0, help="Only those behind this one.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """List refused messages, oldest first."""
    from consumers.dead_letters import OPEN_STATES, STATES, list_letters

    states = [state for state in STATES if (state in OPEN_STATES) != settled]
    with _connected() as connection:
        letters = list_letters(
            connection, states=states, tenant_id=tenant, reason=_known(reason), after=after, limit=limit
        )
    if as_json:
        print_json([_summary(letter) for letter in letters])
        return
    print_table(
        "Dead letters",
        [
            Column("id", "right"),
            Column("state"),
            Column("tenant"),
            Column("from"),
            Column("reason"),
            Column("detail"),
        ],
        [
            (letter.id, letter.state, letter.tenant_id, letter.origin, letter.reason, letter.detail)
            for letter in letters
        ],
    )
    if len(letters) == limit:
        print_text(f"there may be more: --after {letters[-1].id}")


@app.command()
def show(letter_id: Identity, *, as_json: JsonOption = False) -> None:
    """Show one refused message as it was sent, and why it was refused."""
    from consumers.dead_letters import show as read

    with _connected() as connection:
        letter = read(connection, letter_id)
    headers = [(name, _text(value)) for name, value in letter.original_headers()]
    if as_json:
        content = {"key": _text(letter.key), "headers": headers, "value": _text(letter.value)}
        print_json({**_summary(letter), "note": letter.note, **content})
        return
    for name, value in _summary(letter).items():
        print_text(f"{name:>12}: {'' if value is None else value}")
    print_text(f"{'key':>12}: {_text(letter.key) or ''}")
    for name, header in headers:
        print_text(f"{'header':>12}: {name}: {header or ''}")
    print_text()
    print_text(_text(letter.value) or "(no value)")


@app.command()
def redrive(
    letter_ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Which ones.")] = None,
    *,
    all_open: Annotated[
        bool, typer.Option("--all", help="Every open one, narrowed by --tenant and --reason.")
    ] = False,
    tenant: Tenant = None,
    reason: Reason = None,
    as_json: JsonOption = False,
) -> None:
    """Read refused messages again and book them; those refused again stay, and the exit code is 1."""
    from consumers.dead_letters import redrive as drive_again

    if bool(letter_ids) == all_open:
        message = "redrive: say which dead letters, or --all (with --tenant or --reason to narrow it)"
        raise WrongUseError(message)
    settings = read_settings()
    sources, clock = settings.allowed_tenant_sources(), settings.clock
    done: list[Redriven] = []
    with _connected() as connection:
        wanted = _every(connection, tenant, _known(reason)) if all_open else iter(letter_ids or ())
        done.extend(
            drive_again(connection, letter_id, tenant_sources=sources, clock=clock) for letter_id in wanted
        )
    counts = {fate: sum(one.fate == fate for one in done) for fate in ("booked", "duplicate", "refused")}
    if as_json:
        print_json({**counts, "letters": [_outcome(one) for one in done]})
    else:
        for one in done:
            if one.fate == "refused":
                print_text(f"{one.id}: refused again: {one.reason}: {one.detail}")
        print_text(", ".join(f"{number} {fate}" for fate, number in counts.items()))
    if counts["refused"]:
        raise typer.Exit(ExitCode.FAILED.value)


@app.command()
def discard(
    letter_ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Which ones.")],
    *,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; it is kept.")],
    as_json: JsonOption = False,
) -> None:
    """Set refused messages aside for good; they stay counted as rejected, and their facts stay."""
    from consumers.dead_letters import discard as set_aside

    clock = read_settings().clock
    with _connected() as connection:
        for letter_id in letter_ids:
            set_aside(connection, letter_id, note=note, clock=clock)
    if as_json:
        print_json({"discarded": letter_ids})
    else:
        print_text(f"{len(letter_ids)} discarded")


@contextmanager
def _connected() -> "Iterator[Connection[Any]]":
    from consumers.database import connect

    with connect(read_settings().database(), name="billing dead-letters") as connection:
        yield connection


def _every(connection: "Connection[Any]", tenant: str | None, reason: str | None) -> Iterator[int]:
    """Yield the open letters page by page; those refused again are passed once."""
    from consumers.dead_letters import list_letters

    after = 0
    while letters := list_letters(connection, tenant_id=tenant, reason=reason, after=after):
        for letter in letters:
            yield letter.id
        after = letters[-1].id


def _known(reason: str | None) -> str | None:
    from schemas.reasons import Reason as Code

    if reason is not None and reason not in set(Code):
        message = f"--reason: {reason!r} is no reason; write one of {', '.join(Code)}"
        raise WrongUseError(message)
    return reason


def _summary(letter: "DeadLetter") -> dict[str, Any]:
    return {
        "id": letter.id,
        "state": letter.state,
        "tenant": letter.tenant_id,
        "origin": letter.origin,
        "reason": letter.reason,
        "place": letter.place,
        "detail": letter.detail,
        "recorded_at": letter.recorded_at.isoformat(),
    }


def _outcome(one: "Redriven") -> dict[str, Any]:
    return {"id": one.id, "fate": one.fate, "seq": one.seq, "reason": one.reason, "detail": one.detail}


def _text(content: bytes | None) -> str | None:
    """Show bytes as text; what is no UTF-8, and what would move the terminal's cursor, as escapes."""
    if content is None:
        return None
    text = content.decode(errors="backslashreplace")
    return "".join(one if one.isprintable() or one == "\n" else f"\\x{ord(one):02x}" for one in text)
