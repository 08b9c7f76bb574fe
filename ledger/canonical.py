"""Canonical JSON (RFC 8785): the one form of bytes that is hashed, stored and compared."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import orjson
import rfc8785

SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Raises ValueError for what has no canonical form: an integer beyond 2^53, NaN, an infinity, a lone
    surrogate.
    """
    # orjson writes what RFC 8785 wants but for three things: floats, NaN (it writes null), and keys beyond
    # ASCII, which it sorts by UTF-8 byte and not by UTF-16 unit.
    try:
        written = orjson.dumps(value, option=SORTED)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if _without_floats((value,)) and (written.isascii() or _ascii_keys((value,))):
        return written
    return rfc8785.dumps(value)


def canonical_piece(value: bytes) -> Any:
    """Return what `canonical` puts in as it is: JSON that is canonical already."""
    return orjson.Fragment(value)


def fingerprint(payload: bytes) -> bytes:
    """Return the SHA-256 that tells the same content from other content."""
    return sha256(payload).digest()


def _without_floats(values: Iterable[Any]) -> bool:
    for value in values:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is dict:
            if not _without_floats(value.values()):
                return False
        elif kind is list:
            if not _without_floats(value):
                return False
        elif kind is not bool and value is not None and kind is not orjson.Fragment:
            return False
    return True


def _ascii_keys(values: Iterable[Any]) -> bool:
    for value in values:
        if type(value) is dict:
            if not (all(map(str.isascii, value)) and _ascii_keys(value.values())):
                return False
        elif type(value) is list and not _ascii_keys(value):
            return False
    return True
