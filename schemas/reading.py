"""From bytes to a checked event: the one reader for Kafka, files and HTTP."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.envelope import DROPPED_ATTRIBUTES, OWN_SOURCE
from schemas.errors import explain, place
from schemas.fields import MAX_ATTRIBUTE_DEPTH, TENANT_PATTERN
from schemas.reasons import Reason
from schemas.registry import HEARD, EventSchema

MAX_VALUE_BYTES: Final = 1 << 20
MAX_SAFE_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 254
"""How deep the JSON writer goes."""
MAX_ECHO_CHARACTERS: Final = 200

_TENANT: Final = re.compile(TENANT_PATTERN)
_ESCAPED_NUL: Final = b"\\u0000"
_ESCAPED_COLON: Final = b"\\u003"
_SORTED: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# From U+E000 on, UTF-8 begins with 0xEE or more. Only there the order of code points, which is that of the
# fast writer, differs from that of UTF-16 units, which RFC 8785 asks for.
_BEHIND_SURROGATES: Final = re.compile(rb"[\xee-\xff]")
_JSON_NAMES: Final = {
    list: "array", str: "string", int: "number", float: "number", bool: "truth value", type(None): "null",
}  # fmt: skip


class Event(NamedTuple):
    """A checked event. A tuple and no dataclass: one is made for every record of the stream.

    `attributes` is the CloudEvent as it is kept: transport attributes dropped, `dataschema` filled in.
    `line` is the same as JSON in one line with sorted members. Where `is_canonical`, that is its RFC 8785
    form: it has no float, and nothing that sorts in another way by UTF-16 units. `dropped_colons` is how
    many fewer colons it has than what was sent. `traceparent` is what the distributed tracing extension said.
    """

    schema: EventSchema
    attributes: dict[str, Any]
    line: bytes
    is_canonical: bool
    dropped_colons: int
    traceparent: str | None = None


class Unreadable(NamedTuple):
    """Why a message is refused.

    `detail` may quote the message; `place` (the wrong field) and `envelope` (source, id, type) don't
    carry data. `tenant_id` is the tenant that the message names, if it can be read.
    """

    reason: Reason
    detail: str
    place: str | None = None
    tenant_id: str | None = None
    envelope: Mapping[str, str] | None = None


def read_event(value: bytes) -> Event | Unreadable:
    """Read a structured CloudEvent."""
    try:
        parsed = orjson.loads(value) if len(value) <= MAX_VALUE_BYTES else None
    except orjson.JSONDecodeError:
        parsed = None
    if type(parsed) is not dict:
        refused = parse(value)
        assert isinstance(refused, Unreadable), "what is refused here is refused there"
        return refused
    event = check_event(parsed)
    if (
        type(event) is Event
        and value.count(b":") == event.line.count(b":") + event.dropped_colons
        and _ESCAPED_COLON not in value
        and _ESCAPED_NUL not in value
    ):
        return event
    return _ambiguity(value) or event


def parse(value: bytes) -> dict[str, Any] | Unreadable:
    """Parse one JSON object that every reader understands in the same way (I-JSON, RFC 7493)."""
    if len(value) > MAX_VALUE_BYTES:
        return Unreadable(Reason.TOO_LARGE, f"{len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _not_json(value, error)
    if type(parsed) is not dict:
        detail = f"a JSON {_JSON_NAMES[type(parsed)]}: send one object for each message"
        return Unreadable(Reason.NOT_AN_OBJECT, detail)
    return _ambiguity(value) or parsed


def check_event(attributes: dict[str, Any]) -> Event | Unreadable:
    """Check a parsed event against the schema of its type and version. Takes the dict over and changes it."""
    type_ = attributes.get("type")
    versions = HEARD.get(type_) if type(type_) is str else None
    if versions is None:
        given = "type is missing" if type_ is None else f"type = {_quoted(type_)}"
        detail = f"{given}: write one of {', '.join(HEARD)}"
        return Unreadable(Reason.UNKNOWN_TYPE, detail, "type", **identify(attributes))
    dataschema = attributes.get("dataschema")
    schema = versions.get(dataschema) if dataschema is None or type(dataschema) is str else None
    if schema is None or (dataschema is None and "dataschema" in attributes):
        known = ", ".join(name for name in versions if name is not None)
        given = _quoted(dataschema)
        detail = f"dataschema = {given}: leave it out for version 1, or write {known}"
        return Unreadable(Reason.UNKNOWN_VERSION, detail, "dataschema", **identify(attributes))
    if not schema.validator.isinstance_python(attributes):
        return _invalid(schema, attributes)
    if attributes["source"] == OWN_SOURCE:
        return Unreadable(
            Reason.RESERVED_SOURCE,
            f'source = "{OWN_SOURCE}": write the source of your own system',
            "source",
            **identify(attributes),
        )
    is_plain = True
    kept = attributes["data"].get("attributes")
    if kept:
        for member in kept.values():
            if type(member) is not str:
                found = _check_free_values(kept)
                if isinstance(found, Unreadable):
                    return found._replace(**identify(attributes))
                is_plain = found
                break
    dropped_colons, traceparent = 0, attributes.get("traceparent")
    for name in DROPPED_ATTRIBUTES:
        if name in attributes:
            dropped_colons += 1 + attributes.pop(name).count(":")
    if dataschema is None:
        attributes["dataschema"] = schema.dataschema
        dropped_colons -= 1 + schema.dataschema.count(":")
    line = orjson.dumps(attributes, option=_SORTED)
    is_canonical = is_plain and (line.isascii() or _BEHIND_SURROGATES.search(line) is None)
    return Event(schema, attributes, line, is_canonical, dropped_colons, traceparent)


def _ambiguity(value: bytes) -> Unreadable | None:
    """Return what readers could understand in different ways: members that stand twice, U+0000.

    Each member brings one colon. Where the counts of what was sent and of what was understood agree, and no
    colon is written as an escape, no member stands twice; the exact look is for the few others.
    """
    parsed = orjson.loads(value)
    try:
        again = orjson.dumps(parsed)
    except orjson.JSONEncodeError:
        return Unreadable(
            Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH}: flatten it", **identify(parsed)
        )
    if value.count(b":") != again.count(b":") or _ESCAPED_COLON in value:
        name = _duplicate_member(value)
        if name is not None:
            detail = f"the member {name!r} stands twice in one object"
            return Unreadable(Reason.DUPLICATE_MEMBER, detail, **identify(parsed))
    if _ESCAPED_NUL in value and _has_nul(parsed):
        return Unreadable(Reason.NUL_CHARACTER, "a text contains U+0000: remove it", **identify(parsed))
    return None


def _invalid(schema: EventSchema, attributes: dict[str, Any]) -> Unreadable:
    try:
        schema.adapter.validate_python(attributes)
    except ValidationError as error:
        return Unreadable(Reason.SCHEMA, explain(error), place(error), **identify(attributes))
    raise AssertionError(schema.name)


def _not_json(value: bytes, error: orjson.JSONDecodeError) -> Unreadable:
    if not value:
        return Unreadable(Reason.EMPTY, "no value: send an event, tombstones mean nothing here")
    if value[0] == 0:
        return Unreadable(
            Reason.CONFLUENT_FRAMING, "the first byte is 0: switch the producer's schema-registry framing off"
        )
    try:
        value.decode()
    except UnicodeDecodeError as undecodable:
        return Unreadable(
            Reason.INVALID_UTF8, f"byte {undecodable.start} is not UTF-8: encode the JSON as UTF-8"
        )
    if "infinity" in error.msg:
        return Unreadable(Reason.NUMBER_OUT_OF_RANGE, f"{error.msg}: write large numbers as strings")
    return Unreadable(Reason.INVALID_JSON, f"{error.msg} (line {error.lineno}, column {error.colno})")


def _duplicate_member(value: bytes) -> str | None:
    """Return the first member name that stands twice in one object."""
    found: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                found.append(name[:MAX_ECHO_CHARACTERS])
            names.add(name)

    json.loads(value, object_pairs_hook=once)
    return found[0] if found else None


def _has_nul(parsed: Any) -> bool:
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                return True
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def _check_free_values(kept: dict[str, Any]) -> bool | Unreadable:
    """Tell whether there is no float among the free values; refuse what can't be kept exactly."""
    plain = True
    waiting: list[tuple[Any, int]] = [(kept, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth > MAX_ATTRIBUTE_DEPTH:
                return Unreadable(
                    Reason.SCHEMA,
                    f"data.attributes is nested deeper than {MAX_ATTRIBUTE_DEPTH}: flatten it",
                    "data.attributes",
                )
            members = value.values() if isinstance(value, dict) else value
            waiting.extend((member, depth + 1) for member in members)
        elif isinstance(value, int | float) and abs(value) > MAX_SAFE_INTEGER:
            return Unreadable(
                Reason.NUMBER_OUT_OF_RANGE,
                f"data.attributes has the number {value}: write numbers beyond 2^53-1 as strings",
                "data.attributes",
            )
        elif isinstance(value, float):
            plain = False
    return plain


def _quoted(value: Any) -> str:
    """Return a value as JSON, for a sentence; of objects and lists only that they are."""
    if isinstance(value, dict | list):
        return f"a JSON {'object' if isinstance(value, dict) else 'array'}"
    return orjson.dumps(value).decode()[:MAX_ECHO_CHARACTERS]


def identify(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what can be read of a refused event: tenant, source, id and type, as members of Unreadable."""
    tenant_id = parsed.get("tenantid")
    return {
        "tenant_id": tenant_id if isinstance(tenant_id, str) and _TENANT.fullmatch(tenant_id) else None,
        "envelope": {
            name: member[:MAX_ECHO_CHARACTERS].replace("\0", "�")
            for name in ("source", "id", "type")
            if isinstance(member := parsed.get(name), str)
        },
    }
