"""What callers' mistakes are called. Programs go by the code; the words may change."""

import pytest

from billing.errors import InvalidAmountError, InvalidFactError, LedgerError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LedgerError, "ledger_error"),
        (InvalidFactError, "invalid_fact"),
        (InvalidAmountError, "invalid_amount"),
    ],
)
def test_a_code_never_changes(error: type[LedgerError], code: str) -> None:
    assert error.code == code
