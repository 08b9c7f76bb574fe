"""What is read, and with which reason and which sentence the rest is refused."""

import json

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from schemas.reading import MAX_VALUE_BYTES, Event, Unreadable, parse, read_event
from schemas.reasons import Reason


def activation(**members):
    data = {"service_id": "s1", "customer_id": "c1", "product_id": "p1", "effective": "2026-06-24"}
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/fulfilment",
        "type": "service.activated",
        "tenantid": "acme",
        "data": data | members.pop("data", {}),
    }
    event |= members
    return {name: value for name, value in event.items() if value is not ...}


def read(event):
    return read_event(orjson.dumps(event))


def test_what_belongs_to_the_transport_is_dropped_and_the_version_filled_in():
    sent = activation(
        datacontenttype="application/json", traceparent="00-1-2-01", tracestate="a=b", partitionkey="k"
    )
    event = read(sent)
    assert isinstance(event, Event)
    assert event.attributes == activation(dataschema="urn:billing-ledger:service.activated:1")
    assert event.line == rfc8785.dumps(event.attributes)
    assert event.schema.stream(event.attributes["data"]) == "service/s1"


@pytest.mark.parametrize(
    ("value", "reason"),
    {
        "nothing": (b"", Reason.EMPTY),
        "no JSON": (b"{'a': 1}", Reason.INVALID_JSON),
        "NaN": (b'{"a": NaN}', Reason.INVALID_JSON),
        "infinity": (b'{"a": Infinity}', Reason.INVALID_JSON),
        "1e400": (b'{"a": 1e400}', Reason.NUMBER_OUT_OF_RANGE),
        "half of a pair of surrogates": (b'{"a": "\\ud800"}', Reason.INVALID_JSON),
        "latin-1": ('{"a": "\u00e4"}'.encode("latin-1"), Reason.INVALID_UTF8),
        "byte order mark": (b"\xef\xbb\xbf{}", Reason.INVALID_JSON),
        "a list": (b"[]", Reason.NOT_AN_OBJECT),
        "a number": (b"1", Reason.NOT_AN_OBJECT),
        "too deep to write": (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", Reason.INVALID_JSON),
        "a deep type": (b'{"type":' + b"[" * 250 + b"]" * 250 + b"}", Reason.UNKNOWN_TYPE),
        "deep, and a member twice": (b'{"a":1,"a":' + b"[" * 999 + b"]" * 999 + b"}", Reason.INVALID_JSON),
        "too deep": (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", Reason.INVALID_JSON),
        "more than 1 MiB": (b'{"a": "' + b"x" * MAX_VALUE_BYTES + b'"}', Reason.TOO_LARGE),
        "Confluent framing": (b"\x00\x00\x00\x00\x07{}", Reason.CONFLUENT_FRAMING),
        "a member twice": (b'{"a": 1, "a": 1}', Reason.DUPLICATE_MEMBER),
        "a member twice, inside": (b'{"a": {"b" :1, "b": 2}}', Reason.DUPLICATE_MEMBER),
        "a member twice, hidden by an escaped colon": (b'{"a": 1, "a": "\\u003a"}', Reason.DUPLICATE_MEMBER),
        "NUL": (b'{"a": "x\\u0000"}', Reason.NUL_CHARACTER),
        "NUL in a name": (b'{"a": [{"x\\u0000": 1}]}', Reason.NUL_CHARACTER),
        "a raw NUL": (b'{"a": "x\x00"}', Reason.INVALID_JSON),
    }.values(),
    ids=lambda value: str(value)[:40],
)
def test_bytes_that_are_refused(value, reason):
    refused = read_event(value)
    assert isinstance(refused, Unreadable)
    assert refused.reason is reason
    assert refused.detail


@pytest.mark.parametrize("value", [b'{"a": "\\\\u0000"}', b'{"a": "\\u003a"}', b'{"a" : "b:c", "d": {}}'])
def test_bytes_that_only_look_suspicious_are_read(value):
    assert parse(value) == json.loads(value)


REFUSED = {
    "no type": (activation(type=...), Reason.UNKNOWN_TYPE, "type is missing: write one of"),
    "unknown type": (activation(type="service.sold"), Reason.UNKNOWN_TYPE, "service.sold"),
    "type is no text": (activation(type=["x"]), Reason.UNKNOWN_TYPE, "write one of"),
    "our own type": (activation(type="invoice.issued"), Reason.UNKNOWN_TYPE, "invoice.issued"),
    "unknown version": (
        activation(dataschema="urn:billing-ledger:service.activated:9"),
        Reason.UNKNOWN_VERSION,
        "leave it out for version 1, or write urn:billing-ledger:service.activated:1",
    ),
    "version of another type": (
        activation(dataschema="urn:billing-ledger:service.changed:1"),
        Reason.UNKNOWN_VERSION,
        "write urn:billing-ledger:service.activated:1",
    ),
    "dataschema null": (activation(dataschema=None), Reason.UNKNOWN_VERSION, "leave it out"),
    "our own source": (activation(source="urn:billing-ledger"), Reason.RESERVED_SOURCE, "your own system"),
    "source with a space": (activation(source="a b"), Reason.SCHEMA, "source = "),
    "specversion 0.3": (activation(specversion="0.3"), Reason.SCHEMA, 'specversion = "0.3": write "1.0"'),
    "id empty": (activation(id=""), Reason.SCHEMA, 'id = "": write an id of 1 to 200'),
    "id too long": (activation(id="x" * 201), Reason.SCHEMA, "id = "),
    "id with a line feed": (activation(id="a\nb"), Reason.SCHEMA, "control character"),
    "id is a number": (activation(id=7), Reason.SCHEMA, "id = 7: write an id"),
    "tenant with a slash": (activation(tenantid="a/b"), Reason.SCHEMA, 'tenantid = "a/b": write 1 to 100'),
    "the installation's own tenant": (activation(tenantid="_system"), Reason.SCHEMA, "tenantid"),
    "time without offset": (activation(time="2026-06-24T08:00:00"), Reason.SCHEMA, "with an offset"),
    "time that is none": (activation(time="2026-06-24T25:00:00Z"), Reason.SCHEMA, "time = "),
    "content type XML": (activation(datacontenttype="text/xml"), Reason.SCHEMA, "leave it out"),
    "unknown attribute": (activation(colour="red"), Reason.SCHEMA, "colour is not known: remove it"),
    "no data": (activation() | {"data": None}, Reason.SCHEMA, "data = null: write an object"),
    "unknown field": (activation(data={"qty": 1}), Reason.SCHEMA, "data.qty is not known"),
    "no effective": (
        activation() | {"data": {"service_id": "s1"}},
        Reason.SCHEMA,
        "data.effective is missing: add it",
    ),
    "30 February": (
        activation(data={"effective": "2026-02-30"}),
        Reason.SCHEMA,
        'data.effective = "2026-02-30": write a date such as "2026-06-24"',
    ),
    "a year out of range": (activation(data={"effective": "9999-12-31"}), Reason.SCHEMA, "data.effective"),
    "instant without offset": (
        activation(data={"effective": "2026-06-24T00:00:00"}), Reason.SCHEMA, "with an offset",
    ),
    "digits of another script": (activation(data={"effective": "2026-06-2٤"}), Reason.SCHEMA, "effective"),
    "quantity negative": (activation(data={"quantity": -1}), Reason.SCHEMA, "data.quantity = -1: write a"),
    "quantity a float": (activation(data={"quantity": 1.5}), Reason.SCHEMA, 'such as "1.5"'),
    "quantity a truth value": (activation(data={"quantity": True}), Reason.SCHEMA, "data.quantity = true"),
    "quantity a negative text": (activation(data={"quantity": "-1"}), Reason.SCHEMA, "data.quantity"),
    "quantity beyond 15 digits": (activation(data={"quantity": 10**15}), Reason.SCHEMA, "data.quantity"),
    "override a number": (
        activation(data={"price_overrides": {"rent": 27.5}}),
        Reason.SCHEMA,
        'data.price_overrides.rent = 27.5: write a decimal as a string, such as "27.50"',
    ),
    "override null on activation": (
        activation(data={"price_overrides": {"rent": None}}), Reason.SCHEMA, "rent = null",
    ),
    "supersedes a text": (activation(data={"supersedes": "e0"}), Reason.SCHEMA, "data.supersedes"),
    "attributes a list": (activation(data={"attributes": []}), Reason.SCHEMA, "write an object"),
    "attribute beyond 2^53": (
        activation(data={"attributes": {"n": 2**53}}), Reason.NUMBER_OUT_OF_RANGE, "write numbers",
    ),
    "attribute 1e300": (
        activation(data={"attributes": {"a": [{"n": 1e300}]}}), Reason.NUMBER_OUT_OF_RANGE, "strings",
    ),
    "nothing changed": (
        activation(type="service.changed") | {"data": {"service_id": "s1", "effective": "2026-06-24"}},
        Reason.SCHEMA,
        "data: name at least one of customer_id, product_id, quantity, price_overrides, attributes",
    ),
    "voided names nothing": (
        activation(type="service.voided") | {"data": {"service_id": "s1", "effective": "2026-06-24"}},
        Reason.SCHEMA,
        "data.supersedes is missing",
    ),
    "planned without a customer": (
        activation(type="service.scheduled")
        | {"data": {"service_id": "s1", "product_id": "p", "effective": "2026-06-24"}},
        Reason.SCHEMA,
        "data.customer_id is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("event", "reason", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_events_that_are_refused(event, reason, says):
    refused = read(event)
    assert isinstance(refused, Unreadable), refused
    assert refused.reason is reason
    assert says in refused.detail
    assert refused.envelope is not None


def catalog(**members):
    price = {
        "price_id": "rent",
        "kind": "recurring",
        "amount": "1",
        "interval": "month",
        "timing": "in_advance",
    }
    once = {"price_id": "setup", "kind": "one_time", "amount": "1", "trigger": "activation"}
    prices = [price | members.get("price", {}), once | members.get("once", {})]
    data = {"product_id": "p1", "name": "P", "prices": prices}
    return activation(type="product.published") | {"data": data}


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (catalog(once={"price_id": "rent"}), "data: give each price of the product its own price_id: rent"),
        (catalog(once={"kind": "monthly"}), 'data.prices[1].kind: write "recurring" or "one_time"'),
        (catalog(once={"interval": "month"}), "data.prices[1].interval is not known"),
        (catalog(price={"interval": "day"}), "data.prices[0].interval = \"day\": write 'week'"),
        (catalog(price={"amount": "1,00"}), 'data.prices[0].amount = "1,00": write a decimal'),
        (
            activation(type="tenant.configured")
            | {"data": {"tenant_id": "other", "name": "N", "currency": "EUR", "timezone": "Europe/Zurich"}},
            "write the same tenant in tenantid and in data.tenant_id",
        ),
        (
            activation(type="tenant.configured")
            | {"data": {"tenant_id": "acme", "name": "N", "currency": "EUR", "timezone": "Mars/Olympus"}},
            'data.timezone = "Mars/Olympus": write an IANA time zone name',
        ),
        (
            activation(type="tenant.configured")
            | {"data": {"tenant_id": "acme", "name": "N", "currency": "eur", "timezone": "UTC"}},
            'data.currency = "eur": write an ISO 4217 code',
        ),
        (
            activation(type="customer.changed") | {"data": {"customer_id": "c1", "effective": "2026-01-01"}},
            "data: name at least one of name, address",
        ),
        (
            activation(type="customer.registered")
            | {"data": {"customer_id": "c1", "name": "N", "billing_day": 32}},
            "data.billing_day = 32: write a day of the month, 1 to 31",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_sentences_for_catalog_and_parties(event, says):
    refused = read(event)
    assert isinstance(refused, Unreadable), refused
    assert refused.reason is Reason.SCHEMA
    assert says in refused.detail


def test_the_place_never_carries_what_the_sender_made_up():
    refused = read(activation(data={"Jane Doe": 1}))
    assert refused.place == "data"
    assert "Jane Doe" in refused.detail
    assert refused.tenant_id == "acme"
    assert refused.envelope == {"source": "/fulfilment", "id": "e1", "type": "service.activated"}


def test_a_long_list_of_errors_is_cut():
    refused = read(activation() | {"data": {str(number): 1 for number in range(9)}})
    assert refused.detail.endswith("and 6 more")


@pytest.mark.parametrize(
    ("attributes", "plain"),
    [
        ({"a": "x"}, True),
        ({"a": 1, "b": [True, None]}, True),
        ({"a": 1.5}, False),
        ({"a": [{"b": 0.1}]}, False),
    ],
)
def test_floats_in_attributes_are_noticed(attributes, plain):
    assert read(activation(data={"attributes": attributes})).is_canonical is plain


free = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(attributes=st.dictionaries(st.text(max_size=8), free, max_size=4), escape=st.booleans())
def test_any_attributes_come_through_unchanged_or_are_refused_for_nul(attributes, escape):
    value = json.dumps(activation(data={"attributes": attributes}), ensure_ascii=escape)
    read = read_event(value.encode("utf-8", "surrogatepass"))
    if isinstance(read, Unreadable):
        assert read.reason is Reason.NUL_CHARACTER
        assert "\\u0000" in value
    else:
        assert read.attributes["data"].get("attributes") == attributes
        if read.is_canonical:
            assert read.line == rfc8785.dumps(read.attributes)


@given(
    members=st.lists(
        st.sampled_from(["datacontenttype", "traceparent", "partitionkey", "dataschema", "time"])
    )
)
def test_a_member_twice_is_found_whatever_else_is_sent(members):
    """The quick look counts colons, and must not be misled by attributes that are dropped or filled in."""
    more = {
        "datacontenttype": "application/json",
        "traceparent": "a:b::c",
        "partitionkey": ":",
        "dataschema": "urn:billing-ledger:service.activated:1",
        "time": "2026-06-24T08:12:31Z",
    }
    sent = orjson.dumps(activation(**{name: more[name] for name in members}))
    assert isinstance(read_event(sent), Event)
    twice = sent[:-1] + b',"tenantid":"acme"}'
    assert read_event(twice).reason is Reason.DUPLICATE_MEMBER


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(value):
    assert isinstance(read_event(value), Unreadable)
