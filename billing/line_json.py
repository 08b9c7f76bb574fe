"""A line as canonical JSON (RFC 8785), written at once: `Line.as_data` in bytes, for runs of a million lines.

Keys stand in their order; there is no number but whole ones, and texts are escaped as RFC 8785 wants it.
"""

from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring

from billing.days import Day, iso
from billing.facts import EventRef
from billing.line import Entered, Line, LineRef, Standing
from billing.money import format_minor

id_text: Callable[[str], str] = encode_basestring
"""A text as JSON writes it, quotes included."""
_quoted = lru_cache(maxsize=65536)(id_text)
"""Products, prices and sources come again and again; ids of services and events are not kept."""
_amount = lru_cache(maxsize=65536)(format_minor)


def canonical_line(line: Line, currency: str) -> bytes:
    """Return the canonical JSON of `line.as_data(currency)`. Raises ValueError for a lone surrogate."""
    why, reverses, adjusts, result = line.explanation, line.reverses, line.adjusts, line.result
    full_start, full_end, version = line.full_start, line.full_end, why.price_version
    served, full = why.share
    return (
        f'{{"adjusts":{"null" if adjusts is None else _line_ref(adjusts)}'
        f',"amount":"{_amount(line.amount_minor, currency)}"'
        f',"explanation":{{{"" if why.charged_from is None else _charged_from(why.charged_from)}'
        f"{'' if why.entered is None else _entered(why.entered)}"
        f'"events":[{_events(why.events)}]'
        f',"exact_minor":"{why.numerator}/{why.denominator}"'
        f',"full_days":{why.full_days},"invoiced":"{_amount(why.invoiced_minor, currency)}"'
        f',"price_source":"{why.price_source}"'
        f',"price_version":{"null" if version is None else _version(version)}'
        f',"rounding":"{why.rounding}","rule":"{why.rule}","served_days":{why.served_days}'
        f',"share":"{served}/{full}"}}'
        f',"full_end":{"null" if full_end is None else _day(full_end)}'
        f',"full_start":{"null" if full_start is None else _day(full_start)},"kind":"{line.kind}"'
        f',"period_end":{_day(line.period_end)},"period_start":{_day(line.period_start)}'
        f',"price_id":{_quoted(line.price_id)}'
        f',"product_id":{_quoted(line.product_id) if line.product_id else "null"}'
        f',"quantity":"{line.quantity.text}"'
        f',"result":{"null" if result is None else _standing(result, currency)}'
        f',"reverses":{"null" if reverses is None else _line_ref(reverses)}'
        f',"service_id":{id_text(line.service_id) if line.service_id else "null"}'
        f',"unit_amount":"{line.unit_amount.text}"}}'
    ).encode()


def _events(events: tuple[EventRef, ...]) -> str:
    if len(events) == 1:
        source, event_id = events[0]
        return f"[{_quoted(source)},{id_text(event_id)}]"
    return ",".join([event_text(ref) for ref in events])


def event_text(ref: EventRef) -> str:
    """Return an event's name as it stands in an explanation."""
    return f"[{_quoted(ref.source)},{id_text(ref.id)}]"


_version = lru_cache(maxsize=4096)(event_text)


@lru_cache(maxsize=65536)
def _day(value: Day) -> str:
    return f'"{iso(value)}"'


def _line_ref(ref: LineRef) -> str:
    return f'{{"document":{id_text(ref.document)},"line":{ref.line_no}}}'


def _standing(result: Standing, currency: str) -> str:
    return (
        f'{{"amount":"{_amount(result.amount_minor, currency)}","period_end":{_day(result.end)}'
        f',"period_start":{_day(result.start)}}}'
    )


def _charged_from(value: Day) -> str:
    return f'"charged_from":{_day(value)},'


def _entered(entered: Entered) -> str:
    return (
        f'"entered":{{"author":{id_text(entered.author)},"reason":{id_text(entered.reason)}'
        f',"text":{id_text(entered.text)}}},'
    )
