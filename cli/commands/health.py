"""`billing health`: ask a running process whether it is well, from beside it."""

import json
import urllib.error
import urllib.request
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from cli.faults import ExitCode, WrongUseError
from cli.options import JsonOption
from cli.output import print_json, print_text
from cli.settings import Settings, read_settings

app = typer.Typer()
PATIENCE_SECONDS: Final = 5.0
ANYWHERE: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to


@app.command()
def health(
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="What to ask; default: /health on BILLING_METRICS_PORT."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Exit with 0 where the process answers that it is well, else with 1."""
    asked = url or _own(read_settings())
    if urlsplit(asked).scheme not in {"http", "https"}:
        message = f"--url: {asked!r} is no http address; write for example http://127.0.0.1:8080/health/ready"
        raise WrongUseError(message)
    is_well, said = ask(asked)
    if as_json:
        print_json({"url": asked, "is_well": is_well, "said": said})
    else:
        print_text(f"{'well' if is_well else 'NOT WELL'}: {asked}: {said}")
    if not is_well:
        raise typer.Exit(ExitCode.FAILED)


def ask(url: str) -> tuple[bool, str]:
    """Return whether `url` answers with 2xx, and what it says or why it does not."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - http, checked
            return True, _status(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return False, f"{error.code}: {_status(error.read())}"
    except OSError as error:
        return False, " ".join(str(getattr(error, "reason", error)).split())


def _own(settings: Settings) -> str:
    if settings.metrics_port is None:
        message = "BILLING_METRICS_PORT is not set; set it as the process has it, or give --url"
        raise WrongUseError(message)
    host = "127.0.0.1" if settings.metrics_address in ANYWHERE else settings.metrics_address
    return f"http://{host}:{settings.metrics_port}/health"


def _status(body: bytes) -> str:
    try:
        return str(json.loads(body)["status"])
    except (ValueError, KeyError, TypeError):
        return "(no status)"
