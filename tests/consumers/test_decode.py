"""The CloudEvents Kafka binding: which header says what, and what is refused."""

import json

import pytest

from consumers.decode import MAX_HEADER_BYTES, STRUCTURED_CONTENT, decode, structured_record
from schemas.reading import Event, Unreadable
from schemas.reasons import Reason
from tests.consumers.stream import activation, encoded, tenant

STRUCTURED = ("content-type", STRUCTURED_CONTENT)
JSON = ("content-type", b"application/json")


def binary(event=None):
    event = event or activation(1)
    attributes = [(f"ce_{name}", value.encode()) for name, value in event.items() if name != "data"]
    return [JSON, *attributes], json.dumps(event["data"]).encode()


def read(headers, value, sources=("/operator",)):
    return decode(headers, value, tenant_sources=sources)


def test_both_modes_give_the_same_event():
    """Otherwise an event that is sent again in the other mode would be a conflict."""
    structured = read([STRUCTURED], encoded(activation(1) | {"datacontenttype": "application/json"}))
    assert isinstance(structured, Event)
    assert read(*binary())._replace(dropped_colons=0) == structured._replace(dropped_colons=0)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [STRUCTURED],
        [JSON],
        [("Content-Type", b"APPLICATION/CloudEvents+JSON;charset=utf-8")],
        [("content-type", b'application/cloudevents+json; charset="UTF-8"')],
        [STRUCTURED, ("ce_id", b"anything"), ("traceparent", b"00-1-2-01"), ("traceparent", b"00-1-2-02")],
    ],
    ids=["none", "structured", "plain JSON", "other case", "quoted charset", "more headers"],
)
def test_structured(headers):
    assert isinstance(read(headers, encoded(activation(1))), Event)


@pytest.mark.parametrize(
    "content_type", [b"application/json", b"application/json; charset=utf-8", b"application/vnd.acme+json"]
)
def test_binary(content_type):
    headers, value = binary()
    assert isinstance(read([("content-type", content_type), *headers[1:]], value), Event)


def test_binary_without_content_type():
    headers, value = binary()
    assert isinstance(read(headers[1:], value), Event)


def refused_binary(*, drop=None, add=(), value=None):
    headers, content = binary()
    return [*(one for one in headers if one[0] != drop), *add], content if value is None else value


REFUSED = {
    "tombstone": ([STRUCTURED], None, Reason.EMPTY),
    "empty": ([STRUCTURED], b"", Reason.EMPTY),
    "batch": (
        [("content-type", b"application/cloudevents-batch+json")], encoded([activation(1)]), Reason.BATCH,
    ),
    "Avro": ([("content-type", b"application/cloudevents+avro")], b"x", Reason.CONTENT_TYPE),
    "text": ([("content-type", b"text/plain")], encoded(activation(1)), Reason.CONTENT_TYPE),
    "latin-1": (
        [("content-type", b"application/cloudevents+json; charset=iso-8859-1")],
        encoded(activation(1)),
        Reason.CONTENT_TYPE,
    ),
    "content type twice": ([STRUCTURED, STRUCTURED], encoded(activation(1)), Reason.DUPLICATE_HEADER),
    "Confluent framing": ([STRUCTURED], b"\0\0\0\0\1" + encoded(activation(1)), Reason.CONFLUENT_FRAMING),
    "binary: id twice": (*refused_binary(add=[("ce_id", b"2")]), Reason.DUPLICATE_HEADER),
    "binary: id no UTF-8": (*refused_binary(drop="ce_id", add=[("ce_id", b"\xff")]), Reason.INVALID_HEADER),
    "binary: no id": (*refused_binary(drop="ce_id"), Reason.SCHEMA),
    "binary: id without value": (*refused_binary(drop="ce_id", add=[("ce_id", None)]), Reason.SCHEMA),
    "binary: no specversion": (*refused_binary(drop="ce_specversion"), Reason.SCHEMA),
    "binary: unknown attribute": (*refused_binary(add=[("ce_colour", b"red")]), Reason.SCHEMA),
    "binary: data in a header": (*refused_binary(add=[("ce_data", b"{}")], value=b"{"), Reason.INVALID_JSON),
    "binary: data no object": (*refused_binary(value=b"[]"), Reason.NOT_AN_OBJECT),
    "binary: NUL in an attribute": (*refused_binary(drop="ce_id", add=[("ce_id", b"a\0b")]), Reason.SCHEMA),
    "too many header bytes": (
        [STRUCTURED, ("x", bytes(MAX_HEADER_BYTES))], encoded(activation(1)), Reason.TOO_LARGE,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "value", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(headers, value, reason):
    refused = read(headers, value)
    assert isinstance(refused, Unreadable), refused
    assert refused.reason is reason


def test_unreadable_data_still_names_tenant_and_event_in_binary_mode():
    refused = read(*refused_binary(value=b"{"))
    assert refused.tenant_id == "acme"
    assert refused.envelope == {"source": "/fulfilment", "id": "e-1", "type": "service.activated"}


@pytest.mark.parametrize(
    ("sources", "allowed"), [((), False), (("/other",), False), (("/operator",), True), (("*",), True)]
)
def test_only_allowed_sources_configure_tenants(sources, allowed):
    read_one = read([STRUCTURED], encoded(tenant()), sources)
    assert isinstance(read_one, Event) is allowed
    if not allowed:
        assert read_one.reason is Reason.TENANT_SOURCE
        assert "BILLING_TENANT_SOURCES" in read_one.detail


@pytest.mark.parametrize(
    ("event", "key"), [(activation(7), "acme:svc-7"), (tenant(), "acme:tenant")], ids=["service", "tenant"]
)
def test_key_keeps_a_service_in_order(event, key):
    assert structured_record(event)[0] == key
