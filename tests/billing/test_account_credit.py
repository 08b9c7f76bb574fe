"""What a negative document leaves is set off below later totals or paid out, to the cent (BILLING.md §8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.account_credit import ACCOUNT_CREDITS, Settlement, settle

totals = st.lists(st.tuples(st.integers(-10_000, 10_000), st.sampled_from(ACCOUNT_CREDITS)), max_size=12)


@pytest.mark.parametrize(
    ("total", "credit", "policy", "expected"),
    [
        pytest.param(3000, 0, "set_off", Settlement(0, 0, 0, 0, 3000), id="nothing to set off"),
        pytest.param(-2032, 0, "set_off", Settlement(0, 0, 0, 2032, 0), id="a credit note leaves credit"),
        pytest.param(3000, 2032, "set_off", Settlement(2032, 2032, 0, 0, 968), id="all of it is set off"),
        pytest.param(3000, 4500, "set_off", Settlement(4500, 3000, 0, 1500, 0), id="the invoice is covered"),
        pytest.param(-1000, 500, "set_off", Settlement(500, 0, 0, 1500, 0), id="credit adds up"),
        pytest.param(-2032, 0, "pay_out", Settlement(0, 0, 2032, 0, 0), id="a credit note is paid out"),
        pytest.param(1000, 2500, "pay_out", Settlement(2500, 1000, 1500, 0, 0), id="set off, the rest paid"),
        pytest.param(0, 700, "set_off", Settlement(700, 0, 0, 700, 0), id="a total of nothing moves nothing"),
    ],
)
def test_a_settlement(total, credit, policy, expected):
    assert settle(total, credit, policy) == expected


@given(totals)
def test_no_cent_is_lost_and_none_appears(history):
    """What was to be paid, less what was paid out and what is left, is the sum of all totals."""
    credit = paid = 0
    for total, policy in history:
        done = settle(total, credit, policy)
        assert min(done) >= 0
        assert done.brought_forward == credit
        assert not (done.amount_due and done.carried_forward), "nobody pays while there is credit"
        credit = done.carried_forward
        paid += done.amount_due - done.paid_out
    assert paid - credit == sum(total for total, _ in history)


def test_the_members_of_a_document_have_the_currencys_decimals():
    assert settle(100, 30, "set_off").as_data("JPY") == {
        "account_credit": {"brought_forward": "30", "applied": "30", "paid_out": "0", "carried_forward": "0"},
        "amount_due": "70",
    }
