"""What happened to Harborlight that one would tell at lunch: each story is a case of BILLING.md."""

from datetime import date
from typing import Any, Final

import orjson

from cli.demo.harborlight import PRODUCTS, SETTINGS
from cli.demo.messages import Event, Narrator
from cli.demo.opening import customer_changes, happens, naming, price, publish
from cli.demo.provider import FULFILMENT, LICENCES, one_time
from cli.demo.provider import SETTINGS as SETTINGS_SOURCE
from cli.demo.times import TAKEOVER_DAY

UNKNOWN_TENANT: Final = "harborlite"


def tell_harborlight(narrator: Narrator) -> None:
    """Tell all stories of Harborlight."""
    for story in (
        the_last_hour_of_the_quarter,
        midnight_in_chicago,
        a_tablet_comes_back_unnoticed,
        a_stop_that_never_was,
        nobody_at_the_desk,
        ferries_in_dry_dock,
        a_free_month,
        an_inn_closes_for_a_while,
        prices_rise,
        a_price_added_to_a_product,
        policies_change,
        what_makes_no_sense,
        unreadable,
    ):
        story(narrator)


def the_last_hour_of_the_quarter(narrator: Narrator) -> None:
    """Half past eleven at night in New York is still 30 June there, though July in Greenwich."""
    happens(
        narrator,
        "activated",
        "vpn-0951",
        "2026-06-30T23:30:00-04:00",
        heard=date(2026, 7, 1),
        customer_id="c-206",
        product_id="site-vpn",
        quantity=1,
    )


def midnight_in_chicago(narrator: Narrator) -> None:
    """At one instant it is 31 May for a customer in Chicago and 1 June for its provider."""
    happens(
        narrator,
        "activated",
        "thn-0952",
        "2026-06-01T04:30:00Z",
        heard=date(2026, 6, 1),
        customer_id="c-205",
        product_id="thin-client",
        quantity=4,
    )


def a_tablet_comes_back_unnoticed(narrator: Narrator) -> None:
    """Back in the warehouse on 10 April, heard on 20 May, when it had been billed twice more."""
    happens(
        narrator,
        "activated",
        "tab-0953",
        date(2025, 9, 22),
        heard=TAKEOVER_DAY,
        customer_id="c-201",
        product_id="rugged-tablet",
        quantity=2,
        already_billed_through="2026-02-28",
    )
    happens(narrator, "returned", "tab-0953", date(2026, 4, 10), heard=date(2026, 5, 20), late=True)


def a_stop_that_never_was(narrator: Narrator) -> None:
    """Report it as stopped, and bill it up to then; the report was wrong and is voided."""
    tunnel: dict[str, Any] = {"customer_id": "c-203", "product_id": "site-vpn", "quantity": 1}
    happens(narrator, "activated", "vpn-0954", date(2026, 3, 4), heard=date(2026, 3, 4), **tunnel)
    stop = happens(narrator, "deactivated", "vpn-0954", date(2026, 5, 10), heard=date(2026, 5, 11))
    happens(
        narrator,
        "voided",
        "vpn-0954",
        date(2026, 5, 10),
        heard=date(2026, 5, 20),
        late=True,
        supersedes=naming(stop),
    )


def nobody_at_the_desk(narrator: Narrator) -> None:
    """Seats go down to none for a while, and come back."""
    seats: dict[str, Any] = {"customer_id": "c-202", "product_id": "crm-seat"}
    happens(
        narrator,
        "activated",
        "crm-0955",
        date(2026, 3, 9),
        heard=date(2026, 3, 6),
        source=LICENCES,
        quantity=3,
        **seats,
    )
    for effective, quantity in ((date(2026, 5, 1), 0), (date(2026, 6, 10), 2), (date(2026, 7, 1), 4)):
        happens(
            narrator,
            "changed",
            "crm-0955",
            effective,
            heard=effective,
            source=LICENCES,
            binding="binary",
            quantity=quantity,
        )


def ferries_in_dry_dock(narrator: Narrator) -> None:
    """Weekly passes rest while the boats are painted; the resume is heard three weeks late."""
    passes: dict[str, Any] = {"customer_id": "c-207", "product_id": "hotspot", "quantity": 3}
    happens(narrator, "activated", "hot-0956", date(2026, 3, 2), heard=date(2026, 3, 2), **passes)
    happens(narrator, "suspended", "hot-0956", date(2026, 3, 25), heard=date(2026, 3, 24))
    happens(narrator, "resumed", "hot-0956", date(2026, 4, 8), heard=date(2026, 4, 29), late=True)


def a_free_month(narrator: Narrator) -> None:
    """Installed and paid for at once, the yearly care begins after a free month."""
    happens(
        narrator,
        "activated",
        "fwl-0957",
        date(2026, 4, 13),
        heard=date(2026, 4, 13),
        customer_id="c-206",
        product_id="managed-firewall",
        quantity=1,
        free_until="2026-05-13",
    )


def an_inn_closes_for_a_while(narrator: Narrator) -> None:
    """Stop on 2 May, heard on 10 June: there is nothing to send but a credit note. Open in July."""
    clients: dict[str, Any] = {"customer_id": "c-208", "product_id": "thin-client", "quantity": 4}
    happens(
        narrator,
        "activated",
        "thn-0959",
        date(2025, 5, 20),
        heard=TAKEOVER_DAY,
        already_billed_through="2026-02-28",
        **clients,
    )
    happens(narrator, "deactivated", "thn-0959", date(2026, 5, 2), heard=date(2026, 6, 10), late=True)
    happens(narrator, "activated", "thn-0959", date(2026, 7, 20), heard=date(2026, 7, 17), **clients)


def prices_rise(narrator: Narrator) -> None:
    """One price is entered after the invoices that it touches, one from the next period, one is put right."""
    price(
        narrator,
        ("thin-client", "lease", "20.95"),
        date(2026, 6, 1),
        "immediately",
        heard=date(2026, 6, 19),
    )
    price(
        narrator,
        ("crm-seat", "seat", "41.00"),
        date(2026, 7, 1),
        "next_period",
        heard=date(2026, 6, 10),
    )
    typo = price(
        narrator,
        ("rugged-tablet", "lease", "82.50"),
        date(2026, 8, 1),
        "immediately",
        heard=date(2026, 7, 6),
    )
    price(
        narrator,
        ("rugged-tablet", "lease", "28.50"),
        date(2026, 8, 1),
        "immediately",
        heard=date(2026, 7, 20),
        supersedes=naming(typo),
    )


def a_price_added_to_a_product(narrator: Narrator) -> None:
    """From June a hotspot's card is charged when it is activated."""
    hotspot = next(product.data for product in PRODUCTS if product.product_id == "hotspot")
    prices = hotspot["prices"]
    assert isinstance(prices, list)
    card = one_time("card", "Data card", "4.00", "activation") | {"since": "2026-06-01"}
    publish(narrator, {**hotspot, "prices": [*prices, card]}, heard=date(2026, 5, 26))


def policies_change(narrator: Narrator) -> None:
    """From July the day of a stop is charged; one customer moves house, another loses a privilege."""
    narrator.tell(
        "tenant.configured",
        {**SETTINGS, "stop_day": "billed", "effective": "2026-07-01"},
        heard=date(2026, 6, 22),
        source=SETTINGS_SOURCE,
        subject="tenant",
    )
    customer_changes(
        narrator,
        "c-201",
        date(2026, 5, 1),
        heard=date(2026, 5, 4),
        address={"lines": ["2 Wharf Lane"], "postal_code": "ME 04011", "city": "Brunswick", "country": "US"},
    )
    customer_changes(narrator, "c-207", date(2026, 6, 22), heard=date(2026, 7, 6), credit_on_stop=None)
    customer_changes(
        narrator,
        "c-202",
        date(2026, 6, 1),
        heard=date(2026, 5, 27),
        price_overrides={"thin-client": {"lease": "18.50"}},
    )


def what_makes_no_sense(narrator: Narrator) -> None:
    """Sell a product that no catalog has."""
    happens(
        narrator,
        "activated",
        "sat-0958",
        date(2026, 7, 8),
        heard=date(2026, 7, 8),
        customer_id="c-204",
        product_id="satellite-link",
        quantity=1,
    )


def unreadable(narrator: Narrator) -> None:
    """Send a type that nobody has published, and name a tenant that does not exist."""
    rebooted = Event(
        narrator.tenant_id,
        FULFILMENT,
        "orders-99002",
        "service.rebooted",
        "2026-05-06T08:15:00-04:00",
        "fwl-0957",
        {"service_id": "fwl-0957", "effective": "2026-05-06"},
    )
    narrator.garble(
        orjson.dumps(rebooted.envelope()), heard=date(2026, 5, 6), key=f"{narrator.tenant_id}:fwl-0957"
    )
    misaddressed = Event(
        UNKNOWN_TENANT,
        FULFILMENT,
        "orders-99003",
        "service.deactivated",
        "2026-06-03T07:45:00-04:00",
        "tab-0953",
        {"service_id": "tab-0953", "effective": "2026-06-03"},
    )
    narrator.garble(
        orjson.dumps(misaddressed.envelope()), heard=date(2026, 6, 3), key=f"{UNKNOWN_TENANT}:tab-0953"
    )
