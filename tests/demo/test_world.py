"""The demo's world: the same every time, readable by the ledger, and with something of everything in it."""

from collections import Counter
from datetime import date

import pytest

from cli.demo.messages import Message
from cli.demo.times import FIRST_DAY, LAST_DAY, issue_days
from cli.demo.world import PROVIDERS, World, build
from schemas.reading import Event, Unreadable, check_event, read_event
from schemas.registry import HEARD

LIFECYCLE = sorted(type_ for type_ in HEARD if type_.startswith("service."))


@pytest.fixture(scope="module")
def world() -> World:
    return build()


def booked(world: World) -> list[Message]:
    return [message for message in world.messages if message.fate == "booked"]


def test_the_same_world_grows_from_the_same_seed_byte_for_byte(world):
    assert build() == world
    assert build(seed=1) != world


def test_messages_are_sent_in_order_of_their_days(world):
    days = [message.sent_on for message in world.messages]
    assert days == sorted(days)
    assert days[-1] <= LAST_DAY


@pytest.mark.parametrize("type_", sorted(HEARD))
def test_every_event_type_occurs(world, type_):
    assert any(message.event.type == type_ for message in booked(world) if message.event)


def test_there_are_several_hundred_lifecycle_events(world):
    told = Counter(message.event.type for message in booked(world) if message.event)
    assert sum(told[type_] for type_ in LIFECYCLE) >= 300


def test_two_providers_with_their_own_currencies_and_zones(world):
    assert len({provider.settings["currency"] for provider in PROVIDERS}) == 2
    assert len({provider.settings["timezone"] for provider in PROVIDERS}) == 2
    assert sum(len(provider.products) for provider in PROVIDERS) >= 8
    assert sum(len(provider.customers) for provider in PROVIDERS) >= 12


def test_the_catalog_has_every_kind_of_price():
    prices = [
        price for provider in PROVIDERS for product in provider.products for price in product.data["prices"]
    ]
    assert {price.get("interval") for price in prices} >= {"week", "month", "quarter", "year"}
    assert {price.get("timing") for price in prices} >= {"in_advance", "in_arrears"}
    assert {price.get("trigger") for price in prices} >= {"activation", "change", "return"}


def test_price_versions_reach_services_in_all_three_ways(world):
    published = [message.event.data for message in booked(world) if message.event.type == "price.published"]
    assert {data["applies"] for data in published} == {"immediately", "next_period", "new_services"}


def test_changes_touch_quantity_product_own_price_customer_and_attributes(world):
    changes = [message.event.data for message in booked(world) if message.event.type == "service.changed"]
    for field in ("quantity", "product_id", "price_overrides", "customer_id", "attributes"):
        assert any(field in data for data in changes), field


def test_every_event_is_valid_under_its_schema(world):
    for message in booked(world):
        read = check_event(message.event.envelope())
        assert isinstance(read, Event), (message.event, read)


def test_structured_messages_can_be_read_unless_they_must_not_be(world):
    for message in world.messages:
        if dict(message.headers)["content-type"].startswith(b"application/cloudevents"):
            read = read_event(message.value)
            if message.event is not None:
                assert isinstance(read, Event), (message, read)


def test_ids_are_used_once_but_for_duplicates_and_the_conflict(world):
    ids = Counter((m.event.tenant_id, m.event.source, m.event.id) for m in booked(world))
    assert max(ids.values()) == 1
    for message in world.messages:
        if message.fate == "duplicate":
            assert ids[(message.event.tenant_id, message.event.source, message.event.id)] == 1


def test_duplicates_conflicts_and_late_facts_occur(world):
    assert world.count("duplicate") >= 10
    assert world.count("rejected") == 5
    assert sum(message.late for message in world.messages) >= 10
    bindings = {
        m.headers[0][1] for m in world.messages if m.fate == "duplicate" and m.event.subject == "lap-0924"
    }
    assert bindings == {b"application/cloudevents+json; charset=UTF-8", b"application/json"}


def test_three_messages_cannot_be_read(world):
    read = [
        read_event(message.value)
        for message in world.messages
        if message.fate == "rejected" and not message.event
    ]
    reasons = [str(found.reason) for found in read if isinstance(found, Unreadable)]
    assert sorted(reasons) == ["confluent_framing", "invalid_json", "unknown_type"]


def test_events_of_one_service_share_a_key_so_that_they_stay_in_order(world):
    for message in world.messages:
        if message.event:
            assert message.key.decode() == f"{message.event.tenant_id}:{message.event.subject}"


def test_the_issue_days_hold_24_june_case_and_the_ends_of_short_months(world):
    assert date(2026, 7, 2) in world.issue_days["saentis"]
    assert date(2026, 8, 2) in world.issue_days["saentis"]
    assert issue_days([31]) == tuple(
        date(2026, m, d) for m, d in ((3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31))
    )
    assert all(FIRST_DAY <= day <= LAST_DAY for days in world.issue_days.values() for day in days)


def test_every_binary_message_carries_the_attributes_in_headers(world):
    binary = [m for m in world.messages if m.event and m.headers[0][1] == b"application/json"]
    assert len(binary) > 20
    for message in binary:
        headers = {name: value.decode() for name, value in message.headers}
        assert headers["ce_id"] == message.event.id
        assert headers["ce_type"] == message.event.type
        assert headers["ce_tenantid"] == message.event.tenant_id
