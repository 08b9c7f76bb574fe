"""One tenant never sees another: its ids are unknown, its lists are empty, in every operation there is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Doors, opened_doors
from tests.api.operations import OPEN, Operation, operations
from tests.projections.world import World

pytestmark = pytest.mark.postgres

OTHER = "bolt"
KNOWN = {
    "customer_id": "c1",
    "service_id": "s1",
    "product_id": "laptop",
    "number": "INV-000001",
    "seq": "5",
    "source": "/fulfilment",
    "id": "e00005",
    "letter_id": "1",
    "run_id": "",
    "as_of": "2026-07-02",
    "adjustment_id": "a1",
}
"""For each parameter: what there is of it in the first tenant, and not in the other; runs are named below."""
NOBODYS = {
    **{name: f"nobodys-{name}" for name in KNOWN},
    "seq": "999",
    "letter_id": "999",
    "source": "/x",
    "as_of": "2026-07-02",
}
BODIES = {
    "enter_adjustment": {"amount": "-1.00", "reason": "goodwill", "adjustment_id": "a2"},
    "credit_invoice": {"reason": "a mistake"},
    "withdraw_adjustment": {"reason": "a mistake"},
}
OWN = {"list_facts"}
"""Lists in which the other tenant has something of its own: the fact that opened it."""


@pytest.fixture(scope="module")
def doors(module_database: str) -> Iterator[Doors]:
    """A tenant with all there can be, and another with nothing but its opening."""
    for found in opened_doors(World(module_database)):
        world = found.world
        world.activate("s1", "c1", "laptop", "2026-06-24")
        world.hear("service.resumed", service_id="s1", effective="2026-06-25")
        world.run("2026-07-02")
        other = World(module_database, world.clock, OTHER)
        other.open(name="Bolt GmbH")
        with world.connect() as connection:
            connection.execute(
                """INSERT INTO ledger.quarantine
                    (consumer_group, topic, partition, "offset", tenant_id, reason, recorded_at, value)
                VALUES ('g', 't', 0, 1, 'acme', 'schema_invalid', now(), '{}')"""
            )
        world.project()
        entered = {"amount": "-5.00", "reason": "goodwill", "adjustment_id": "a1"}
        assert found.post("/v1/customers/c1/adjustments", json=entered).status_code == 201
        world.project()
        ordered = found.post("/v1/bill-runs", json={"issue_date": "2026-07-02"})
        KNOWN["run_id"] = ordered.json()["run_id"]
        found.app.state.run_desk.wait(60)
        yield found


def by_id(doors: Doors) -> list[Operation]:
    return [one for one in operations(doors.app) if one.parameters]


def lists(doors: Doors) -> list[Operation]:
    found = []
    for one in operations(doors.app):
        answer = one.described["responses"].get("200", {}).get("content", {}).get("application/json", {})
        if re.search(r"Page'", str(answer.get("schema"))) and not one.parameters:
            found.append(one)
    return found


def asked(doors: Doors, one: Operation, names: dict[str, str], tenant: str) -> Any:
    return doors.client.request(
        one.method,
        one.path_with(names.__getitem__),
        headers=doors.header("admin", tenant),
        json=BODIES.get(one.name),
    )


def test_what_there_is_can_be_seen_by_its_own_tenant(doors: Doors) -> None:
    """Else the tests below could not fail."""
    for one in by_id(doors):
        assert set(one.parameters) <= set(KNOWN), f"{one.path}: add what there is of it to KNOWN"
        if one.method == "GET":
            answer = asked(doors, one, KNOWN, "acme")
            assert answer.status_code == 200, (one, answer.text)
    for one in lists(doors):
        assert doors.get(one.path).json()["items"], one


def test_ids_of_another_tenant_are_answered_as_unknown_ones(doors: Doors) -> None:
    for one in by_id(doors):
        foreign, nobody = asked(doors, one, KNOWN, OTHER), asked(doors, one, NOBODYS, OTHER)
        assert (foreign.status_code, nobody.status_code) == (404, 404), (one, foreign.text, nobody.text)
        expected = nobody.text
        for name in one.parameters:
            expected = expected.replace(NOBODYS[name], KNOWN[name])
        assert foreign.text == expected, one
        known, unknown = dict(foreign.headers), dict(nobody.headers)
        assert known.pop("content-length") == str(len(foreign.content))
        assert unknown.pop("content-length") == str(len(nobody.content))
        assert known == unknown, one


def test_lists_of_another_tenant_are_empty(doors: Doors) -> None:
    found = lists(doors)
    assert len(found) >= 9
    for one in found:
        answer = doors.get(one.path, tenant=OTHER)
        if one.name in OWN:
            assert {item["payload"]["tenantid"] for item in answer.json()["items"]} == {OTHER}
            continue
        assert answer.json() == {"items": [], "next": None}, one
        for form, first in (("text/csv", 1), ("application/jsonl", 0)):
            streamed = doors.get(one.path, tenant=OTHER, headers={"accept": form})
            assert len(streamed.text.splitlines()) == first, (one, form, streamed.text)


def test_nothing_of_the_first_tenant_is_in_any_answer_to_the_other(doors: Doors) -> None:
    for one in operations(doors.app):
        if one.name in OPEN or one.name == "get_openapi" or one.method != "GET":
            continue
        answer = asked(doors, one, NOBODYS, OTHER)
        assert not re.search(r"acme|laptop|INV-0|goodwill|\bc1\b|\bs1\b", answer.text), (one, answer.text)


def test_an_event_of_another_tenant_is_refused(doors: Doors) -> None:
    event = {
        "specversion": "1.0",
        "id": "foreign",
        "source": "/fulfilment",
        "type": "service.deactivated",
        "tenantid": "acme",
        "data": {"service_id": "s1", "effective": "2026-07-01"},
    }
    answer = doors.post("/v1/events", "publisher", OTHER, json=event)
    assert (answer.status_code, answer.json()["results"][0]["reason"]) == (422, "tenant_refused")
    assert doors.get("/v1/events?source=/fulfilment&id=foreign").status_code == 404
