"""What can go wrong while the demo lives."""

from billing.errors import LedgerError


class ChildDiedError(LedgerError):
    """A process that the demo started ended by itself; the message holds the end of its log."""

    code = "demo_process_died"


class TooLateError(LedgerError):
    """What had to happen did not happen in time; the message says what was waited for, and what was found."""

    code = "demo_too_late"


class SetAsideError(LedgerError):
    """A bill run could not bill a customer; in this world every customer can be billed."""

    code = "demo_customer_set_aside"


class LedgerBrokenError(LedgerError):
    """A ledger that the demo wrote does not verify."""

    code = "demo_ledger_broken"
