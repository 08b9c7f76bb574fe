"""The root of every error that a caller can cause."""

from typing import ClassVar


class LedgerError(Exception):
    """A caller's mistake; `code` is stable and public, the text names the field, the value and the remedy."""

    code: ClassVar[str] = "ledger_error"


class InvalidFactError(LedgerError):
    """A fact that can't be read: a value is missing or malformed."""

    code = "invalid_fact"


class AmountTooLargeError(LedgerError):
    """An amount of more than 18 digits in minor units: a quantity or a unit amount is no real one."""

    code = "amount_too_large"


class InvalidAmountError(LedgerError):
    """A text that is no exact decimal number, or not one that fits here."""

    code = "invalid_amount"
