"""Why a line is there, told to the customer who pays: what happened, which days, what it corrects."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from billing.days import Day
from billing.explanation import days_in_words
from billing.facts import EventRef
from billing.line import Line
from billing.money import Rounding, format_minor, minor_digits

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_EVERY: Final = {
    "week": "a week",
    "month": "a month",
    "quarter": "a quarter",
    "half_year": "a half-year",
    "year": "a year",
}
_HAPPENED: Final = {
    "service.scheduled": "planned for {day}",
    "service.activated": "went live on {day}",
    "service.changed": "changed on {day}",
    "service.suspended": "suspended from {day}",
    "service.resumed": "in use again from {day}",
    "service.deactivated": "stopped on {day}",
    "service.returned": "returned on {day}",
    "service.voided": "a mistaken message was withdrawn",
}
_ROUNDED: Final[dict[Rounding, str]] = {
    "half_up": "rounded to the nearest, a half up",
    "half_even": "rounded to the nearest, a half to the even figure",
    "down": "rounded down",
}
_SOURCES: Final = {
    "catalog": "This is the list price{since}.",
    "customer price": "This is the price agreed with you{since}.",
    "own price": "This is the price agreed for this service.",
}
_RULES: Final = {
    "fixed_30": "Every month counts as 30 days, however long it is.",
    "thirty_360": "Every month counts as 30 days, and its 31st as the 30th.",
}
_STOPS: Final = frozenset(("service.deactivated", "service.returned"))
_WHOLE: Final = "The whole document is taken back; what is still owed is charged again."
_DIGITS_SHOWN: Final = 2  # of an exact amount behind the currency's own


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event said, as far as a customer cares; `heard` None: on its own day."""

    type: str
    day: Day
    heard: Day | None = None
    says: tuple[str, ...] = ()  # what it set, in words: "quantity 5"
    already_billed_through: Day | None = None
    free_until: Day | None = None


@dataclass(frozen=True, slots=True)
class PriceWords:
    """What a price is called, how often it comes (None: once), and from when its amount counts."""

    name: str
    interval: str | None
    since: Day | None


def story(
    line: Line,
    currency: str,
    *,
    happenings: Mapping[EventRef, Happening],
    price: PriceWords | None,
    called: Callable[[str], str] = str,
) -> tuple[str, ...]:
    """Return why a line is there, a sentence each.

    `happenings` are the events that its explanation names, `called` says how a document's number is read.
    """
    known = [happenings[ref] for ref in line.explanation.events if ref in happenings]
    if line.reverses is not None:
        is_whole = not known and line.explanation.entered is None
        return (*_reversed(line, currency, called, is_whole=is_whole), *_what_happened(known))
    if line.explanation.entered is not None:
        entered = line.explanation.entered
        return (f"{entered.text}. Entered by {entered.author}: {entered.reason}.",)
    sentences = [*_corrected(line, currency, called), *_what_happened(known)]
    if line.explanation.charged_from is not None:
        sentences.extend(_backdated(known))
    sentences.append(_reckoned(line, currency, price))
    if line.kind == "recurring":
        sentences.extend(_at_the_end(line, known))
    if line.explanation.rule in _RULES and not (_is_whole(line) and _is_all_of_it(line)):
        sentences.append(_RULES[line.explanation.rule])
    source = _SOURCES.get(line.explanation.price_source)
    if source is not None:
        since = "" if price is None or price.since is None else f", valid from {_day(price.since)}"
        sentences.append(source.format(since=since))
    return tuple(sentences)


def _what_happened(known: list[Happening]) -> Iterator[str]:
    """Yield one sentence of all events, in the order of their days."""
    parts = []
    for item in sorted(known, key=lambda item: item.day):
        text = _HAPPENED.get(item.type)
        if text is None:
            continue
        text = text.format(day=_day(item.day))
        if item.says:
            text += f" ({', '.join(item.says)})"
        if item.heard is not None and item.heard > item.day:
            text += f", of which we heard on {_day(item.heard)}"
        parts.append(text)
    if parts:
        sentence = f"{'; '.join(parts)}."
        yield sentence[:1].upper() + sentence[1:]


def _backdated(known: list[Happening]) -> Iterator[str]:
    for item in known:
        through, free_until = item.already_billed_through, item.free_until
        if through is not None:
            yield f"Everything up to {_day(through)} was billed elsewhere and is not charged here."
        if free_until is not None and (through is None or free_until > through + 1):
            yield f"It is free till then: {_day(free_until)} is the first day that is charged."


def _at_the_end(line: Line, known: list[Happening]) -> Iterator[str]:
    """Yield what is to be said of a stop or a change within the days that are charged."""
    start, end = (line.result.start, line.result.end) if line.result else (line.period_start, line.period_end)
    within = [item for item in known if start < item.day < end]
    if line.explanation.rule == "none":
        if within:
            yield "What happens within a period counts from its end."
    elif any(item.type in _STOPS and item.day == end - 1 for item in known):
        yield "The day of the stop is charged, too."
    elif any(item.type in _STOPS and not _goes_on(item, known) for item in within):
        yield "A stop gives nothing back of a period that has begun."


def _goes_on(stop: Happening, known: list[Happening]) -> bool:
    """Tell whether the service went live again on the day of its stop, so that no day is kept for nothing."""
    return any(item.type == "service.activated" and item.day == stop.day for item in known)


def _corrected(line: Line, currency: str, called: Callable[[str], str]) -> Iterator[str]:
    """Yield what was invoiced before and what of it is right now, for a line that corrects another."""
    if line.adjusts is None:
        return
    assert line.result is not None, "an adjusting line says what stands"
    before = format_minor(line.explanation.invoiced_minor, currency)
    now = format_minor(line.result.amount_minor, currency)
    days = days_in_words(line.result.start, line.result.end)
    what = "credited" if line.amount_minor < 0 else "charged"
    moved = format_minor(abs(line.amount_minor), currency)
    yield (
        f"Corrects line {line.adjusts.line_no} of {called(line.adjusts.document)}: {before} was invoiced, "
        f"{now} is right, for {days}; the difference of {moved} is {what}."
    )


def _reversed(line: Line, currency: str, called: Callable[[str], str], *, is_whole: bool) -> Iterator[str]:
    assert line.reverses is not None, "asked of a reversal"
    amount = format_minor(-line.amount_minor, currency)
    days = days_in_words(line.period_start, line.period_end)
    yield (
        f"Takes back line {line.reverses.line_no} of {called(line.reverses.document)}: "
        f"{amount} for {days}{'' if is_whole else ', which should not have been charged'}."
    )
    if is_whole:
        yield _WHOLE


def _reckoned(line: Line, currency: str, price: PriceWords | None) -> str:
    """Return the arithmetic, with the days that count and the rounding where there was one."""
    why = line.explanation
    start, end = (line.result.start, line.result.end) if line.result else (line.period_start, line.period_end)
    every = "" if price is None or price.interval is None else f" {_EVERY[price.interval]}"
    factors = f"{line.unit_amount}{every}"
    if line.quantity.text != "1":
        factors = f"{line.quantity} {_TIMES} {factors}"
    amount = format_minor(line.amount_minor + why.invoiced_minor, currency)
    days = days_in_words(start, end)
    plain = line.unit_amount.text == amount and line.quantity.text == "1"
    result = "" if plain else f" = {_exact(line, currency, amount)}"
    if why.rule == "one_time":
        return f"Charged once: {factors}{result}."
    if why.rule == "none":
        return f"{factors}{result}: this price is not shared out by days; {days} costs a whole period."
    if _is_whole(line):
        reads = "is" if _is_all_of_it(line) else "counts as"
        return f"{days} {reads} a whole period: {factors}{result}."
    served, full = why.share
    counted = f"{days} is {served} of {full} days"
    return f"{counted}: {factors} {_TIMES} {served}/{full} = {_exact(line, currency, amount)}."


def _exact(line: Line, currency: str, amount: str) -> str:
    """Return an amount; where it was rounded, what it was before and how."""
    why = line.explanation
    if why.denominator == 1:
        return amount
    digits = minor_digits(currency) + _DIGITS_SHOWN
    scaled, rest = divmod(abs(why.numerator) * 10**_DIGITS_SHOWN, why.denominator)
    text = f"{scaled:0{digits + 1}d}"
    sign = "-" if why.numerator < 0 else ""
    shown = f"{sign}{text[:-digits]}.{text[-digits:]}" + ("\N{HORIZONTAL ELLIPSIS}" if rest else "")
    return f"{shown}, {_ROUNDED[why.rounding]}: {amount}"


def _is_whole(line: Line) -> bool:
    why = line.explanation
    return why.share[0] == why.share[1]


def _is_all_of_it(line: Line) -> bool:
    """Tell whether the days are the full period, and not a part that counts as much."""
    return line.explanation.served_days == line.explanation.full_days


def _day(day: Day) -> str:
    return days_in_words(day, Day(day + 1))
