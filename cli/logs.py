"""The one place where logs are set up: JSON lines for machines, readable lines on a terminal."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from structlog.processors import EventRenamer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from billing.errors import LedgerError
from ledger.trace import Trace

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor

    from cli.settings import Settings

HIDDEN: Final = "(hidden)"
SECRET_NAMES: Final = re.compile(r"password|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
# A password in an address or a libpq string, and the rows that PostgreSQL quotes in the details of an error.
SECRET_TEXTS: Final = (
    (re.compile(r"(://[^\s/:@]*):[^\s@/]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\s*(DETAIL|CONTEXT|LINE \d+):.*", re.DOTALL), ""),
)
log = logging.getLogger(__name__)


def set_up_logs(
    settings: "Settings", *, command: str, trace: Trace | None = None, in_foreground: bool = False
) -> bool:
    """Let every logger of the process write to stderr, each line with `command` and, if given, the trace.

    The rooms log by the standard library: an event's name, and `extra` for its members. Nothing of the Kafka
    client comes through: what matters of it is raised. `in_foreground`: where somebody looks on, what
    the command prints is enough, and only warnings are written. Returns whether somebody does.
    """
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    standing: EventDict = {"command": command}
    if trace is not None:
        standing["trace_id"] = trace.trace_id

    def stand(_logger: Any, _method: str, event: "EventDict") -> "EventDict":
        return {**standing, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        ExtraAdder(),
        stand,
        drop_colours,
        TimeStamper(fmt="iso", utc=True, key="time"),
        format_exc_info,
        conceal,
    ]
    last: list[Processor] = [ProcessorFormatter.remove_processors_meta]
    if as_json:
        last += [EventRenamer("event"), structlog.processors.JSONRenderer(serializer=_json)]
    else:
        last += [
            for_people,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
                timestamp_key="time",
                sort_keys=False,
            ),
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ProcessorFormatter(processors=last, foreign_pre_chain=shared))
    is_watched = in_foreground and settings.log_format == "auto" and sys.stderr.isatty()
    level = "WARNING" if is_watched and settings.log_level == "INFO" else settings.log_level
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for name in ("weasyprint", "fontTools"):  # they tell each step of each page
        logging.getLogger(name).setLevel(logging.ERROR)
    return is_watched


@contextmanager
def logged(
    settings: "Settings", *, command: str, trace: Trace | None = None, in_foreground: bool = False
) -> Iterator[None]:
    """Set logs up, and log what ends the block: an error with its code, or our own mistake with its place.

    Where somebody looks on, the line that the command ends with says it once.
    """
    is_watched = set_up_logs(settings, command=command, trace=trace, in_foreground=in_foreground)
    try:
        yield
    except LedgerError as error:
        if not is_watched:
            log.error("process.failed", extra={"code": error.code, "error": str(error)})  # noqa: TRY400 - no place in the code helps whoever reads this
        raise
    except Exception:
        if not is_watched:
            log.exception("process.failed")
        raise


def drop_colours(_logger: Any, _method: str, event: "EventDict") -> "EventDict":
    """Leave out the second wording, with escape codes, that the web server brings along for terminals."""
    event.pop("color_message", None)
    return event


def for_people(_logger: Any, _method: str, event: "EventDict") -> "EventDict":
    """Leave out what whoever looks at one terminal knows: the day, the command, the place in our code."""
    event["time"] = event["time"].partition("T")[2][:12]
    for name in ("logger", "command"):
        event.pop(name, None)
    return event


def conceal(_logger: Any, _method: str, event: "EventDict") -> "EventDict":
    """Hide secrets by the names of members, and in texts that may quote an address or a row."""
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, str):
            for pattern, instead in SECRET_TEXTS:
                value = pattern.sub(instead, value)  # noqa: PLW2901 - each pattern works on the last one's text
            event[name] = value
    return event


def _json(event: "EventDict", **_options: Any) -> str:
    return orjson.dumps(event, default=str).decode()
