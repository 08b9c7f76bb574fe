"""Account credit: what a negative document leaves, set off below later totals (BILLING.md §8)."""

from typing import Any, Literal, NamedTuple, get_args

from billing.money import format_minor

AccountCredit = Literal["set_off", "pay_out"]
ACCOUNT_CREDITS: tuple[AccountCredit, ...] = get_args(AccountCredit)


class Settlement(NamedTuple):
    """What stands below the total of a document, in minor units of its currency; never negative.

    `brought_forward` plus what a negative total adds equals `applied` plus `paid_out` plus `carried_forward`.
    """

    brought_forward: int  # the account's credit before the document
    applied: int  # of it, set off against the total
    paid_out: int  # to be paid to the customer
    carried_forward: int  # the account's credit from here on
    amount_due: int  # what the customer has to pay

    def as_data(self, currency: str) -> dict[str, Any]:
        """Return the members `account_credit` and `amount_due` of a document."""
        return {
            "account_credit": {
                "brought_forward": format_minor(self.brought_forward, currency),
                "applied": format_minor(self.applied, currency),
                "paid_out": format_minor(self.paid_out, currency),
                "carried_forward": format_minor(self.carried_forward, currency),
            },
            "amount_due": format_minor(self.amount_due, currency),
        }


def settle(total_minor: int, credit_minor: int, account_credit: AccountCredit) -> Settlement:
    """Return how a document's total and the account's credit settle each other.

    A positive total takes as much of the credit as there is; what is left of it, with what a negative total
    adds, stays on the account, or is paid out where the policy says so. The total itself never changes.
    """
    assert credit_minor >= 0, credit_minor
    applied = min(max(total_minor, 0), credit_minor)
    left = credit_minor + max(-total_minor, 0) - applied
    paid_out = left if account_credit == "pay_out" else 0
    return Settlement(credit_minor, applied, paid_out, left - paid_out, max(total_minor, 0) - applied)
