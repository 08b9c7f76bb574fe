"""Turns an error into one line for the person at the shell, and an exit code for the script around it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from billing.errors import LedgerError


class ExitCode(IntEnum):
    """What `billing` tells the shell."""

    FINE = 0
    FAILED = 1
    WRONG_USE = 2
    INTERRUPTED = 130


class WrongUseError(LedgerError):
    """The command was called with what can't be meant; the message names field, value and remedy."""

    code = "wrong_use"


@dataclass(frozen=True, slots=True)
class Fault:
    """One line without a trailing newline, and the exit code that goes with it."""

    line: str
    exit_code: ExitCode


# Errors that the caller mends by calling differently; every other code means that the work failed.
WRONG_USE_CODES: Final = frozenset(
    {
        "wrong_use",
        "tenant_unknown",
        "customer_unknown",
        "price_unknown",
        "adjustment_invalid",
        "adjustment_taken",
        "nothing_to_credit",
        "adjustment_unknown",
        "confirmation_needed",
        "invoice_unknown",
        "issue_date_in_future",
        "issue_date_descends",
        "invalid_scenario",
        "unreadable_lines",
        "dead_letter",
        "dead_letter_settled",
        "read_model_unknown",
        "nothing_projected",
        "as_of_unknown",
        "months_out_of_range",
        "key_unknown",
        "key_expiry",
    }
)
CHECK_ADDRESS: Final = "see that it runs and that the address is right"


def fault(error: BaseException) -> Fault | None:
    """Return the line for `error`, or None where it is our own mistake and deserves its traceback."""
    if isinstance(error, LedgerError):
        wrong = error.code in WRONG_USE_CODES
        return Fault(_one_line(f"{error} [{error.code}]"), ExitCode.WRONG_USE if wrong else ExitCode.FAILED)
    if isinstance(error, OSError) and error.filename is not None:
        return Fault(_file_line(error), ExitCode.WRONG_USE)
    package = type(error).__module__.partition(".")[0]
    if package == "psycopg":
        return _database_fault(error)
    if package == "kafka":
        return _broker_fault(error)
    return None


def _file_line(error: OSError) -> str:
    reason = (error.strerror or type(error).__name__).lower()
    return f"file {error.filename!r}: {reason}; give a path that can be used"


def _database_fault(error: BaseException) -> Fault | None:
    import psycopg

    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return Fault("the database has no ledger tables yet; run: billing migrate", ExitCode.WRONG_USE)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        reason = _one_line(str(error))
        return Fault(f"DATABASE_URL: {reason}; use a role that has this right", ExitCode.FAILED)
    if isinstance(error, psycopg.OperationalError):
        return Fault(f"DATABASE_URL: no database: {_one_line(str(error))}; {CHECK_ADDRESS}", ExitCode.FAILED)
    return None


def _broker_fault(error: BaseException) -> Fault | None:
    import kafka.errors

    if isinstance(error, kafka.errors.KafkaError):
        reason = _one_line(str(error)) or type(error).__name__
        return Fault(f"KAFKA_BOOTSTRAP_SERVERS: no broker: {reason}; {CHECK_ADDRESS}", ExitCode.FAILED)
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
