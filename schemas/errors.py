"""Validation errors as sentences: the field, the value, the remedy."""

import json
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_SHOWN: Final = 5
MAX_VALUE_CHARACTERS: Final = 80
MAX_PLACE_CHARACTERS: Final = 200

_REMEDIES: Final = {
    "string_type": "write a string",
    "int_type": "write a whole number",
    "dict_type": "write an object",
    "list_type": "write a list",
    "none_required": "write null",
}
_PRICE_KINDS: Final = ("recurring", "one_time")


def explain(error: ValidationError) -> str:
    """Return what is wrong: one clause an error, the first five of them."""
    details = error.errors(include_url=False, include_context=True)
    clauses = [_clause(detail) for detail in details[:MAX_SHOWN]]
    if len(details) > MAX_SHOWN:
        clauses.append(f"and {len(details) - MAX_SHOWN} more")
    return "; ".join(clauses)


def place(error: ValidationError) -> str:
    """Return the path of the first wrong field, never a value or a name that only the sender knows."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    return _path(path)


def _clause(detail: ErrorDetails) -> str:
    path = _path(detail["loc"])
    match detail["type"]:
        case "missing":
            return f"{path} is missing: add it"
        case "extra_forbidden":
            parent = "data.attributes" if detail["loc"][:1] == ("data",) else "data"
            return f"{path} is not known: remove it, check its spelling, or move it into {parent}"
        case "union_tag_not_found" | "union_tag_invalid":
            return f'{path}.kind: write "recurring" or "one_time"'
        case "literal_error":
            remedy = f"write {detail['ctx']['expected']}" if "ctx" in detail else detail["msg"]
        case "remedy":
            remedy = detail["msg"]
        case other:
            remedy = _REMEDIES.get(other, detail["msg"])
    value = detail["input"]
    if isinstance(value, dict) and detail["type"] == "remedy":
        return f"{path}: {remedy}"
    return f"{path} = {_shown(value)}: {remedy}"


def _path(location: Sequence[int | str]) -> str:
    """Write `data.prices[0].amount`; names of union members and of key checks are left out."""
    text = ""
    for position, part in enumerate(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif part == "[key]" or (part in _PRICE_KINDS and isinstance(location[position - 1], int)):
            continue
        else:
            text += f".{part}" if text else part
    return text[:MAX_PLACE_CHARACTERS] or "the event"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[:MAX_VALUE_CHARACTERS] + "…"
