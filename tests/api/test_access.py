"""Who comes in: no route without a key but health, each role where it may, and no key in a log."""

import logging
from datetime import timedelta

import pytest
from fastapi import APIRouter

from api.access import GuardedRoute, door
from ledger import keys
from ledger.keys import KEY_ROLES
from tests.api.conftest import Doors
from tests.api.operations import OPEN, PROBLEM, Operation, operations

pytestmark = pytest.mark.postgres

MAY = {
    "get_openapi": "publisher finance auditor admin",
    "get_key": "publisher finance auditor admin",
    "list_customers": "finance auditor admin",
    "get_customer": "finance auditor admin",
    "list_invoices": "finance auditor admin",
    "get_invoice_totals": "finance auditor admin",
    "get_invoice_months": "finance auditor admin",
    "get_invoice": "finance auditor admin",
    "get_invoice_pdf": "finance auditor admin",
    "get_invoice_csv": "finance auditor admin",
    "get_preview": "finance auditor admin",
    "get_customer_as_of": "finance auditor admin",
    "list_services": "finance auditor admin",
    "get_service": "finance auditor admin",
    "get_charge_schedule": "finance auditor admin",
    "list_service_lines": "finance auditor admin",
    "list_products": "publisher finance auditor admin",
    "get_product": "publisher finance auditor admin",
    "list_anomalies": "publisher finance auditor admin",
    "publish_events": "publisher admin",
    "get_event": "publisher finance auditor admin",
    "list_dead_letters": "publisher finance auditor admin",
    "get_dead_letter": "admin",
    "redrive_dead_letter": "admin",
    "list_facts": "auditor admin",
    "get_fact": "auditor admin",
    "get_forecast": "finance auditor admin",
    "list_adjustments": "finance auditor admin",
    "enter_adjustment": "finance admin",
    "withdraw_adjustment": "finance admin",
    "get_impact": "finance auditor admin",
    "credit_invoice": "finance admin",
    "order_bill_run": "finance admin",
    "list_bill_runs": "finance auditor admin",
    "list_completed_bill_runs": "finance auditor admin",
    "get_bill_run": "finance auditor admin",
}


def test_every_route_is_in_the_table(doors: Doors) -> None:
    """A new route must say here whom it lets in, beside saying so itself."""
    assert {one.name for one in operations(doors.app)} == set(MAY) | OPEN


def test_no_route_answers_without_a_key_but_health(doors: Doors) -> None:
    for one in operations(doors.app):
        answer = doors.client.request(one.method, one.path_with("x"))
        if one.name in OPEN:
            assert answer.status_code in {200, 503}, one
        else:
            assert answer.status_code == 401, one
            assert answer.headers["www-authenticate"].startswith("Bearer"), one
            assert answer.json()["code"] == "key_refused", one


@pytest.mark.parametrize("role", KEY_ROLES)
def test_each_role_comes_in_where_it_may_and_nowhere_else(doors: Doors, role: keys.KeyRole) -> None:
    doors.world.project()
    for one in operations(doors.app):
        if one.name in OPEN:
            continue
        answer = doors.client.request(one.method, one.path_with("x"), headers=doors.header(role))
        assert (answer.status_code != 403) == (role in MAY[one.name].split()), (one, answer.text)
        if answer.status_code == 403:
            assert answer.headers["content-type"] == PROBLEM
            assert answer.json()["code"] == "role_insufficient"
            assert role in answer.json()["detail"]


def test_a_stranger_learns_nothing_of_parameters_or_body(doors: Doors) -> None:
    """The key is looked at first: a wrong parameter is no way to find out what there is."""
    assert doors.client.get("/v1/invoices?limit=none").status_code == 401
    for one in operations(doors.app):
        if one.method == "POST":
            answer = doors.client.post(
                one.path_with("x"), content=b"{", headers={"content-type": "application/json"}
            )
            assert answer.status_code == 401, one


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic YTpi", id="another scheme"),
        pytest.param("Bearer", id="no key"),
        pytest.param("Bearer  ", id="blank"),
        pytest.param("Bearer blk_aaaaaaaaaaaa_" + "A" * 43, id="unknown"),
    ],
)
def test_what_is_no_key_is_refused(doors: Doors, header: str) -> None:
    answer = doors.client.get("/v1/key", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "key_refused")


def test_a_key_ends_when_it_expires_or_is_revoked(doors: Doors) -> None:
    soon = doors.world.clock.now + timedelta(days=1)
    token = doors.token("finance", expires_at=soon)
    header = {"Authorization": f"Bearer {token}"}
    assert doors.client.get("/v1/key", headers=header).json()["role"] == "finance"
    doors.world.clock.now = soon
    assert "expired" in doors.client.get("/v1/key", headers=header).json()["detail"]
    token = doors.token("finance")
    header = {"Authorization": f"Bearer {token}"}
    assert doors.client.get("/v1/key", headers=header).status_code == 200
    with doors.world.connect() as connection:
        keys.revoke(connection, token.split("_")[1], clock=doors.world.clock)
    assert "revoked" in doors.client.get("/v1/key", headers=header).json()["detail"]


def test_no_key_gets_into_a_log(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = doors.token("finance")
    for path in ("/v1/key", "/v1/invoices", "/v1/invoices/none"):
        doors.client.get(path, headers={"Authorization": f"Bearer {token}"})
        doors.client.get(path, headers={"Authorization": f"Bearer {token}x"})
    secret = token.split("_", 2)[2]
    assert secret not in caplog.text


def test_a_route_that_does_not_say_whom_it_lets_in_can_not_be_made() -> None:
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(AssertionError, match="does not say who may come in"):
        router.add_api_route("/x", lambda: None)
    router.add_api_route("/y", lambda: None, **door("admin"))


def test_the_document_says_whom_each_operation_lets_in(doors: Doors) -> None:
    for one in operations(doors.app):
        if one.name not in OPEN:
            assert set(one.described["x-roles"]) == set(MAY[one.name].split()), one
            assert one.described["security"] == [{"apiKey": []}], one


def test_operations_are_found() -> None:
    """The tests above go over a list: it must not be empty by mistake."""
    assert len(MAY) > 5
    assert Operation("GET", "/a/{b}", {}).path_with("x") == "/a/x"
