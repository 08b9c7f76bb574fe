"""Facts of the wire as the fold reads them: what is named, and what is not."""

from datetime import UTC, datetime

import pytest

from billing.days import day
from billing.errors import InvalidFactError
from billing.facts import EventRef, ServiceEvent, number, overrides, service_event, superseded_by
from billing.money import exact

BARE = {
    "source": "crm",
    "id": "e1",
    "type": "service.activated",
    "data": {"service_id": "s", "effective": "2026-06-24"},
}


def test_what_an_event_does_not_name_is_empty():
    named = {"ref": EventRef("crm", "e1"), "type": "service.activated", "service_id": "s"}
    bare = ServiceEvent(**named, effective=day("2026-06-24"), heard=7)
    assert bare == service_event(BARE, 7)
    assert bare == ServiceEvent(
        ref=EventRef("crm", "e1"),
        type="service.activated",
        service_id="s",
        effective=day("2026-06-24"),
        heard=7,
        occurred_at=None,
        customer_id=None,
        product_id=None,
        quantity=None,
        price_overrides={},
        attributes={},
        supersedes=None,
        already_billed_through=None,
        free_until=None,
    )


def test_every_member_is_read():
    data = {
        "service_id": "s",
        "effective": "2026-06-24T08:00:00Z",
        "customer_id": "c",
        "product_id": "p",
        "quantity": 2,
        "price_overrides": {"rent": "27.50", "fee": None},
        "attributes": {"serial": "A1"},
        "supersedes": {"id": "e0"},
        "already_billed_through": "2026-05-31",
        "free_until": "2026-06-15",
    }
    assert service_event({**BARE, "time": "2026-06-23T09:00:00Z", "data": data}, 8) == ServiceEvent(
        ref=EventRef("crm", "e1"),
        type="service.activated",
        service_id="s",
        effective=datetime(2026, 6, 24, 8, tzinfo=UTC),
        heard=8,
        occurred_at=datetime(2026, 6, 23, 9, tzinfo=UTC),
        customer_id="c",
        product_id="p",
        quantity=exact("2"),
        price_overrides={"rent": exact("27.5"), "fee": None},
        attributes={"serial": "A1"},
        supersedes=EventRef("crm", "e0"),
        already_billed_through=day("2026-05-31"),
        free_until=day("2026-06-15"),
    )


def test_what_is_superseded_is_of_the_same_source_unless_another_is_named():
    """On the wire `supersedes` is a source and an id (BILLING.md §2)."""
    named = {**BARE, "data": {"supersedes": {"id": "e0", "source": "shop"}}}
    assert superseded_by(named) == EventRef("shop", "e0")
    assert superseded_by({**BARE, "data": {"supersedes": {"id": "e0"}}}) == EventRef("crm", "e0")
    assert superseded_by(BARE) is None


@pytest.mark.parametrize(("value", "text"), [("1.50", "1.50"), (3, "3"), (0, "0")])
def test_a_number_is_a_text_or_whole(value, text):
    assert number(value).text == text


@pytest.mark.parametrize("value", [1.5, True, False, None])
def test_what_is_no_number(value):
    """A fraction that JSON wrote as a number is not exact any more."""
    with pytest.raises(InvalidFactError, match="is no amount"):
        number(value)


def test_null_takes_a_price_back():
    assert overrides(None) == {}
    assert overrides({"rent": "0", "fee": None}) == {"rent": exact("0"), "fee": None}
