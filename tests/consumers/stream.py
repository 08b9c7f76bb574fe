"""Events to send, records that hold them, and the oracle that runs after every fault."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import psycopg
from kafka import KafkaProducer

from consumers.decode import STRUCTURED_CONTENT
from consumers.records import PlainRecord

HEADERS = [("content-type", STRUCTURED_CONTENT)]
NOW = datetime(2026, 6, 24, 12, tzinfo=UTC)


def clock():
    return NOW


def tenant(tenant_id="acme", **data):
    wanted = {"tenant_id": tenant_id, "name": "Acme", "currency": "EUR", "timezone": "Europe/Zurich"}
    return envelope(
        "tenant.configured", f"{tenant_id}-1", tenant_id=tenant_id, source="/operator", data=wanted | data
    )


def activation(number, tenant_id="acme", **data):
    wanted = {
        "service_id": f"svc-{number}",
        "customer_id": f"c-{number % 7}",
        "product_id": "laptop",
        "effective": "2026-06-24",
    }
    return envelope("service.activated", f"e-{number}", tenant_id=tenant_id, data=wanted | data)


def customer(customer_id, tenant_id="acme", **data):
    wanted = {"customer_id": customer_id, "name": "Ada Example"}
    return envelope("customer.registered", f"r-{customer_id}", tenant_id=tenant_id, data=wanted | data)


def envelope(type_, id_, *, tenant_id="acme", source="/fulfilment", data):
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": type_,
        "tenantid": tenant_id,
        "data": data,
    }


def encoded(event):
    return event if isinstance(event, bytes | None) else json.dumps(event).encode()


def records(*events, first=0):
    """Records of one partition; an event is a dict, or bytes that are sent as they are."""
    return [
        PlainRecord(offset, b"key", encoded(event), HEADERS)
        for offset, event in enumerate(events, start=first)
    ]


def send(bootstrap, topic, events, *, partition=None):
    """Publish events; the broker spreads them over the partitions by their ids."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    try:
        answers = [
            producer.send(
                topic,
                value=encoded(event),
                key=event["id"].encode() if isinstance(event, dict) else b"key",
                headers=HEADERS,
                partition=partition,
            )
            for event in events
        ]
        producer.flush(30)
        for answer in answers:
            answer.get(30)
    finally:
        producer.close()


def wait_until(condition: Callable[[], bool], *, seconds: float = 60.0, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(0.02)


def query(url, statement, *parameters):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement, parameters).fetchall()


def received(url):
    return query(url, "SELECT coalesce(sum(received), 0)::bigint FROM ledger.ingest_offset")[0][0]


def sums(url):
    """(received, booked, duplicate, rejected) of every source."""
    columns = "sum(received)::int, sum(booked)::int, sum(duplicate)::int, sum(rejected)::int"
    return query(url, f"SELECT {columns} FROM ledger.ingest_offset")[0]


def booked_ids(url, tenant_id="acme"):
    rows = query(
        url, "SELECT event_id FROM ledger.fact WHERE tenant_id = %s AND origin <> '' ORDER BY seq", tenant_id
    )
    return [row[0] for row in rows]


def assert_whole(url, ids: Iterable[str], *, received_count: int, tenant_id="acme"):
    """Nothing lost, nothing doubled, no gap, and the sums close."""
    found = booked_ids(url, tenant_id)
    assert sorted(found) == sorted(set(ids))
    (size, count), = query(
        url, "SELECT max(seq), count(*) FROM ledger.fact WHERE tenant_id = %s", tenant_id
    )  # fmt: skip
    assert size == count
    assert query(url, "SELECT size FROM ledger.head WHERE tenant_id = %s", tenant_id) == [(size,)]
    total, booked, duplicate, rejected = sums(url)
    assert total == received_count
    assert total == booked + duplicate + rejected
    (offsets,), = query(url, "SELECT sum(next_offset)::int FROM ledger.ingest_offset")  # fmt: skip
    assert offsets == received_count
