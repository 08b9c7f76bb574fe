"""A line as canonical JSON (RFC 8785), written at once: `Line.as_data` in bytes, for runs of a million lines.

Keys stand in their order; there is no number but whole ones, and texts are escaped as RFC 8785 wants it.
"""

from functools import lru_cache
from json.encoder import encode_basestring

from billing.days import Day, iso
from billing.facts import EventRef
from billing.line import Explanation, Line, LineRef, Standing
from billing.money import format_minor

_quoted = lru_cache(maxsize=65536)(encode_basestring)
"""Products, prices and sources come again and again; ids of services and events are not kept."""
_amount = lru_cache(maxsize=65536)(format_minor)


def canonical_line(line: Line, currency: str) -> bytes:
    """Return the canonical JSON of `line.as_data(currency)`. Raises ValueError for a lone surrogate."""
    return (
        f'{{"adjusts":{_line_ref(line.adjusts)},"amount":"{_amount(line.amount_minor, currency)}"'
        f',"explanation":{_explanation(line.explanation, currency)}'
        f',"full_end":{_day(line.full_end)},"full_start":{_day(line.full_start)},"kind":"{line.kind}"'
        f',"period_end":"{iso(line.period_end)}","period_start":"{iso(line.period_start)}"'
        f',"price_id":{_quoted(line.price_id)},"product_id":{_quoted(line.product_id)}'
        f',"quantity":"{line.quantity.text}","result":{_standing(line.result, currency)}'
        f',"reverses":{_line_ref(line.reverses)},"service_id":{encode_basestring(line.service_id)}'
        f',"unit_amount":"{line.unit_amount.text}"}}'
    ).encode()


def _explanation(why: Explanation, currency: str) -> str:
    events = ",".join([_event(ref) for ref in why.events])
    version = "null" if why.price_version is None else _version(why.price_version)
    return (
        f'{{"events":[{events}],"exact_minor":"{why.numerator}/{why.denominator}"'
        f',"full_days":{why.full_days},"invoiced":"{_amount(why.invoiced_minor, currency)}"'
        f',"price_source":"{why.price_source}","price_version":{version}'
        f',"rounding":"{why.rounding}","rule":"{why.rule}","served_days":{why.served_days}'
        f',"share":"{why.share[0]}/{why.share[1]}"}}'
    )


def _event(ref: EventRef) -> str:
    return f"[{_quoted(ref.source)},{encode_basestring(ref.id)}]"


_version = lru_cache(maxsize=4096)(_event)


def _day(value: Day | None) -> str:
    return "null" if value is None else f'"{iso(value)}"'


def _line_ref(ref: LineRef | None) -> str:
    return "null" if ref is None else f'{{"document":{encode_basestring(ref.document)},"line":{ref.line_no}}}'


def _standing(result: Standing | None, currency: str) -> str:
    if result is None:
        return "null"
    return (
        f'{{"amount":"{_amount(result.amount_minor, currency)}","period_end":"{iso(result.end)}"'
        f',"period_start":"{iso(result.start)}"}}'
    )
