"""JSON for readers: the text that was sent, with lines and indents, and nothing of it changed."""

import re
from typing import Final

import orjson

PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
INDENT: Final = "  "
DEEPEST: Final = 20
"""No line is indented further, however deep it lies."""


def indented(text: str) -> str | None:
    """Return JSON with a line for each member, None for what is no JSON.

    The text is laid out and not parsed, so that members that stand twice and numbers of any length stay as
    they are.
    """
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    parts: list[str] = []
    depth, before = 0, ""
    for part in PART.findall(text):
        if part in {"}", "]"}:
            depth -= 1
            if before not in {"{", "["}:
                parts.append(_line(depth))
        elif before in {"{", "["}:
            parts.append(_line(depth))
        parts.append(part)
        if part in {"{", "["}:
            depth += 1
        elif part == ",":
            parts.append(_line(depth))
        elif part == ":":
            parts.append(" ")
        before = part
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + INDENT * min(depth, DEEPEST)
