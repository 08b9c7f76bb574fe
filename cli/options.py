"""Options that several commands share, so that each is spelled, described and checked the same way."""

from datetime import date
from typing import Annotated

import typer

from cli.faults import WrongUseError


def parse_date(text: str, option: str) -> date:
    """Return the date that `text` spells as YYYY-MM-DD. Raises WrongUseError that names `option`."""
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.isoformat() != text:
        message = f"{option}: {text!r} is no date; write it as YYYY-MM-DD, for example 2026-07-02"
        raise WrongUseError(message)
    return parsed


def _date(text: str) -> date:
    try:
        return parse_date(text, "date")
    except WrongUseError as error:
        raise typer.BadParameter(str(error).removeprefix("date: ")) from None


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
TenantOption = Annotated[
    str | None,
    typer.Option("--tenant", metavar="ID", help="The tenant; may be left out where there is only one."),
]
CustomerOption = Annotated[str | None, typer.Option("--customer", metavar="ID", help="One customer only.")]
_DATE = typer.Option("--date", metavar="YYYY-MM-DD", parser=_date, help="The issue date.")
DateOption = Annotated[date, _DATE]
OptionalDateOption = Annotated[date | None, _DATE]
