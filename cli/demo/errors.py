"""What can go wrong while the demo lives."""

from billing.errors import LedgerError


class ChildDiedError(LedgerError):
    """A process that the demo started ended by itself; the message holds the end of its log."""

    code = "demo_process_died"


class TooLateError(LedgerError):
    """What had to happen did not happen in time; the message says what was waited for, and what was found."""

    code = "demo_too_late"


class MissingFactError(LedgerError):
    """The fact that was to be withheld is not in any ledger."""

    code = "demo_missing_fact"
