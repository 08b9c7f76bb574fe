"""Totals of invoices: what the list shows, added up; and month by month."""

from decimal import Decimal

import pytest

from api.access import View
from api.invoice_filters import InvoiceFilters
from api.routes.invoice_totals import get_invoice_months, get_invoice_totals
from tests.api.conftest import Doors
from tests.projections.world import RENT, World, opened

pytestmark = pytest.mark.postgres


@pytest.fixture
def billed(doors: Doors) -> Doors:
    """Two customers, billed for three months in two currencies; c2's last document is a credit note."""
    world = doors.world
    world.product("desk", {**RENT, "amount": "12.50"}, currency="CHF", service_type="furniture")
    world.activate("s1", "c1", "laptop", "2026-05-24")
    world.activate("s2", "c2", "laptop", "2026-05-28", quantity=2)
    world.activate("s3", "c2", "desk", "2026-07-20")
    world.run("2026-06-02")
    world.run("2026-07-02")
    world.hear("service.deactivated", service_id="s2", effective="2026-06-11")
    world.run("2026-08-02")
    world.project()
    return doors


@pytest.mark.parametrize(
    "query",
    [
        "",
        "customer_id=c2",
        "customer_id=nobody",
        "service_id=s2",
        "product_id=desk",
        "service_type=furniture",
        "service_type=nothing",
        "kind=credit_note",
        "period=2026-08",
        "period=2026-08&currency=EUR&kind=invoice",
        "period=2026-09",
        "currency=EUR&net_from=30.00",
        "currency=EUR&net_to=-0.01&period=2026-08",
    ],
)
def test_totals_are_those_of_the_list(billed: Doors, query: str) -> None:
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for item in billed.get(f"/v1/invoices?{query}").json()["items"]:
        added = sums.setdefault((item["currency"], item["kind"]), [Decimal(0)] * 3)
        for place, value in enumerate((1, item["lines"], item["net"])):
            added[place] += Decimal(value)
    answer = billed.get(f"/v1/invoices/totals?{query}", "auditor")
    assert answer.status_code == 200, answer.text
    found = answer.json()["totals"]
    assert {
        (one["currency"], one["kind"]): [Decimal(one[name]) for name in ("documents", "lines", "net")]
        for one in found
    } == sums
    assert len(found) == len(sums)
    assert bool(found) != (query in {"customer_id=nobody", "service_type=nothing", "period=2026-09"})


def test_a_total_is_written_in_its_currency(billed: Doors) -> None:
    assert billed.get("/v1/invoices/totals?kind=credit_note").json() == {
        "totals": [{"currency": "EUR", "kind": "credit_note", "documents": 1, "lines": 2, "net": "-100.00"}]
    }


def test_months_say_what_was_issued_for_each(billed: Doors) -> None:
    answer = billed.get("/v1/invoices/months?first=2026-07&last=2026-12").json()
    assert (answer["first"], answer["last"]) == ("2026-07", "2026-12")
    shown = [(one["month"], one["currency"], one["kind"], one["documents"]) for one in answer["months"]]
    assert shown == [
        ("2026-07", "EUR", "invoice", 2),
        ("2026-08", "CHF", "invoice", 1),
        ("2026-08", "EUR", "invoice", 1),
        ("2026-08", "EUR", "credit_note", 1),
    ]
    for one in answer["months"]:
        asked = f"period={one['month']}&currency={one['currency']}&kind={one['kind']}"
        (total,) = billed.get(f"/v1/invoices/totals?{asked}").json()["totals"]
        assert one == {**total, "month": one["month"]}


def test_months_without_a_range_are_the_twelve_up_to_the_tenants_day(billed: Doors) -> None:
    answer = billed.get("/v1/invoices/months").json()
    assert (answer["first"], answer["last"]) == ("2025-09", "2026-08")
    assert {one["month"] for one in answer["months"]} == {"2026-06", "2026-07", "2026-08"}
    answer = billed.get("/v1/invoices/months?last=2026-06").json()
    assert (answer["first"], {one["month"] for one in answer["months"]}) == ("2025-07", {"2026-06"})
    assert billed.get("/v1/invoices/months?last=0001-01").json() == {
        "first": "0001-01",
        "last": "0001-01",
        "months": [],
    }


@pytest.mark.parametrize(
    ("address", "code", "named"),
    [
        ("months?first=2026-08&last=2026-07", "invalid_request", "2026-08 to 2026-07"),
        ("months?first=2016-08&last=2026-08", "invalid_request", "1 to 120 months"),
        ("months?first=9999-12", "invalid_request", "9999-12 to 2026-08"),
        ("months?first=2026-13", "invalid_request", "2026-13"),
        ("totals?net_from=10", "invalid_request", "currency=EUR"),
        ("totals?net_to=10.001&currency=EUR", "invalid_amount", "10.001"),
        ("totals?kind=order", "invalid_request", "order"),
    ],
)
def test_what_is_wrong_is_named(billed: Doors, address: str, code: str, named: str) -> None:
    answer = billed.get(f"/v1/invoices/{address}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert named in answer.text


def test_another_tenant_sees_nothing_of_them(billed: Doors) -> None:
    opened(World(billed.world.url, billed.world.clock, "bolt")).project()
    assert billed.get("/v1/invoices/totals", tenant="bolt").json() == {"totals": []}
    assert billed.get("/v1/invoices/totals?customer_id=c1", tenant="bolt").json() == {"totals": []}
    assert billed.get("/v1/invoices/months", tenant="bolt").json()["months"] == []


def test_they_are_functions_of_a_view(billed: Doors) -> None:
    """So that other doors can call them: without a request, with the filters as values."""
    world = billed.world
    with world.read() as cursor:
        view = View(cursor, world.tenant, world.clock)
        totals = get_invoice_totals(view, InvoiceFilters(customer_id="c1", period="2026-07"))
        months = get_invoice_months(view, last="2026-07")
    assert totals.model_dump() == billed.get("/v1/invoices/totals?customer_id=c1&period=2026-07").json()
    assert [one.net for one in totals.totals] == ["30.00"]
    assert months.model_dump() == billed.get("/v1/invoices/months?last=2026-07").json()
