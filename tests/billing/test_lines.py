"""Reconciliation, documents, lines as data and in words (BILLING.md §7)."""

import calendar
from datetime import date

import pytest

from billing.catalog import Catalog, Product
from billing.days import day
from billing.entitlement import Entitled
from billing.explanation import arithmetic, days_in_words
from billing.facts import EventRef
from billing.invoice import assemble
from billing.invoiced import Invoiced, InvoicedSpan, apply_lines
from billing.line import NO_SERVICE, Entered, Explanation, Line, LineRef, Standing
from billing.line_json import canonical_line
from billing.money import exact
from billing.policies import fold_policies
from billing.reconciliation import due_lines, pairs
from ledger.canonical import canonical

TENANT = {
    "source": "x",
    "id": "t",
    "type": "tenant.configured",
    "data": {"tenant_id": "t", "currency": "EUR", "timezone": "UTC"},
}
BOOK, _ = fold_policies([(TENANT, 0)])
CATALOG = Catalog({"p": Product("p", "P", "", "", None, ()), "k": Product("k", "K", "", "", "KWD", ())})
JUNE = ("2026-06-01", "2026-07-01")


def explanation(**changes):
    return Explanation(
        **{
            "events": (EventRef("x", "e1"),),
            "price_source": "catalog",
            "price_version": EventRef("x", "p"),
            "rule": "actual",
            "served_days": 30,
            "full_days": 30,
            "share": (1, 1),
            "numerator": 3000,
            "denominator": 1,
            "rounding": "half_up",
            "invoiced_minor": 0,
            **changes,
        }
    )


def entitled(start="2026-06-01", end="2026-07-01", amount=3000, *, quantity="1", due="2026-06-01", **changes):
    return Entitled(
        **{
            "service_id": "s",
            "customer_id": "c",
            "product_id": "p",
            "price_id": "rent",
            "kind": "recurring",
            "quantity": exact(quantity),
            "unit_amount": exact("30.00"),
            "full_start": day(JUNE[0]),
            "full_end": day(JUNE[1]),
            "start": day(start),
            "end": day(end),
            "amount_minor": amount,
            "due": day(due),
            "explanation": explanation(),
            **changes,
        }
    )


def invoiced(start="2026-06-01", end="2026-07-01", amount=3000, *, quantity="1", line_no=1, **changes):
    return InvoicedSpan(
        **{
            "service_id": "s",
            "product_id": "p",
            "price_id": "rent",
            "kind": "recurring",
            "quantity": exact(quantity),
            "unit_amount": exact("30.00"),
            "full_start": day(JUNE[0]),
            "full_end": day(JUNE[1]),
            "start": day(start),
            "end": day(end),
            "amount_minor": amount,
            "document": "INV-1",
            "line_no": line_no,
            **changes,
        }
    )


def lines(now, then, on="2026-07-02"):
    found = due_lines(
        now, then, customer_id="c", issue_day=day(on), causes_of=lambda _: (EventRef("x", "stop"),)
    )
    return [
        (
            str(line.amount_minor),
            line.period_start - day("2026-06-01") + 1,
            line.period_end - day("2026-06-01") + 1,
            line.reverses and line.reverses.line_no,
            line.adjusts and line.adjusts.line_no,
        )
        for line in found
    ]


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        pytest.param([entitled()], [invoiced()], [], id="same span, same amount: nothing"),
        pytest.param([entitled()], [], [("3000", 1, 31, None, None)], id="nothing invoiced: a charge"),
        pytest.param([], [invoiced()], [("-3000", 1, 31, 1, None)], id="no partner: a reversal"),
        pytest.param(
            [entitled(end="2026-06-11", amount=1000)],
            [invoiced()],
            [("-2000", 11, 31, None, 1)],
            id="the end moved: its days",
        ),
        pytest.param(
            [entitled(start="2026-06-11", amount=2000)],
            [invoiced()],
            [("-1000", 1, 11, None, 1)],
            id="the start moved: its days",
        ),
        pytest.param(
            [entitled(amount=3100)],
            [invoiced()],
            [("100", 1, 31, None, 1)],
            id="only the amount differs: the span",
        ),
        pytest.param(
            [entitled(start="2026-06-05", end="2026-06-20", amount=1500)],
            [invoiced()],
            [("-3000", 1, 31, 1, None), ("1500", 5, 20, None, None)],
            id="both ends moved: reversal and charge",
        ),
        pytest.param(
            [entitled(quantity="2", amount=6000)],
            [invoiced()],
            [("6000", 1, 31, None, None), ("-3000", 1, 31, 1, None)],
            id="another rate: reversal and charge",
        ),
        pytest.param(
            [entitled(start="2026-06-24", amount=700, due="2026-07-24")],
            [invoiced()],
            [],
            id="a partner that is not yet due waits",
        ),
        pytest.param(
            [entitled(customer_id="other")],
            [invoiced()],
            [("-3000", 1, 31, 1, None)],
            id="another customer's span is no partner",
        ),
        pytest.param(
            [entitled(end="2026-06-11", amount=1000), entitled(start="2026-06-15", amount=1600)],
            [invoiced()],
            [("1000", 1, 11, None, None), ("-1400", 1, 15, None, 1)],
            id="the largest overlap is the partner",
        ),
        pytest.param(
            [entitled(end="2026-06-16", amount=1500), entitled(start="2026-06-20", amount=1100)],
            [invoiced()],
            [("-1500", 16, 31, None, 1), ("1100", 20, 31, None, None)],
            id="the largest overlap, not the latest",
        ),
        pytest.param(
            [entitled(start="2026-06-16", amount=1500, due="2026-07-16")],
            [invoiced(end="2026-06-16", amount=1500)],
            [("-1500", 1, 16, 1, None)],
            id="neighbours don't overlap, so nothing waits",
        ),
        pytest.param(
            [entitled(end="2026-06-16", amount=1500)],
            [invoiced(line_no=1), invoiced(line_no=2)],
            [("-1500", 16, 31, None, 1), ("-3000", 1, 31, 2, None)],
            id="of equal overlaps the earlier line",
        ),
    ],
)
def test_entitled_minus_invoiced(now, then, expected):
    assert lines(now, then) == expected


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        pytest.param({"start": "2026-06-24"}, (7, 30), id="recurring"),
        pytest.param(
            {"kind": "one_time", "end": "2026-06-02", "full_start": None, "full_end": None},
            (1, 1),
            id="one-time",
        ),
    ],
)
def test_a_reversal_says_which_days_it_takes_back(changes, days):
    (found,) = due_lines(
        [], [invoiced(**changes)], customer_id="c", issue_day=day("2026-07-02"), causes_of=lambda _: ()
    )
    why = found.explanation
    assert (why.served_days, why.full_days) == days
    assert (why.rule, why.price_source, why.price_version, why.share) == (
        "reversal",
        "invoiced",
        None,
        (0, 1),
    )
    assert (why.numerator, why.denominator, why.rounding, why.invoiced_minor) == (0, 1, "half_up", 3000)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param([], id="no partner"),
        pytest.param([entitled(start="2026-06-05", end="2026-06-20")], id="both ends moved"),
    ],
)
def test_a_reversal_says_what_took_its_line_back(now):
    def causes_of(span):
        return (EventRef("x", f"why line {span.line_no}"),)

    found = due_lines(
        now, [invoiced(line_no=7)], customer_id="c", issue_day=day("2026-07-02"), causes_of=causes_of
    )
    assert found[0].explanation.events == (EventRef("x", "why line 7"),)


def test_what_stands_and_what_it_is_now():
    """Also what is not due yet; not what has no partner (BILLING.md §7)."""
    july = {"full_start": day("2026-07-01"), "full_end": day("2026-08-01")}
    now = [
        entitled(customer_id="other"),
        entitled(end="2026-06-11", amount=1000),
        entitled("2026-07-01", "2026-08-01", due="2026-08-01", **july),
        entitled(price_id="never invoiced"),
    ]
    then = [
        invoiced("2026-07-01", "2026-08-01", line_no=1, **july),
        invoiced(line_no=2),
        invoiced(line_no=3, quantity="2"),
        invoiced(line_no=4, price_id="no longer entitled"),
    ]
    assert list(pairs(now, then, customer_id="c")) == [(now[2], then[0]), (now[1], then[1])]


def line(**changes):
    return Line(
        **{
            "service_id": "s",
            "product_id": "p",
            "price_id": "rent",
            "kind": "recurring",
            "quantity": exact("1"),
            "unit_amount": exact("30.00"),
            "period_start": day("2026-06-24"),
            "period_end": day("2026-07-01"),
            "full_start": day(JUNE[0]),
            "full_end": day(JUNE[1]),
            "amount_minor": 700,
            "reverses": None,
            "adjusts": None,
            "result": None,
            "explanation": explanation(served_days=7, share=(7, 30), numerator=700),
            **changes,
        }
    )


ADJUSTING = line(
    period_start=day("2026-06-11"),
    amount_minor=-2000,
    adjusts=LineRef("INV-1", 1),
    result=Standing(day("2026-06-01"), day("2026-06-11"), 1000),
    explanation=explanation(served_days=10, share=(10, 30), numerator=1000, invoiced_minor=3000),
)
REVERSING = line(
    amount_minor=-700,
    reverses=LineRef("INV-1", 1),
    explanation=explanation(
        rule="reversal", share=(0, 1), numerator=0, invoiced_minor=700, price_version=None
    ),
)
ONCE = line(
    kind="one_time",
    price_id="setup",
    quantity=exact("2.50"),
    full_start=None,
    full_end=None,
    period_end=day("2026-06-25"),
    amount_minor=7500,
    explanation=explanation(rule="one_time", served_days=1, full_days=1, numerator=7500),
)
BY_HAND = line(
    service_id=NO_SERVICE,
    product_id="",
    kind="adjustment",
    full_start=None,
    full_end=None,
    explanation=explanation(
        rule="one_time",
        price_source="adjustment",
        entered=Entered("Goodwill", "late delivery", "ann"),
        charged_from=day("2026-06-24"),
    ),
)


@pytest.mark.parametrize(
    "item",
    [line(), ADJUSTING, REVERSING, ONCE, BY_HAND],
    ids=["charge", "adjust", "reverse", "once", "by hand"],
)
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_a_line_survives_the_wire(item, currency):
    """Whatever the decimals of its currency are; its canonical form says the same."""
    data = item.as_data(currency)
    assert Line.from_data(data, currency) == item
    assert canonical_line(item, currency) == canonical(data)


def test_the_data_of_a_line_by_hand():
    """What it lacks is null; what was said of it, and from when it is charged, stands in its explanation."""
    data = BY_HAND.as_data("EUR")
    assert [data[name] for name in ("service_id", "product_id", "full_start", "full_end")] == [None] * 4
    assert data["explanation"]["entered"] == {"text": "Goodwill", "reason": "late delivery", "author": "ann"}
    assert data["explanation"]["charged_from"] == "2026-06-24"
    assert {"entered", "charged_from"}.isdisjoint(ONCE.as_data("EUR")["explanation"])


def test_the_data_of_a_correction():
    data = ADJUSTING.as_data("EUR")
    assert data["amount"] == "-20.00"
    assert data["adjusts"] == {"document": "INV-1", "line": 1}
    assert data["result"] == {"period_start": "2026-06-01", "period_end": "2026-06-11", "amount": "10.00"}
    assert data["explanation"]["exact_minor"] == "1000/1"
    assert data["explanation"]["invoiced"] == "30.00"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (line(), "7 of 30 days (24–30 Jun 2026) × 30.00 = 7.00"),  # noqa: RUF001
        (ONCE, "once (24 Jun 2026) × 2.50 × 30.00 = 75.00"),  # noqa: RUF001
        (REVERSING, "takes back line 1 of INV-1: -7.00"),
        (ADJUSTING, "10 of 30 days (1–10 Jun 2026) × 30.00 = 10.00, invoiced before 30.00: -20.00"),  # noqa: RUF001
        (
            line(explanation=explanation(served_days=7, rule="none")),
            "the whole period, not prorated (24–30 Jun 2026) × 30.00 = 7.00",  # noqa: RUF001
        ),
        (
            line(explanation=explanation(served_days=7, rule="fixed_30", share=(7, 30))),
            "7 of 30 days by months of 30 days (24–30 Jun 2026) × 30.00 = 7.00",  # noqa: RUF001
        ),
        (
            line(explanation=explanation(served_days=30, full_days=31, rule="fixed_30")),
            "a full period by months of 30 days (24–30 Jun 2026) × 30.00 = 7.00",  # noqa: RUF001
        ),
        (
            line(explanation=explanation()),
            "the full period (24–30 Jun 2026) × 30.00 = 7.00",  # noqa: RUF001
        ),
    ],
)
def test_the_arithmetic_in_words(item, words):
    assert arithmetic(item, "EUR") == words


def test_the_arithmetic_has_the_decimals_of_its_currency():
    words = "10 of 30 days (1–10 Jun 2026) × 30.00 = 1000, invoiced before 3000: -2000"  # noqa: RUF001
    assert arithmetic(ADJUSTING, "JPY") == words
    assert arithmetic(REVERSING, "KWD") == "takes back line 1 of INV-1: -0.700"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-06-24", "2026-06-25", "24 Jun 2026"),
        ("2026-06-24", "2026-07-01", "24–30 Jun 2026"),  # noqa: RUF001
        ("2026-06-24", "2026-07-02", "24 Jun – 1 Jul 2026"),  # noqa: RUF001
        ("2026-12-24", "2027-01-02", "24 Dec 2026 – 1 Jan 2027"),  # noqa: RUF001
    ],
)
def test_days_in_words(start, end, words):
    assert days_in_words(day(start), day(end)) == words


def test_months_in_words():
    """As `strftime` has them where nobody chose another language."""
    firsts = [date(2026, month, 1) for month in range(1, 13)]
    words = [days_in_words(day(first.isoformat()), day(first.replace(day=2).isoformat())) for first in firsts]
    assert words == [f"1 {month} 2026" for month in calendar.month_abbr if month]


def test_invoiced_is_folded_from_lines_alone():
    state = apply_lines(Invoiced(), "INV-1", [line(), ONCE])
    state = apply_lines(state, "INV-2", [line(service_id="t")], first_line_no=501)
    moved = line(
        amount_minor=300,
        adjusts=LineRef("INV-1", 1),
        result=Standing(day("2026-06-21"), day("2026-07-01"), 1000),
    )
    state = apply_lines(state, "INV-3", [moved, line(reverses=LineRef("INV-1", 2), amount_minor=-7500)])
    (span,) = state.by_service["s"]
    assert (span.document, span.line_no, span.start, span.amount_minor) == (
        "INV-1",
        1,
        day("2026-06-21"),
        1000,
    )
    assert [(span.document, span.line_no) for span in state.by_service["t"]] == [("INV-2", 501)]


def test_documents_by_currency_and_their_order():
    given = [
        line(service_id="s2"),
        line(period_start=day("2026-06-01"), amount_minor=1),
        REVERSING,
        line(),
        ONCE,
        line(product_id="k"),
    ]
    eur, kwd = assemble("c", day("2026-07-02"), given, CATALOG, BOOK)
    assert (eur.currency, kwd.currency, kwd.net_minor) == ("EUR", "KWD", 700)
    assert [item.amount_minor for item in eur.lines] == [7500, 1, -700, 700, 700]
    assert eur.lines[-1].service_id == "s2"
    assert eur.net_minor == sum(item.amount_minor for item in eur.lines)


def test_a_document_of_nothing_but_zeros_waits():
    zero = line(amount_minor=0)
    assert assemble("c", day("2026-07-02"), [zero], CATALOG, BOOK) == ()
    (draft,) = assemble("c", day("2026-07-02"), [zero, line(), REVERSING], CATALOG, BOOK)
    assert (draft.net_minor, len(draft.lines)) == (0, 3)
