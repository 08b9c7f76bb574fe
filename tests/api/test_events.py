"""Events by HTTP: the consumer's checks, ledger and idempotency; and what became of an event."""

import json
from typing import Any

import pytest

from ledger.personal import is_commitment
from tests.api.conftest import Doors
from tests.projections.world import event

pytestmark = pytest.mark.postgres

BATCH = {"content-type": "application/cloudevents-batch+json"}


def activated(service_id: str = "s1", event_id: str = "h1", **data: Any) -> dict[str, Any]:
    values = {
        "service_id": service_id,
        "customer_id": "c1",
        "product_id": "laptop",
        "effective": "2026-06-24",
    }
    return event("service.activated", {**values, **data}, event_id)


def fates(answer: Any) -> list[str]:
    return [one["fate"] for one in answer.json()["results"]]


def test_an_event_is_booked_once(doors: Doors) -> None:
    head = doors.world.head()
    first = doors.post("/v1/events", "publisher", json=activated())
    assert (first.status_code, fates(first)) == (200, ["booked"])
    assert first.json()["results"][0]["seq"] == doors.world.head() == head + 1
    again = doors.post("/v1/events", "publisher", json=activated())
    assert (again.status_code, fates(again)) == (200, ["duplicate"])
    assert again.json()["results"][0]["seq"] == head + 1
    assert doors.world.head() == head + 1


def test_the_fact_says_by_which_key_it_came(doors: Doors) -> None:
    doors.post("/v1/events", "publisher", json=activated())
    doors.world.project()
    (fact,) = doors.get("/v1/facts?sort=-seq&limit=1").json()["items"]
    key_id = doors.get("/v1/key", "publisher").json()["key_id"]
    assert fact["origin"] == f"http:{key_id}"
    assert fact["payload"]["data"]["service_id"] == "s1"


def test_a_batch_is_told_event_by_event_and_what_is_right_is_booked(doors: Doors) -> None:
    wrong = activated("s2", "h2", quantity=-1)
    answer = doors.post(
        "/v1/events",
        "publisher",
        content=json.dumps([activated(), wrong, activated(), activated("s3", "h3")]),
        headers=BATCH,
    )
    assert (answer.status_code, fates(answer)) == (207, ["booked", "refused", "duplicate", "booked"])
    body = answer.json()
    assert body["received"] == body["booked"] + body["duplicate"] + body["refused"] + body["valid"] == 4
    refused = body["results"][1]
    assert (refused["reason"], refused["field"], refused["id"]) == ("schema_invalid", "data.quantity", "h2")
    with doors.world.connect() as connection:
        assert connection.execute("SELECT count(*) FROM ledger.quarantine").fetchone() == (0,)


def test_the_same_id_with_other_content_is_refused(doors: Doors) -> None:
    doors.post("/v1/events", "publisher", json=activated())
    answer = doors.post("/v1/events", "publisher", json=activated(quantity=2))
    assert (answer.status_code, answer.json()["code"]) == (422, "event_refused")
    assert answer.json()["results"][0]["reason"] == "conflicting_duplicate"
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_dry_run_keeps_nothing(doors: Doors) -> None:
    head = doors.world.head()
    answer = doors.post(
        "/v1/events?dry_run=true",
        "publisher",
        json=[
            activated(),
            activated(),
            event("customer.registered", {"customer_id": "c9", "name": "N"}, "h4"),
        ],
    )
    assert (answer.status_code, fates(answer)) == (200, ["valid", "duplicate", "valid"])
    assert doors.world.head() == head
    with doors.world.connect() as connection:
        assert connection.execute("SELECT count(*) FROM ledger.personal_key").fetchone() == (0,)
    assert fates(doors.post("/v1/events", "publisher", json=activated())) == ["booked"]


def test_a_dry_run_names_no_place_in_the_ledger_that_is_none(doors: Doors) -> None:
    doors.post("/v1/events", "publisher", json=activated("s0", "known"))
    known = doors.world.head()
    events = [{"no": "event"}, activated(), activated(quantity=2), activated(), activated("s0", "known")]
    answer = doors.post("/v1/events?dry_run=true", "publisher", json=events)
    assert fates(answer) == ["refused", "valid", "refused", "duplicate", "duplicate"]
    _, valid, other, same, before = answer.json()["results"]
    assert [one["seq"] for one in (valid, other, same, before)] == [None, None, None, known]
    assert (other["reason"], same["reason"]) == ("conflicting_duplicate", None)
    assert "have other content at place 1 of the same request" in other["detail"]
    assert same["detail"] == "the same as the event at place 1 of the same request"
    assert str(known + 1) not in other["detail"]
    told = doors.post("/v1/events", "publisher", json=events).json()["results"]
    assert [one["seq"] for one in told] == [None, known + 1, None, known + 1, known]
    assert f"were heard with other content at seq {known + 1}" in told[2]["detail"]


def test_personal_data_never_enters_the_ledger(doors: Doors) -> None:
    registered = event("customer.registered", {"customer_id": "c9", "name": "Nadia Nord"}, "h5")
    assert fates(doors.post("/v1/events", "publisher", json=registered)) == ["booked"]
    doors.world.project()
    (fact,) = doors.get("/v1/facts?sort=-seq&limit=1").json()["items"]
    assert is_commitment(fact["payload"]["data"]["name"])
    doors.world.project()
    assert doors.get("/v1/customers/c9").json()["name"] == "Nadia Nord"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"{", "invalid_json", id="no JSON"),
        pytest.param(b"3", "not_an_object", id="a number"),
        pytest.param(b'{"a": 1}', "unknown_type", id="no event"),
        pytest.param(b"\xff", "invalid_utf8", id="no UTF-8"),
        pytest.param(b'{"type": "service.activated\\u0000"}', "nul_character", id="NUL"),
        pytest.param(b"[" * 100_000, "unreadable_batch", id="deep"),
        pytest.param(b"[]", "unreadable_batch", id="empty batch"),
        pytest.param(b"[{},]", "unreadable_batch", id="a comma too many"),
        pytest.param(b"[{} {}]", "unreadable_batch", id="a comma too few"),
        pytest.param(b"[{}] x", "unreadable_batch", id="more behind"),
        pytest.param(b"[" + b"{}," * 1_000 + b"{}]", "unreadable_batch", id="too many"),
        pytest.param(b"[{}, 7, null]", "unknown_type", id="elements that are no events"),
    ],
)
def test_what_can_not_be_read_is_refused(doors: Doors, content: bytes, reason: str) -> None:
    head = doors.world.head()
    answer = doors.post(
        "/v1/events", "publisher", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    found = answer.json()
    assert reason in {found["code"], *(one["reason"] for one in found.get("results", ()))}
    assert doors.world.head() == head


def test_a_body_that_is_too_large_is_refused_before_it_is_read(doors: Doors) -> None:
    answer = doors.post("/v1/events", "publisher", content=b" " * ((8 << 20) + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    def chunks():
        for _ in range(9):
            yield b" " * (1 << 20)

    answer = doors.post("/v1/events", "publisher", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_media_type_that_is_not_read(doors: Doors) -> None:
    answer = doors.post("/v1/events", "publisher", content=b"a=1", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")


def test_only_allowed_sources_configure_tenants(doors: Doors) -> None:
    configured = event(
        "tenant.configured",
        {"tenant_id": "acme", "name": "A", "currency": "EUR", "timezone": "UTC", "effective": "2026-01-01"},
        "h6",
    )
    answer = doors.post("/v1/events", "admin", json=configured)
    assert answer.json()["results"][0]["reason"] == "tenant_source_refused"
    answer = doors.post("/v1/events", "admin", json={**configured, "source": "/operator"})
    assert (answer.status_code, fates(answer)) == (200, ["booked"])


def test_the_trace_of_a_request_is_kept_beside_the_fact(doors: Doors) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    doors.post("/v1/events", "publisher", json=activated(), headers={"traceparent": trace})
    with doors.world.connect() as connection:
        found = connection.execute("SELECT seq, traceparent FROM ledger.trace").fetchall()
    assert found == [(doors.world.head(), trace)]


def test_what_became_of_an_event(doors: Doors) -> None:
    world = doors.world
    doors.post("/v1/events", "publisher", json=activated())
    world.project()
    fate = doors.get("/v1/events", "publisher", params={"source": "/fulfilment", "id": "h1"}).json()
    assert (fate["outcome"], fate["seq"], fate["subject"]) == ("booked", world.head(), "service/s1")
    assert (fate["is_projected"], fate["charges"], fate["anomalies"]) == (True, [], [])
    world.run("2026-07-02")
    world.hear("service.changed", "h7", service_id="s1", effective="2026-07-11", quantity=2)
    world.run("2026-08-02")
    world.project()

    def charges(event_id: str) -> list[tuple[str, int, str, str]]:
        found = doors.get("/v1/events", params={"source": "/fulfilment", "id": event_id}).json()["charges"]
        return [(one["number"], one["line"], one["price_id"], one["amount"]) for one in found]

    assert charges("h1")[:3] == [
        ("INV-000001", 1, "setup", "99.00"),
        ("INV-000001", 2, "rent", "7.00"),
        ("INV-000001", 3, "rent", "30.00"),
    ]
    assert charges("h7")
    assert {number for number, *_ in charges("h7")} == {"INV-000002"}
    for event_id in ("h1", "h7"):
        for number, line, _, amount in charges(event_id):
            shown = doors.get(f"/v1/invoices/{number}").json()["line_items"][line - 1]
            assert shown["amount"] == amount
            assert ["/fulfilment", event_id] in shown["explanation"]["events"]


@pytest.mark.parametrize("service_id", [None, "s1"])
def test_what_an_adjustment_and_its_withdrawal_caused(doors: Doors, service_id: str | None) -> None:
    """Also the id of the adjustment is another than those of the events, and others stand beside it."""
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    about = {} if service_id is None else {"service_id": service_id}
    for event_id, adjustment_id in (("in", "a1"), ("other", "a2")):
        world.hear(
            "adjustment.entered",
            event_id,
            customer_id="c1",
            adjustment_id=adjustment_id,
            amount="12.50",
            effective="2026-06-30",
            reason="a lost charger",
            author="u-1",
            **about,
        )
    world.run("2026-07-02")
    taken = {"customer_id": "c1", "reason": "found", "author": "u-1"}
    world.hear("adjustment.voided", "out", supersedes={"source": "/fulfilment", "id": "in"}, **taken)
    world.run("2026-08-02")
    world.project()

    def charges(event_id: str) -> list[tuple[str, str, str | None, str]]:
        found = doors.get("/v1/events", params={"source": "/fulfilment", "id": event_id}).json()["charges"]
        for one in found:
            shown = doors.get(f"/v1/invoices/{one['number']}").json()["line_items"][one["line"] - 1]
            assert ["/fulfilment", event_id] in shown["explanation"]["events"]
        return [(one["number"], one["price_id"], one["service_id"], one["amount"]) for one in found]

    back = ("INV-000002", "a1", service_id, "-12.50")
    assert charges("in") == [("INV-000001", "a1", service_id, "12.50"), back]
    assert charges("out") == [back]
    assert charges("other") == [("INV-000001", "a2", service_id, "12.50")]
    assert "a1" not in {price_id for _, price_id, _, _ in charges("e00005")}


def test_an_event_that_makes_no_sense_yet_says_why(doors: Doors) -> None:
    doors.post("/v1/events", "publisher", json=activated(customer_id="ghost"))
    fate = doors.get("/v1/events?source=/fulfilment&id=h1")
    assert fate.status_code == 503  # nothing projects yet
    doors.world.project()
    fate = doors.get("/v1/events?source=/fulfilment&id=h1").json()
    assert [one["code"] for one in fate["anomalies"]] == ["unknown_customer"]


def test_an_event_that_nobody_heard_of(doors: Doors) -> None:
    doors.world.project()
    answer = doors.get("/v1/events?source=/fulfilment&id=never")
    assert (answer.status_code, answer.json()["code"]) == (404, "event_unknown")


def test_what_was_refused_by_http_is_not_said_never_to_have_been(doors: Doors) -> None:
    """It is told to its sender and not kept (ADR 13), so nobody can say here whether there was one."""
    doors.world.project()
    assert doors.post("/v1/events", json=activated(quantity=-1)).json()["code"] == "event_refused"
    found = doors.get("/v1/events?source=/fulfilment&id=h1").json()
    assert found["code"] == "event_unknown"
    assert "was booked or refused" not in found["title"] + found["detail"]
    assert "what is refused by HTTP is answered at once and not kept" in found["detail"]
