"""A document that takes back another as a whole (BILLING.md §7)."""

from pathlib import Path

from billing.crediting import taken_back
from billing.days import day
from billing.facts import EventRef
from billing.invoice import Draft
from billing.invoiced import Invoiced, InvoicedSpan, apply_lines
from cli.simulate.loading import load
from cli.simulate.run import run

SCENARIO = Path(__file__).parents[1] / "scenarios" / "OWN-01.json"
CAUSE = EventRef("/finance", "credit-1")
(INVOICE, _) = run(load(SCENARIO)).documents


def taken(standing: list[InvoicedSpan]) -> Draft | None:
    return taken_back(standing, CAUSE, customer_id="c1", currency="EUR", issue_day=day("2026-07-15"))


def standing() -> list[InvoicedSpan]:
    return list(apply_lines(Invoiced(), "INV-1", INVOICE.lines).by_service["s1"])


def test_its_lines_take_back_what_stands_in_the_order_of_documents() -> None:
    draft = taken(standing()[::-1])
    assert draft is not None
    assert (draft.customer_id, draft.currency, draft.due_for) == ("c1", "EUR", day("2026-07-15"))
    assert draft.net_minor == -INVOICE.net_minor
    assert [(line.price_id, line.amount_minor, line.reverses) for line in draft.lines] == [
        ("setup", -9900, ("INV-1", 1)),
        ("rent", -700, ("INV-1", 2)),
        ("rent", -3000, ("INV-1", 3)),
    ]
    assert {line.explanation.events for line in draft.lines} == {(CAUSE,)}


def test_there_is_none_where_nothing_stands() -> None:
    assert taken([]) is None
    assert taken([span._replace(amount_minor=0) for span in standing()]) is None
