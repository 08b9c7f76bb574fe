"""What finance enters by hand, by HTTP: adjustments, credits, what a price would move; and the forecast."""

from typing import Any

import pytest

from tests.api.conftest import Doors
from tests.projections.world import event

pytestmark = pytest.mark.postgres


@pytest.fixture
def billed(doors: Doors) -> Doors:
    doors.world.activate("s1", "c1", "laptop", "2026-06-24")
    doors.world.run("2026-07-02")
    doors.world.project()
    return doors


def enter(doors: Doors, **wanted: Any) -> Any:
    values = {"amount": "-12.50", "reason": "broken for a week", "adjustment_id": "a1", **wanted}
    answer = doors.post("/v1/customers/c1/adjustments", "finance", json=values)
    doors.world.project()
    return answer


def test_a_credit_stands_on_the_next_invoice(billed: Doors) -> None:
    answer = enter(billed)
    assert (answer.status_code, answer.json()) == (201, {"adjustment_id": "a1", "seq": billed.world.head()})
    billed.world.run("2026-08-02")
    billed.world.project()
    (entered,) = billed.get("/v1/adjustments?customer_id=c1").json()["items"]
    assert (entered["amount"], entered["is_live"], entered["invoiced_on"]) == ("-12.50", True, ["INV-000002"])
    assert entered["author"] == billed.get("/v1/key", "finance").json()["key_id"]
    assert billed.get("/v1/invoices/INV-000002").json()["net"] == "17.50"
    assert billed.get("/v1/adjustments?customer_id=c2").json()["items"] == []


@pytest.mark.parametrize("projected", [True, False])
def test_sent_again_it_is_answered_as_the_first_time(billed: Doors, projected: bool) -> None:
    """Also a day later, as its day is the first one's where none is named."""
    path, wanted = (
        "/v1/customers/c1/adjustments",
        {"amount": "-12.50", "reason": "broken", "adjustment_id": "a1"},
    )
    first = billed.post(path, "finance", json=wanted)
    if projected:
        billed.world.project()
    billed.world.clock.on("2026-07-03")
    head = billed.world.head()
    again = billed.post(path, "finance", json=wanted)
    assert (again.status_code, again.json()) == (201, first.json())
    for other, name in (({"amount": "-12.00"}, "amount"), ({"effective": "2026-07-09"}, "effective")):
        answer = billed.post(path, "finance", json={**wanted, **other})
        assert (answer.status_code, answer.json()["code"]) == (409, "adjustment_taken")
        assert f"with another {name}; take another id" in answer.json()["detail"]
    for_another = billed.post("/v1/customers/c2/adjustments", "finance", json=wanted)
    assert (for_another.status_code, for_another.json()["code"]) == (409, "adjustment_taken")
    assert "with another customer_id;" in for_another.json()["detail"]
    assert billed.world.head() == head


def test_what_was_taken_back_is_not_entered_again(billed: Doors) -> None:
    """The answer of the first time would say that it counts."""
    enter(billed)
    billed.post("/v1/customers/c1/adjustments/a1/withdraw", "finance", json={"reason": "not broken"})
    billed.world.project()
    answer = enter(billed)
    assert (answer.status_code, answer.json()["code"]) == (409, "adjustment_taken")
    assert "and taken back since" in answer.json()["detail"]


def test_it_is_taken_back_once(billed: Doors) -> None:
    enter(billed)
    path = "/v1/customers/c1/adjustments/a1/withdraw"
    assert billed.post(path, "finance", json={"reason": "not broken"}).status_code == 200
    billed.world.project()
    (entered,) = billed.get("/v1/adjustments").json()["items"]
    assert not entered["is_live"]
    ended_by = entered["ended_by"]
    fate = billed.get("/v1/events", params=ended_by).json()
    assert fate["seq"] == billed.world.head()
    again = billed.post(path, "finance", json={"reason": "not broken"})
    assert (again.status_code, again.json()["code"]) == (404, "adjustment_unknown")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"amount": "0.00"}, "adjustment_invalid"),
        ({"amount": "1.005"}, "adjustment_invalid"),
        ({"amount": "much"}, "invalid_request"),
        ({"reason": ""}, "invalid_request"),
        ({"effective": "soon"}, "invalid_request"),
    ],
)
def test_what_no_invoice_could_show_is_refused(billed: Doors, wanted: dict[str, str], code: str) -> None:
    head = billed.world.head()
    answer = enter(billed, **wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert billed.world.head() == head


def test_a_refused_event_of_an_adjustment_says_which_field_is_wrong(billed: Doors) -> None:
    answer = enter(billed, effective="9999-12-31")
    assert (answer.status_code, answer.json()["code"]) == (422, "event_refused")
    (why,) = answer.json()["results"]
    assert (why["reason"], why["field"]) == ("schema_invalid", "data.effective")


def test_the_forecast_is_what_is_issued(billed: Doors) -> None:
    enter(billed)
    forecast = billed.get("/v1/forecast?months=2&customer_id=c1", "finance").json()
    months = {one["month"]: one for one in forecast["months"]}
    assert list(months) == ["2026-07", "2026-08", "2026-09"]
    assert (months["2026-08"]["running"], months["2026-09"]["net"]) == ("30.00", "30.00")
    billed.world.run("2026-08-02")
    billed.world.project()
    (issued,) = billed.get("/v1/invoices?period=2026-08").json()["items"]
    assert issued["net"] == months["2026-08"]["net"]
    by_product = billed.get("/v1/forecast?per=product&months=1").json()["months"]
    assert {one["group"] for one in by_product} == {"laptop"}
    unknown = billed.get("/v1/forecast?customer_id=ghost")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customer_unknown")


def test_a_whole_invoice_is_taken_back(billed: Doors) -> None:
    path = "/v1/invoices/INV-000001/credit"
    answer = billed.post(path, "finance", json={"reason": "wrong customer"})
    assert (answer.status_code, answer.json()["net"], answer.json()["kind"]) == (
        201,
        "-136.00",
        "credit_note",
    )
    billed.world.project()
    shown = billed.get(f"/v1/invoices/{answer.json()['number']}").json()
    assert [line["reverses"]["document"] for line in shown["line_items"]] == ["INV-000001"] * 3
    again = billed.post(path, "finance", json={"reason": "wrong customer"})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_credit")
    assert billed.post("/v1/invoices/none/credit", "finance", json={"reason": "x"}).status_code == 404


def test_an_invoice_as_of_a_time(billed: Doors) -> None:
    whole = billed.get("/v1/invoices/INV-000001").json()
    seq = whole["seq"]
    assert billed.get(f"/v1/invoices/INV-000001?as_of={seq}").json() == whole
    before = billed.get(f"/v1/invoices/INV-000001?as_of={seq - 1}")
    assert (before.status_code, before.json()["code"]) == (404, "invoice_unknown")
    assert billed.get("/v1/invoices/INV-000001?as_of=999").json()["code"] == "as_of_unknown"


def price(amount: str, **data: Any) -> dict[str, Any]:
    values = {"product_id": "laptop", "price_id": "rent", "amount": amount, "applies": "immediately"}
    return event("price.published", {**values, "effective": "2026-08-01", **data}, "new-rent")


def test_what_a_price_would_move_is_what_it_moves(billed: Doors) -> None:
    head = billed.world.head()
    shown = billed.post("/v1/impact", "finance", json=price("33.00")).json()
    assert (shown["customers"], shown["is_past"]) == (1, False)
    (moved,) = shown["largest"]
    assert (moved["customer_id"], moved["before"], moved["after"]) == ("c1", "30.00", "33.00")
    assert billed.world.head() == head
    billed.post("/v1/events", json=price("33.00"))
    billed.world.run(moved["days"][-1])
    billed.world.project()
    assert billed.get("/v1/invoices/INV-000002").json()["net"] == moved["after"]


def test_an_impact_of_what_moves_no_price_is_refused(billed: Doors) -> None:
    activated = event("service.deactivated", {"service_id": "s1", "effective": "2026-08-01"}, "x")
    for body in (activated, {"specversion": "1.0"}, price("33.00") | {"tenantid": "other"}):
        answer = billed.post("/v1/impact", "finance", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "event_refused")
        (why,) = answer.json()["results"]
        assert (why["place"], why["fate"], why["seq"]) == (0, "refused", None)
        assert answer.json()["detail"] == f"{why['reason']}: {why['detail']}"
    answer = billed.post("/v1/impact", "finance", json=price("1.00", price_id="ghost"))
    assert (answer.status_code, answer.json()["code"]) == (422, "price_unknown")


def test_an_impact_on_too_many_is_left_to_the_operator(
    billed: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.impact.MOST_CUSTOMERS", 0)
    answer = billed.post("/v1/impact", "finance", json=price("33.00"))
    assert (answer.status_code, answer.json()["code"]) == (422, "impact_too_large")


def test_the_largest_amounts_that_may_be_sent_are_answered_wherever_they_stand(billed: Doors) -> None:
    """Sums have more digits than what they are made of."""
    largest = "999999999999999"
    assert enter(billed, amount=largest).status_code == 201
    prices = {"price_overrides": {"rent": largest}}
    activated = {"service_id": "s9", "customer_id": "c1", "product_id": "laptop", "effective": "2026-07-01"}
    billed.world.hear("service.activated", quantity=2, **activated, **prices)
    billed.world.run("2026-08-02")
    billed.world.project()
    impact = billed.post("/v1/impact", "finance", json=price(largest))
    assert impact.status_code == 200, impact.json()
    for path in (
        "/v1/forecast",
        "/v1/forecast?customer_id=c1&by=service",
        "/v1/customers/c1/preview",
        f"/v1/customers/c1/history?as_of={billed.world.head()}",
        "/v1/services/s9/charges",
        "/v1/invoices",
        "/v1/invoices/INV-000002",
        "/v1/invoices/totals",
        "/v1/invoices/months",
        "/v1/adjustments",
    ):
        answer = billed.get(path)
        assert answer.status_code == 200, (path, answer.json())
    assert len(billed.get("/v1/invoices/INV-000002").json()["net"]) > len("999999999999999.00")
