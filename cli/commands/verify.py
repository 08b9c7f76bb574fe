"""`billing verify`: prove that no stored fact was altered or left out."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from cli.faults import WrongUseError
from cli.options import JsonOption
from cli.output import print_json, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from ledger.verify import TreeHead, Verified

app = typer.Typer()


@app.command()
def verify(
    *,
    tenant: Annotated[
        str | None, typer.Option("--tenant", metavar="ID", help="One tenant; all of them by default.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect", metavar="SIZE:ROOT", help="What was printed earlier: the ledger must still hold it."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute leaves, columns and root; exit 1 and name the first bad seq where something is wrong."""
    import psycopg

    from ledger.verify import tenants
    from ledger.verify import verify as check

    url = read_settings().database()
    expected = None if expect is None else parse_expected(expect)
    with psycopg.connect(url, autocommit=True) as connection:
        names = tenants(connection) if tenant is None else (tenant,)
    if expected is not None and tenant is None:
        message = f"--expect: {expect!r} is of one tenant; name it with --tenant"
        raise WrongUseError(message)
    results = []
    for name in names:
        with progress(f"verify {name}") as bar:
            results.append(check(lambda: psycopg.connect(url), name, expect=expected, progress=bar))
    if as_json:
        print_json([as_data(result) for result in results])
    else:
        for result in results:
            print_text("\n".join(as_lines(result)))
    if any(result.findings for result in results):
        raise typer.Exit(1)


def parse_expected(text: str) -> "TreeHead":
    """Return the size and root that SIZE:ROOT names. Raises WrongUseError."""
    from ledger.verify import TreeHead

    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        message = f"--expect: {text!r} is no SIZE:ROOT; give the position as it was printed, 12:9f86d0…"
        raise WrongUseError(message)
    return TreeHead(int(found[1]), found[2])


def as_data(result: "Verified") -> dict[str, object]:
    """Return a result as JSON data; findings by seq."""
    return {
        "tenant": result.tenant_id,
        "size": result.size,
        "root": result.tree.root if result.tree else None,
        "fine": not result.findings,
        "findings": [
            {"seq": finding.seq, "reason": finding.reason, "detail": finding.detail}
            for finding in result.findings
        ],
    }


def as_lines(result: "Verified") -> list[str]:
    """Return a result as lines for a person: the position, or the first bad seq and which more there are."""
    position = f"{result.size}:{result.tree.root}" if result.tree else f"{result.size} facts, no root"
    if not result.findings:
        return [f"{result.tenant_id}: fine, {position}"]
    first, *others = result.findings
    lines = [f"{result.tenant_id}: BAD at seq {first.seq}: {first.detail} [{first.reason}]; {position}"]
    if others:
        lines.append(
            f"{result.tenant_id}: {len(others)} more: seq {', '.join(str(one.seq) for one in others[:10])}"
        )
    return lines
