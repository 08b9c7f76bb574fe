"""The one kind of error that a caller can cause."""

from typing import ClassVar


class LedgerError(Exception):
    """A caller's mistake, or a state of the ledger that a caller must know of; `code` is stable and public."""

    code: ClassVar[str]
