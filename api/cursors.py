"""Where a page ended, as a text that means nothing to whoever carries it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import orjson

from api.errors import CursorInvalidError

FINGERPRINT_CHARACTERS: Final = 12
LARGEST: Final = 2**63 - 1


def _integer(value: object) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def _day(value: object) -> date:
    return date.fromisoformat(_text(value))


def _instant(value: object) -> datetime:
    return datetime.fromisoformat(_text(value))


READ: Final[Mapping[str, Callable[[object], object]]] = {
    "bigint": _integer,
    "integer": _integer,
    "text": _text,
    "date": _day,
    "timestamptz": _instant,
}
"""By PostgreSQL's type: how a value of a cursor is read back."""


def cursor_text(question: Mapping[str, object], key: Sequence[object]) -> str:
    """Return a cursor: which list, order and filters it belongs to, and the last row's place in the order."""
    return urlsafe_b64encode(orjson.dumps([fingerprint(question), list(key)])).decode().rstrip("=")


def cursor_key(text: str, question: Mapping[str, object], types: Sequence[str]) -> tuple[object, ...]:
    """Return the place that a cursor holds. Raises CursorInvalidError."""
    try:
        found: Any = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        mark, key = found
        values = tuple(READ[kind](value) for kind, value in zip(types, key, strict=True))
    except (ValueError, TypeError):
        raise CursorInvalidError(
            f"cursor {text[:40]!r}: send `next` of the page before as it was, or none to begin"
        ) from None
    if mark != fingerprint(question):
        raise CursorInvalidError(
            "cursor: it belongs to another list, order or filter; send the same as with the page before"
        )
    return values


def fingerprint(question: Mapping[str, object]) -> str:
    """Return a mark of a list with its order and filters."""
    text = orjson.dumps(question, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return sha256(text).hexdigest()[:FINGERPRINT_CHARACTERS]
