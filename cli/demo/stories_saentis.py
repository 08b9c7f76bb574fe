"""What happened to Säntis Workplace that one would tell at lunch: each story is a case of BILLING.md."""

from datetime import date
from typing import Any, Final

from cli.demo.messages import Narrator
from cli.demo.opening import adjusts, customer_changes, happens, naming, price, publish, takes_back
from cli.demo.provider import LICENCES
from cli.demo.saentis import CONFERENCE_HUB
from cli.demo.times import TAKEOVER_DAY

SERVICE_OF_24_JUNE: Final = "lap-0924"
CUSTOMER_OF_24_JUNE: Final = "c-105"


def tell_saentis(narrator: Narrator) -> None:
    """Tell all stories of Säntis Workplace."""
    for story in (
        the_24th_of_june,
        a_delivery_slips,
        a_delivery_slips_after_the_invoice,
        plans,
        the_wrong_customer,
        sold_before_it_was_in_the_catalog,
        the_hotel_closes_for_the_winter,
        a_workshop_is_taken_over,
        an_own_price,
        out_of_order,
        what_makes_no_sense,
        midnight_in_zurich,
        prices_rise,
        the_hotel_is_billed_on_another_day,
        finance_adjusts,
        unreadable,
    ):
        story(narrator)


def the_24th_of_june(narrator: Narrator) -> None:
    """Activated on 24 June, billed on 2 July, stopped on 11 July as is heard on the 20th (BILLING.md §10)."""
    laptop = SERVICE_OF_24_JUNE
    activated = happens(
        narrator,
        "activated",
        laptop,
        date(2026, 6, 24),
        heard=date(2026, 6, 24),
        customer_id=CUSTOMER_OF_24_JUNE,
        product_id="laptop-standard",
        quantity=1,
        attributes={"serial": "5CG1240624", "site": "FRA", "user": "n.wind"},
    )
    narrator.again(activated, heard=date(2026, 6, 25))
    narrator.again(activated, heard=date(2026, 7, 3), binding="binary")
    happens(narrator, "deactivated", laptop, date(2026, 7, 11), heard=date(2026, 7, 20), late=True)
    happens(narrator, "returned", laptop, date(2026, 8, 14), heard=date(2026, 8, 14))


def a_delivery_slips(narrator: Narrator) -> None:
    """Tell how an activation planned for 4 May is put off to the 18th before anything was billed."""
    wanted: dict[str, Any] = {"customer_id": "c-102", "product_id": "laptop-standard", "quantity": 2}
    first = happens(narrator, "activated", "lap-0902", date(2026, 5, 4), heard=date(2026, 4, 20), **wanted)
    happens(
        narrator,
        "activated",
        "lap-0902",
        date(2026, 5, 18),
        heard=date(2026, 4, 30),
        supersedes=naming(first),
        **wanted,
    )


def a_delivery_slips_after_the_invoice(narrator: Narrator) -> None:
    """Charged on the invoice of 5 May, and not delivered before the 18th, as is heard on the 12th."""
    wanted: dict[str, Any] = {"customer_id": "c-103", "product_id": "laptop-pro", "quantity": 1}
    happens(narrator, "scheduled", "pro-0903", date(2026, 5, 1), heard=date(2026, 4, 3), **wanted)
    first = happens(narrator, "activated", "pro-0903", date(2026, 5, 1), heard=date(2026, 4, 20), **wanted)
    happens(
        narrator,
        "activated",
        "pro-0903",
        date(2026, 5, 18),
        heard=date(2026, 5, 12),
        late=True,
        supersedes=naming(first),
        **wanted,
    )


def plans(narrator: Narrator) -> None:
    """One plan is dropped, one waits for October, one is due in September."""
    monitor: dict[str, Any] = {"customer_id": "c-101", "product_id": "monitor-27", "quantity": 4}
    plan = happens(narrator, "scheduled", "mon-0904", date(2026, 7, 1), heard=date(2026, 6, 2), **monitor)
    happens(
        narrator, "voided", "mon-0904", date(2026, 7, 1), heard=date(2026, 6, 25), supersedes=naming(plan)
    )
    fleet: dict[str, Any] = {"customer_id": "c-107", "product_id": "laptop-standard", "quantity": 12}
    happens(narrator, "scheduled", "lap-0905", date(2026, 10, 1), heard=date(2026, 8, 3), **fleet)
    next_one: dict[str, Any] = {"customer_id": "c-109", "product_id": "laptop-standard", "quantity": 3}
    happens(narrator, "activated", "lap-0906", date(2026, 9, 15), heard=date(2026, 8, 20), **next_one)


def the_wrong_customer(narrator: Narrator) -> None:
    """Delivered to one customer, booked to another and billed; the booking is voided and sent anew."""
    laptop: dict[str, Any] = {"product_id": "laptop-pro", "quantity": 1}
    wrong = happens(
        narrator,
        "activated",
        "pro-0907",
        date(2026, 3, 10),
        heard=date(2026, 3, 16),
        customer_id="c-102",
        **laptop,
    )
    happens(
        narrator,
        "voided",
        "pro-0907",
        date(2026, 3, 10),
        heard=date(2026, 4, 9),
        late=True,
        supersedes=naming(wrong),
    )
    happens(
        narrator,
        "activated",
        "pro-0908",
        date(2026, 3, 10),
        heard=date(2026, 4, 9),
        late=True,
        customer_id="c-106",
        **laptop,
    )


def sold_before_it_was_in_the_catalog(narrator: Narrator) -> None:
    """Kept and reported; billed once the catalog knows what it costs."""
    hub: dict[str, Any] = {"customer_id": "c-109", "product_id": "conference-hub", "quantity": 1}
    happens(narrator, "activated", "hub-0909", date(2026, 4, 2), heard=date(2026, 4, 2), **hub)
    publish(narrator, CONFERENCE_HUB, heard=date(2026, 4, 24))


def the_hotel_closes_for_the_winter(narrator: Narrator) -> None:
    """Three laptops are paused until Easter; that one of them was is heard after the invoice of 10 April."""
    for number, heard in ((910, date(2026, 3, 9)), (911, date(2026, 3, 6)), (912, date(2026, 4, 20))):
        laptop = f"lap-0{number}"
        happens(
            narrator,
            "activated",
            laptop,
            date(2025, 4, 14),
            heard=TAKEOVER_DAY,
            customer_id="c-104",
            product_id="laptop-standard",
            quantity=1,
            already_billed_through="2026-02-28",
            attributes={"site": "LOBBY"},
        )
        late = heard > date(2026, 4, 10)
        happens(narrator, "suspended", laptop, date(2026, 3, 9), heard=heard, late=late)
        happens(narrator, "resumed", laptop, date(2026, 4, 1), heard=max(heard, date(2026, 3, 30)), late=late)
        happens(
            narrator, "changed", laptop, date(2026, 4, 3), heard=date(2026, 4, 21), attributes={"site": "BAR"}
        )


def a_workshop_is_taken_over(narrator: Narrator) -> None:
    """From 15 May another customer pays; both had their invoices of 1 June when it is heard."""
    happens(
        narrator,
        "activated",
        "lap-0913",
        date(2026, 3, 2),
        heard=date(2026, 3, 2),
        customer_id="c-101",
        product_id="laptop-standard",
        quantity=3,
    )
    happens(
        narrator,
        "changed",
        "lap-0913",
        date(2026, 5, 15),
        heard=date(2026, 6, 8),
        late=True,
        customer_id="c-102",
    )


def an_own_price(narrator: Narrator) -> None:
    """Agreed at the start, taken back ten weeks later."""
    happens(
        narrator,
        "activated",
        "mon-0914",
        date(2026, 3, 2),
        heard=date(2026, 3, 2),
        customer_id="c-107",
        product_id="monitor-27",
        quantity=6,
        price_overrides={"rent": "7.20"},
    )
    happens(
        narrator,
        "changed",
        "mon-0914",
        date(2026, 5, 10),
        heard=date(2026, 5, 8),
        price_overrides={"rent": None},
    )


def out_of_order(narrator: Narrator) -> None:
    """Change what is not known to be active yet; later, other content comes under a used id."""
    change = happens(
        narrator,
        "changed",
        "off-0915",
        date(2026, 4, 20),
        heard=date(2026, 4, 21),
        source=LICENCES,
        binding="binary",
        quantity=14,
    )
    happens(
        narrator,
        "activated",
        "off-0915",
        date(2026, 4, 1),
        heard=date(2026, 4, 27),
        source=LICENCES,
        binding="binary",
        late=True,
        customer_id="c-106",
        product_id="office-suite",
        quantity=11,
    )
    narrator.contradict(change, {"quantity": 41}, heard=date(2026, 5, 11))


def what_makes_no_sense(narrator: Narrator) -> None:
    """Kept and reported: a return of nothing, a customer that nobody knows, an activation too many."""
    happens(narrator, "returned", "lap-0916", date(2026, 5, 20), heard=date(2026, 5, 21))
    happens(
        narrator,
        "activated",
        "lap-0917",
        date(2026, 6, 11),
        heard=date(2026, 6, 11),
        customer_id="c-190",
        product_id="laptop-standard",
        quantity=1,
    )
    monitor: dict[str, Any] = {"customer_id": "c-101", "product_id": "monitor-27", "quantity": 1}
    happens(narrator, "activated", "mon-0918", date(2026, 4, 7), heard=date(2026, 4, 7), **monitor)
    happens(narrator, "activated", "mon-0918", date(2026, 4, 9), heard=date(2026, 4, 9), **monitor)


def midnight_in_zurich(narrator: Narrator) -> None:
    """On the evening of 1 April in Greenwich it is 2 April where the customer is."""
    happens(
        narrator,
        "activated",
        "dsk-0919",
        "2026-04-01T22:30:00Z",
        heard=date(2026, 4, 2),
        customer_id="c-103",
        product_id="service-desk",
        quantity="2.5",
    )


def prices_rise(narrator: Narrator) -> None:
    """One price for new services only, one in the middle of the month, one from the next period on."""
    price(
        narrator,
        ("laptop-pro", "rent", "54.00"),
        date(2026, 4, 1),
        "new_services",
        heard=date(2026, 3, 20),
    )
    price(
        narrator,
        ("monitor-27", "rent", "8.90"),
        date(2026, 5, 15),
        "immediately",
        heard=date(2026, 5, 4),
    )
    price(
        narrator,
        ("office-suite", "seat", "12.40"),
        date(2026, 6, 10),
        "next_period",
        heard=date(2026, 5, 28),
    )


def the_hotel_is_billed_on_another_day(narrator: Narrator) -> None:
    """From June on the 20th instead of the 10th; its periods move along."""
    customer_changes(narrator, "c-104", date(2026, 6, 1), heard=date(2026, 5, 22), billing_day=20)


def finance_adjusts(narrator: Narrator) -> None:
    """Credit goodwill; charge a charger that was lost and found again after the invoice."""
    adjusts(
        narrator,
        "goodwill-102",
        "c-102",
        "-25.00",
        date(2026, 6, 10),
        text="Goodwill for the late delivery",
        reason="delivered ten days late, case 4711",
    )
    charger = adjusts(
        narrator,
        "charger-102",
        "c-102",
        "39.00",
        date(2026, 6, 12),
        text="Lost charger",
        reason="reported lost on 11 June",
    )
    takes_back(narrator, charger, heard=date(2026, 7, 20), reason="it was found")


def unreadable(narrator: Narrator) -> None:
    """Send a message cut short, and one in another producer's framing."""
    narrator.garble(
        b'{"specversion":"1.0","id":"orders-99001","source":"/fulfilment/orders","type":"service.act',
        heard=date(2026, 4, 8),
        key="saentis:lap-0920",
    )
    narrator.garble(
        b'\x00\x00\x00\x00\x07{"service_id":"lap-0921","effective":"2026-06-17"}',
        heard=date(2026, 6, 17),
        key="saentis:lap-0921",
        headers=(("content-type", b"application/json"),),
    )
