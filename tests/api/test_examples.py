"""The examples of the OpenAPI document are what the API answers: one month of one customer, recorded.

REWRITE_GOLDEN=1 records them anew, for review by their diff; then `make schemas`.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.openapi_examples import FILE
from api.routes import events, impact
from ledger.append import append
from ledger.facts import heard_fact
from tests.api.conftest import Doors, context_on, instant
from tests.projections.world import World, event

pytestmark = pytest.mark.postgres

KEY_ID, RUN_ID, LEAF = "abcdefghijkl", "6f3c1a9e-4a53-4f57-9d3c-8a8b8f0f5f0e", "9b3c1c67f2b635ad" * 4
"""Stand for what is drawn at random, and for the leaf of an invoice, which has a commitment in it."""
JUST_ORDERED = {"state": "waiting", "customers_done": 0, "customers_total": None}
"""How far a run is when its order is answered, where it did not begin meanwhile."""
PRODUCT = {
    "product_id": "laptop-standard",
    "name": "Laptop, standard",
    "service_type": "device",
    "prices": [
        {"price_id": "setup", "kind": "one_time", "amount": "99.00", "trigger": "activation"},
        {
            "price_id": "rent",
            "kind": "recurring",
            "amount": "30.00",
            "interval": "month",
            "timing": "in_advance",
        },
    ],
}
CUSTOMER = {
    "customer_id": "c-17",
    "name": "Nordwind GmbH",
    "email": "invoices@nordwind.example",
    "language": "de",
    "address": {
        "lines": ["Hafenstrasse 4"],
        "postal_code": "20457",
        "city": "Hamburg",
        "country": "DE",
    },
}
ADJUSTMENT = {
    "amount": "-12.50",
    "reason": "Ticket 4711: the laptop came a week late",
    "adjustment_id": "adj-7f3a",
    "service_id": "svc-1001",
    "text": "Goodwill for the late delivery",
    "author": "u-17",
}
ASKED = {
    "get_key": "/v1/key",
    "get_event": "/v1/events?source=/fulfilment/eu-1&id=01JZ8Q4T",
    "list_products": "/v1/catalog/products",
    "get_product": "/v1/catalog/products/laptop-standard",
    "list_customers": "/v1/customers",
    "get_customer": "/v1/customers/c-17",
    "get_preview": "/v1/customers/c-17/preview",
    "get_customer_as_of": "/v1/customers/c-17/history?as_of=2026-07-02",
    "get_forecast": "/v1/forecast?months=1",
    "list_services": "/v1/services?customer_id=c-17",
    "get_service": "/v1/services/svc-1001",
    "get_charge_schedule": "/v1/services/svc-1001/charges",
    "list_service_lines": "/v1/services/svc-1001/invoice-lines?limit=1",
    "list_invoices": "/v1/invoices",
    "get_invoice_totals": "/v1/invoices/totals",
    "get_invoice_months": "/v1/invoices/months?first=2026-07&last=2026-07",
    "get_invoice": "/v1/invoices/INV-000001",
    "list_adjustments": "/v1/adjustments",
    "list_bill_runs": "/v1/bill-runs",
    "list_completed_bill_runs": "/v1/bill-runs/completed",
    "list_anomalies": "/v1/anomalies",
    "list_dead_letters": "/v1/dead-letters",
    "list_facts": "/v1/facts?limit=1",
    "get_fact": "/v1/facts/2",
}


@pytest.fixture
def doors(database: str) -> Iterator[Doors]:
    world = World(database)
    app = create_app(context_on(world))
    heard(world, "/operator", "tenant.configured", name="Acme AG", currency="EUR", timezone="Europe/Zurich")
    heard(world, "/catalog", "product.published", **PRODUCT)
    with TestClient(app) as client:
        yield Doors(world, app, client)


def heard(world: World, source: str, event_type: str, **data: Any) -> None:
    """Hear an event as the consumer of Kafka does."""
    world.count += 1
    if event_type == "tenant.configured":
        data["tenant_id"] = world.tenant
    sent = event(event_type, data, f"01JZ8P0{world.count}", source=source)
    fact = heard_fact(sent, origin=f"kafka:billing.events/3/{1041 + world.count}")
    with world.connect() as connection, connection.transaction():
        append(connection, {world.tenant: [fact]}, clock=world.clock)


def recorded(doors: Doors) -> dict[str, dict[str, Any]]:
    """Live through a month, and return what was sent and answered, by operation."""
    found: dict[str, dict[str, Any]] = {}
    world = doors.world

    def sent(name: str, path: str, body: dict[str, Any], *, shown: bool = True) -> Any:
        answer = doors.post(path, json=body)
        assert answer.is_success, answer.text
        found[name] = {**({"body": body} if shown else {}), str(answer.status_code): answer.json()}
        world.project()
        return answer.json()

    registered = event("customer.registered", CUSTOMER, "01JZ8P8A", source="/crm")
    sent("publish_events", "/v1/events", registered)
    world.clock.now = instant("2026-06-24T08:12:32+00:00")
    heard(world, "/fulfilment/eu-1", "service.deactivated", service_id="svc-0999", effective="2026-06-24")
    sent("publish_events", "/v1/events", events.EXAMPLE, shown=False)
    world.clock.now = instant("2026-07-02T06:00:00+00:00")
    run = sent("order_bill_run", "/v1/bill-runs", {"issue_date": "2026-07-02"})
    doors.app.state.run_desk.wait(60)
    world.project()
    sent("enter_adjustment", "/v1/customers/c-17/adjustments", ADJUSTMENT)
    with world.connect() as connection:
        connection.execute(
            """INSERT INTO ledger.quarantine
                (consumer_group, topic, partition, "offset", tenant_id, origin, reason, place, detail,
                recorded_at, value)
            VALUES ('ledger', 'billing.events', 3, 1050, 'acme', 'kafka:billing.events/3/1050',
                'schema_invalid', 'data.effective', 'data.effective = "soon": write a date', %s, '{}')""",
            (world.clock.now,),
        )
    sent("get_impact", "/v1/impact", impact.EXAMPLE, shown=False)
    for name, path in {**ASKED, "get_bill_run": f"/v1/bill-runs/{run['run_id']}"}.items():
        answer = doors.get(path)
        assert answer.status_code == 200, (name, answer.text)
        found[name] = {"200": answer.json()}
    why = {"reason": "It came in time after all", "author": "u-17"}
    sent("withdraw_adjustment", "/v1/customers/c-17/adjustments/adj-7f3a/withdraw", why)
    why = {"reason": "Billed to the wrong customer", "author": "u-17"}
    sent("credit_invoice", "/v1/invoices/INV-000001/credit", why)
    found["order_bill_run"]["202"].update(JUST_ORDERED)
    key, text = found["get_key"]["200"], json.dumps(found)
    leaf = found["get_invoice"]["200"]["leaf"]
    for drawn, shown in (
        (key["key_id"], KEY_ID),
        (key["name"], "month's end"),
        (run["run_id"], RUN_ID),
        (leaf, LEAF),
    ):
        text = text.replace(drawn, shown)
    return dict(json.loads(text))


def test_the_examples_are_what_is_answered(doors: Doors) -> None:
    text = json.dumps(recorded(doors), indent=1, ensure_ascii=False, sort_keys=False) + "\n"
    if os.environ.get("REWRITE_GOLDEN") == "1":
        FILE.write_text(text, encoding="utf-8")
    assert text == FILE.read_text(encoding="utf-8")


def test_every_answer_in_json_has_an_example(doors: Doors) -> None:
    without = set()
    for methods in doors.app.openapi()["paths"].values():
        for operation in methods.values():
            shown = [operation.get("requestBody", {})]
            shown += [
                answer for status, answer in operation["responses"].items() if re.match("20[012]", status)
            ]
            for one in shown:
                if "example" not in one.get("content", {}).get("application/json", {"example": None}):
                    without.add(operation["operationId"])
    assert without == {"get_live", "get_ready", "get_openapi", "get_dead_letter", "redrive_dead_letter"}
