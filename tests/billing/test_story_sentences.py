"""Each sentence that the customer is told, on a line made for it; whole stories are in test_story.py."""

# ruff: noqa: RUF001 - people read dashes and multiplication signs

import pytest

from billing.days import day
from billing.facts import EventRef
from billing.line import Entered, Line, LineRef, Standing
from billing.money import exact
from billing.story import Happening, PriceWords, story
from tests.billing.test_lines import ADJUSTING, ONCE, REVERSING, explanation, line

MONTHLY = PriceWords("Rent", "month", None)
ONE_TIME = PriceWords("Setup", None, None)
LIST_PRICE = "This is the list price."
WHOLE_JUNE = {"period_start": day("2026-06-01"), "explanation": explanation()}


def happened(kind: str, on: str, **more: object) -> Happening:
    return Happening(f"service.{kind}", day(on), **more)  # type: ignore[arg-type]


def told(
    item: Line,
    *happenings: Happening,
    currency: str = "EUR",
    price: PriceWords | None = MONTHLY,
) -> tuple[str, ...]:
    """Tell a line that names an event for each happening, and one that nobody knows."""
    refs = [EventRef("x", f"e{place}") for place, _ in enumerate(happenings)]
    why = item.explanation._replace(events=(*refs, EventRef("x", "not known")))
    return story(
        item._replace(explanation=why),
        currency,
        happenings=dict(zip(refs, happenings, strict=True)),
        price=price,
        called=lambda number: f"invoice {number}",
    )


@pytest.mark.parametrize(
    ("happenings", "words"),
    [
        ([happened("scheduled", "2026-06-24")], "Planned for 24 Jun 2026."),
        ([happened("activated", "2026-06-24")], "Went live on 24 Jun 2026."),
        ([happened("changed", "2026-06-24")], "Changed on 24 Jun 2026."),
        ([happened("suspended", "2026-06-24")], "Suspended from 24 Jun 2026."),
        ([happened("resumed", "2026-06-24")], "In use again from 24 Jun 2026."),
        ([happened("deactivated", "2026-06-24")], "Stopped on 24 Jun 2026."),
        ([happened("returned", "2026-06-24")], "Returned on 24 Jun 2026."),
        ([happened("voided", "2026-06-24")], "A mistaken message was withdrawn."),
        (
            [happened("changed", "2026-06-24", says=("quantity 5", "to c2"))],
            "Changed on 24 Jun 2026 (quantity 5, to c2).",
        ),
        (
            [happened("activated", "2026-06-24", heard=day("2026-06-25"))],
            "Went live on 24 Jun 2026, of which we heard on 25 Jun 2026.",
        ),
        ([happened("activated", "2026-06-24", heard=day("2026-06-24"))], "Went live on 24 Jun 2026."),
        (
            [
                happened("suspended", "2026-06-29"),
                happened("painted", "2026-06-28"),
                happened("activated", "2026-06-24"),
            ],
            "Went live on 24 Jun 2026; suspended from 29 Jun 2026.",
        ),
    ],
)
def test_what_happened(happenings: list[Happening], words: str) -> None:
    """In the order of the days; what is not known, or is of another kind, is left out."""
    assert told(line(), *happenings)[0] == words


@pytest.mark.parametrize(
    ("item", "price", "words"),
    [
        (line(), None, "24–30 Jun 2026 is 7 of 30 days: 30.00 × 7/30 = 7.00."),
        (
            line(quantity=exact("2"), amount_minor=1400),
            MONTHLY,
            "24–30 Jun 2026 is 7 of 30 days: 2 × 30.00 a month × 7/30 = 14.00.",
        ),
        (line(**WHOLE_JUNE, amount_minor=3000), MONTHLY, "1–30 Jun 2026 is a whole period: 30.00 a month."),
        (
            line(**WHOLE_JUNE, amount_minor=6000, quantity=exact("2")),
            MONTHLY,
            "1–30 Jun 2026 is a whole period: 2 × 30.00 a month = 60.00.",
        ),
        (
            line(**WHOLE_JUNE, amount_minor=3000, quantity=exact("1.0")),
            MONTHLY,
            "1–30 Jun 2026 is a whole period: 1.0 × 30.00 a month = 30.00.",
        ),
        (
            line(**WHOLE_JUNE, amount_minor=3000, unit_amount=exact("30")),
            MONTHLY,
            "1–30 Jun 2026 is a whole period: 30 a month = 30.00.",
        ),
        (
            line(explanation=explanation(rule="none")),
            PriceWords("Rent", "year", None),
            "30.00 a year = 7.00: this price is not shared out by days; 24–30 Jun 2026 costs a whole period.",
        ),
        (
            line(explanation=explanation(rule="none"), amount_minor=3000),
            PriceWords("Rent", "half_year", None),
            "30.00 a half-year: this price is not shared out by days; 24–30 Jun 2026 costs a whole period.",
        ),
        (ONCE, ONE_TIME, "Charged once: 2.50 × 30.00 = 75.00."),
        (ONCE._replace(quantity=exact("1"), amount_minor=3000), ONE_TIME, "Charged once: 30.00."),
        (
            line(),
            PriceWords("R", "week", None),
            "24–30 Jun 2026 is 7 of 30 days: 30.00 a week × 7/30 = 7.00.",
        ),
        (
            line(),
            PriceWords("R", "quarter", None),
            "24–30 Jun 2026 is 7 of 30 days: 30.00 a quarter × 7/30 = 7.00.",
        ),
    ],
)
def test_the_reckoning(item: Line, price: PriceWords | None, words: str) -> None:
    assert told(item, price=price) == (words, LIST_PRICE)


@pytest.mark.parametrize(
    ("currency", "amount_minor", "fraction", "rounding", "words"),
    [
        ("EUR", 968, (30000, 31), "half_up", "9.6774…, rounded to the nearest, a half up: 9.68"),
        ("EUR", 12, (25, 2), "half_even", "0.1250, rounded to the nearest, a half to the even figure: 0.12"),
        ("EUR", 967, (30000, 31), "down", "9.6774…, rounded down: 9.67"),
        ("EUR", -13, (-25, 2), "half_up", "-0.1250, rounded to the nearest, a half up: -0.13"),
        ("EUR", 0, (1, 3), "down", "0.0033…, rounded down: 0.00"),
        ("JPY", 10, (300, 31), "half_up", "9.67…, rounded to the nearest, a half up: 10"),
        ("KWD", 9677, (300000, 31), "half_up", "9.67741…, rounded to the nearest, a half up: 9.677"),
        ("EUR", 700, (700, 1), "half_up", "7.00"),
    ],
)
def test_what_an_amount_was_before_it_was_rounded(
    currency: str, amount_minor: int, fraction: tuple[int, int], rounding: str, words: str
) -> None:
    """Two figures more than the currency has, and dots where more would follow."""
    why = explanation(share=(7, 30), numerator=fraction[0], denominator=fraction[1], rounding=rounding)
    (reckoned, _) = told(line(amount_minor=amount_minor, explanation=why), currency=currency)
    assert reckoned == f"24–30 Jun 2026 is 7 of 30 days: 30.00 a month × 7/30 = {words}."


def test_a_whole_period_may_have_to_be_rounded() -> None:
    why = explanation(numerator=21, denominator=2)
    whole = line(**WHOLE_JUNE, amount_minor=11, unit_amount=exact("10.5"))._replace(explanation=why)
    assert told(whole, currency="JPY")[0] == (
        "1–30 Jun 2026 is a whole period: 10.5 a month = 10.50, rounded to the nearest, a half up: 11."
    )


@pytest.mark.parametrize(
    ("rule", "served", "words"),
    [
        ("actual", (7, 30), []),
        ("fixed_30", (7, 30), ["Every month counts as 30 days, however long it is."]),
        ("thirty_360", (7, 30), ["Every month counts as 30 days, and its 31st as the 30th."]),
        ("fixed_30", (1, 1), []),
        ("thirty_360", (1, 1), []),
    ],
)
def test_how_a_part_of_a_period_is_counted(rule: str, served: tuple[int, int], words: list[str]) -> None:
    """A whole period is one, however its days are counted."""
    _, *more = told(line(explanation=explanation(rule=rule, share=served)))
    assert more == [*words, LIST_PRICE]


@pytest.mark.parametrize(
    ("source", "since", "words"),
    [
        ("catalog", None, [LIST_PRICE]),
        ("catalog", "2026-05-01", ["This is the list price, valid from 1 May 2026."]),
        ("customer price", None, ["This is the price agreed with you."]),
        ("customer price", "2026-05-01", ["This is the price agreed with you, valid from 1 May 2026."]),
        ("own price", "2026-05-01", ["This is the price agreed for this service."]),
        ("invoiced", "2026-05-01", []),
    ],
)
def test_whose_price_it_is(source: str, since: str | None, words: list[str]) -> None:
    price = PriceWords("Rent", "month", None if since is None else day(since))
    _, *more = told(line(explanation=explanation(share=(7, 30), price_source=source)), price=price)
    assert more == words


STOP_DAY = "The day of the stop is charged, too."
NOTHING_BACK = "A stop gives nothing back of a period that has begun."
COUNTS_LATER = "What happens within a period counts from its end."


@pytest.mark.parametrize(
    ("rule", "happening", "words"),
    [
        ("actual", happened("deactivated", "2026-06-30"), [STOP_DAY]),
        ("actual", happened("returned", "2026-06-30"), [STOP_DAY]),
        ("actual", happened("deactivated", "2026-07-01"), []),
        ("actual", happened("deactivated", "2026-06-29"), [NOTHING_BACK]),
        ("actual", happened("returned", "2026-06-25"), [NOTHING_BACK]),
        ("actual", happened("deactivated", "2026-06-24"), []),
        ("actual", happened("changed", "2026-06-25"), []),
        ("actual", happened("changed", "2026-06-30"), []),
        ("none", happened("changed", "2026-06-25"), [COUNTS_LATER]),
        ("none", happened("deactivated", "2026-06-30"), [COUNTS_LATER]),
        ("none", happened("changed", "2026-06-24"), []),
        ("none", happened("deactivated", "2026-07-01"), []),
    ],
)
def test_what_a_stop_or_a_change_does_to_its_period(
    rule: str, happening: Happening, words: list[str]
) -> None:
    _, _, *more = told(line(explanation=explanation(rule=rule)), happening)
    assert more == [*words, LIST_PRICE]


def test_a_stop_keeps_nothing_where_the_service_goes_on_that_day() -> None:
    stop = happened("deactivated", "2026-06-26")
    assert told(line(), stop, happened("activated", "2026-06-26"))[2:] == (LIST_PRICE,)
    assert told(line(), stop, happened("changed", "2026-06-26"))[2:] == (NOTHING_BACK, LIST_PRICE)
    assert told(line(), stop, happened("activated", "2026-06-28"))[2:] == (NOTHING_BACK, LIST_PRICE)


def test_a_part_that_counts_as_a_whole_period_is_not_called_one() -> None:
    """30 of 31 days, by months of 30 days."""
    why = explanation(rule="fixed_30", served_days=30, full_days=31)
    _, *more = words = told(line(amount_minor=3000, explanation=why))
    assert words[0] == "24–30 Jun 2026 counts as a whole period: 30.00 a month."
    assert more == ["Every month counts as 30 days, however long it is.", LIST_PRICE]


def test_a_one_time_amount_has_no_period() -> None:
    item = ONCE._replace(period_end=day("2026-07-01"))
    _, _, *more = told(item, happened("deactivated", "2026-06-30"), price=ONE_TIME)
    assert more == [LIST_PRICE]


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        (
            {"already_billed_through": day("2026-06-23")},
            ["Everything up to 23 Jun 2026 was billed elsewhere and is not charged here."],
        ),
        (
            {"free_until": day("2026-06-24")},
            ["It is free till then: 24 Jun 2026 is the first day that is charged."],
        ),
        (
            {"already_billed_through": day("2026-06-23"), "free_until": day("2026-06-24")},
            ["Everything up to 23 Jun 2026 was billed elsewhere and is not charged here."],
        ),
        (
            {"already_billed_through": day("2026-06-22"), "free_until": day("2026-06-24")},
            [
                "Everything up to 22 Jun 2026 was billed elsewhere and is not charged here.",
                "It is free till then: 24 Jun 2026 is the first day that is charged.",
            ],
        ),
        ({}, []),
    ],
)
def test_a_backdated_start(activation: dict[str, object], words: list[str]) -> None:
    """Said on the line that it shortens, and on no other (BILLING.md §2)."""
    start = happened("activated", "2026-06-01", **activation)
    shortened = line(explanation=explanation(share=(7, 30), charged_from=day("2026-06-24")))
    assert list(told(shortened, start)[1:-2]) == words
    assert list(told(line(), start)[1:-2]) == []


def test_a_correction_says_what_was_invoiced_and_what_is_right() -> None:
    assert told(ADJUSTING, happened("deactivated", "2026-06-11")) == (
        (
            "Corrects line 1 of invoice INV-1: 30.00 was invoiced, 10.00 is right, for 1–10 Jun 2026; "
            "the difference of 20.00 is credited."
        ),
        "Stopped on 11 Jun 2026.",
        "1–10 Jun 2026 is 10 of 30 days: 30.00 a month × 10/30 = 10.00.",
        LIST_PRICE,
    )
    more = ADJUSTING._replace(amount_minor=500, result=Standing(day("2026-06-01"), day("2026-06-11"), 3500))
    assert told(more, currency="JPY")[0] == (
        "Corrects line 1 of invoice INV-1: 3000 was invoiced, 3500 is right, for 1–10 Jun 2026; "
        "the difference of 500 is charged."
    )
    same = ADJUSTING._replace(amount_minor=0, result=Standing(day("2026-06-01"), day("2026-06-11"), 3000))
    assert told(same)[0].endswith("the difference of 0.00 is charged.")


def test_a_correction_looks_at_the_days_that_stand() -> None:
    item = ADJUSTING._replace(explanation=ADJUSTING.explanation._replace(rule="none"))
    assert COUNTS_LATER in told(item, happened("changed", "2026-06-10"))
    assert COUNTS_LATER not in told(item, happened("changed", "2026-06-12"))


def test_a_reversal_says_that_it_should_not_have_been_charged() -> None:
    assert told(REVERSING, happened("voided", "2026-06-24"), currency="JPY") == (
        "Takes back line 1 of invoice INV-1: 700 for 24–30 Jun 2026, which should not have been charged.",
        "A mistaken message was withdrawn.",
    )


def test_a_reversal_of_a_whole_document_says_so() -> None:
    """Nothing happened to the service then; what was entered by hand is taken back on its own."""
    whole = "The whole document is taken back; what is still owed is charged again."
    assert told(REVERSING) == ("Takes back line 1 of invoice INV-1: 7.00 for 24–30 Jun 2026.", whole)
    why = REVERSING.explanation._replace(entered=Entered("Goodwill", "case 4711", "u-204"))
    (only,) = told(REVERSING._replace(explanation=why))
    assert only.endswith(", which should not have been charged.")


def test_what_was_entered_by_hand_says_by_whom_and_why() -> None:
    why = explanation(entered=Entered("Goodwill", "case 4711", "u-204"), rule="one_time")
    assert told(line(explanation=why), happened("activated", "2026-06-24")) == (
        "Goodwill. Entered by u-204: case 4711.",
    )


def test_a_document_is_called_by_its_number_where_nobody_says_otherwise() -> None:
    item = REVERSING._replace(reverses=LineRef("INV-7", 3))
    assert story(item, "EUR", happenings={}, price=None)[0].startswith("Takes back line 3 of INV-7: ")


def test_a_happening_says_nothing_that_it_was_not_told() -> None:
    assert Happening("service.activated", day("2026-06-24")) == Happening(
        type="service.activated",
        day=day("2026-06-24"),
        heard=None,
        says=(),
        already_billed_through=None,
        free_until=None,
    )
