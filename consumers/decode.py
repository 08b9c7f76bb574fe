"""From a Kafka record to an event: the CloudEvents Kafka protocol binding, structured and binary."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from consumers.records import Headers
from ledger.trace import Trace, read_traceparent
from schemas.reading import Event, Unreadable, check_event, identify, parse, read_event
from schemas.reasons import Reason

EVERY_SOURCE: Final = "*"
TENANT_CONFIGURED: Final = "tenant.configured"
MAX_HEADER_BYTES: Final = 64 * 1024
TRACEPARENT: Final = "traceparent"

STRUCTURED_TYPE: Final = "application/cloudevents+json"
STRUCTURED_CONTENT: Final = b"application/cloudevents+json; charset=UTF-8"
BINARY_CONTENT: Final = b"application/json"

Mode = Literal["structured", "binary"]


class _Envelope(NamedTuple):
    """What the headers say: how the event is written and, in binary mode, its attributes."""

    mode: Mode
    attributes: dict[str, Any]


def decode(headers: Headers, value: bytes | None, *, tenant_sources: Collection[str]) -> Event | Unreadable:
    """Return the event that a record holds, or why it is refused.

    `tenant_sources` are the sources that may configure a tenant, or `*`.
    """
    envelope = _read_header(headers[0]) if len(headers) == 1 else _read_headers(headers)
    if isinstance(envelope, Unreadable):
        return envelope
    mode, attributes = envelope
    if value is None:
        return Unreadable(Reason.EMPTY, "no value: send an event, tombstones mean nothing here")
    if mode == "structured":
        event = read_event(value)
    else:
        data = parse(value)
        if isinstance(data, Unreadable):
            return data._replace(**identify(attributes))
        event = check_event({**attributes, "data": data})
    if type(event) is Event and event.schema.type == TENANT_CONFIGURED:
        return _allowed(event, tenant_sources)
    return event


def structured_record(event: Mapping[str, Any]) -> tuple[str, list[tuple[str, bytes]]]:
    """Return key and headers for an event that is sent in structured mode.

    The key keeps the events of one service (product, customer) in order: `tenant:service`.
    """
    data = event["data"]
    subject = next(
        (data[name] for name in ("service_id", "product_id", "customer_id") if name in data), "tenant"
    )
    return f"{event['tenantid']}:{subject}", [("content-type", STRUCTURED_CONTENT)]


def trace_of_message(headers: Headers, decoded: Event | Unreadable) -> Trace | None:
    """Return the trace that a message came by, or None where it names none that can be followed.

    The event's own extension says where it began; without one the message's header counts.
    """
    if type(decoded) is Event and decoded.traceparent is not None:
        return read_traceparent(decoded.traceparent)
    for name, value in headers:
        if name == TRACEPARENT and value is not None:
            return read_traceparent(value.decode("latin-1"))
    return None


def _allowed(event: Event, tenant_sources: Collection[str]) -> Event | Unreadable:
    source = event.attributes["source"]
    if source in tenant_sources or EVERY_SOURCE in tenant_sources:
        return event
    return Unreadable(
        Reason.TENANT_SOURCE,
        f'source = "{source}" may not configure tenants: allow it in BILLING_TENANT_SOURCES, and re-drive',
        "source",
        **identify(event.attributes),
    )


@lru_cache(maxsize=256)
def _read_header(header: tuple[str, bytes | None]) -> "_Envelope | Unreadable":
    """Read what most records have: one header, that of structured mode. The answer must not be changed."""
    return _read_headers((header,))


def _read_headers(headers: Headers) -> _Envelope | Unreadable:
    attributes: dict[str, Any] = {}
    content_type: bytes | None = None
    size_bytes = 0
    for name, value in headers:
        size_bytes += len(name) + (0 if value is None else len(value))
        if name.startswith("ce_"):
            known = name[3:]
            if known in attributes:
                return Unreadable(Reason.DUPLICATE_HEADER, f"the header {name} stands twice: send it once")
            try:
                attributes[known] = (value or b"").decode()
            except UnicodeDecodeError:
                return Unreadable(Reason.INVALID_HEADER, f"the header {name} is not UTF-8")
        elif name.lower() == "content-type":
            if content_type is not None:
                return Unreadable(Reason.DUPLICATE_HEADER, f"the header {name} stands twice: send it once")
            content_type = value or b""
    if size_bytes > MAX_HEADER_BYTES:
        return Unreadable(
            Reason.TOO_LARGE, f"{size_bytes} bytes of headers; at most {MAX_HEADER_BYTES} are read"
        )
    mode = _mode(content_type, has_attributes=bool(attributes))
    if isinstance(mode, Unreadable):
        return mode._replace(**identify(attributes))
    return _Envelope(mode, attributes)


@lru_cache(maxsize=256)
def _mode(content_type: bytes | None, *, has_attributes: bool) -> Mode | Unreadable:
    """Decide by content type, as the binding says; where it is plain JSON or missing, by the ce_ headers."""
    text = "application/json" if content_type is None else content_type.decode("latin-1").strip()
    media, _, parameters = text.partition(";")
    media = media.strip().lower()
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if charset not in {"", "utf-8", "utf8", "us-ascii"}:
        return Unreadable(Reason.CONTENT_TYPE, f"charset = {charset[:50]!r}: encode the JSON as UTF-8")
    if media.startswith("application/cloudevents-batch"):
        return Unreadable(Reason.BATCH, "a batch of events: send one event in each message")
    if media == STRUCTURED_TYPE:
        return "structured"
    is_json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    if not is_json or media.startswith("application/cloudevents"):
        return Unreadable(Reason.CONTENT_TYPE, f"content-type = {text[:100]!r}: send {STRUCTURED_TYPE}")
    return "binary" if has_attributes else "structured"
