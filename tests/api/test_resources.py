"""Catalog, services, charges, previews and files: what each shows of a small world."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader

from tests.api.conftest import Doors

pytestmark = pytest.mark.postgres


@pytest.fixture
def busy(doors: Doors) -> Doors:
    """A service that was suspended, changed hands and will stop; one that is planned; a price that rose."""
    world = doors.world
    world.product(
        "phone",
        {"price_id": "fee", "kind": "one_time", "amount": "5.00", "trigger": "activation"},
        service_type="mobile",
    )
    world.activate("s1", "c1", "laptop", "2026-06-24", attributes={"site": "ZRH"})
    world.hear("service.suspended", service_id="s1", effective="2026-07-10")
    world.hear("service.resumed", service_id="s1", effective="2026-07-20")
    world.hear("service.changed", service_id="s1", effective="2026-08-01", customer_id="c2", quantity=3)
    world.hear("service.deactivated", "stop", service_id="s1", effective="2026-09-01")
    world.hear(
        "service.scheduled", service_id="s2", customer_id="c1", product_id="phone", effective="2026-08-15"
    )
    world.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="33.00",
        effective="2026-09-15",
        applies="immediately",
    )
    world.run("2026-07-15")
    world.project()
    return doors


def test_a_product_has_every_version_of_its_prices(busy: Doors) -> None:
    product = busy.get("/v1/catalog/products/laptop").json()
    rent = next(price for price in product["prices"] if price["price_id"] == "rent")
    assert [(one["amount"], one["effective"]) for one in rent["versions"]] == [
        ("30.00", None),
        ("33.00", "2026-09-15"),
    ]
    items = busy.get("/v1/catalog/products").json()["items"]
    assert [one["product_id"] for one in items] == ["laptop", "phone"]
    items = busy.get("/v1/catalog/products?service_type=mobile").json()["items"]
    assert [one["product_id"] for one in items] == ["phone"]


def test_a_service_shows_what_it_is_and_how_it_came_to_be(busy: Doors) -> None:
    service = busy.get("/v1/services/s1").json()
    assert (service["state"], service["since"], service["customer_id"]) == ("suspended", "2026-07-10", "c1")
    assert [(one["start"], one["end"], one["state"], one["customer_id"]) for one in service["timeline"]] == [
        ("2026-06-24", "2026-07-10", "active", "c1"),
        ("2026-07-10", "2026-07-20", "suspended", "c1"),
        ("2026-07-20", "2026-08-01", "active", "c1"),
        ("2026-08-01", "2026-09-01", "active", "c2"),
    ]
    assert service["timeline"][0]["attributes"] == {"site": "ZRH"}
    assert service["timeline"][3]["ended_by"] == {"source": "/fulfilment", "id": "stop"}
    assert [one["type"].partition(".")[2] for one in service["events"]] == [
        "activated",
        "suspended",
        "resumed",
        "changed",
        "deactivated",
    ]
    planned = busy.get("/v1/services/s2").json()
    assert (planned["state"], planned["since"]) == ("planned", "2026-08-15")


def test_a_voided_event_names_what_voided_it(busy: Doors) -> None:
    busy.world.hear(
        "service.voided",
        "mistake",
        service_id="s1",
        effective="2026-07-15",
        supersedes={"id": "stop"},
    )
    busy.world.project()
    events = busy.get("/v1/services/s1").json()["events"]
    assert {one["event"]["id"]: one["withdrawn_by"] for one in events}["stop"] == {
        "source": "/fulfilment",
        "id": "mistake",
    }


def test_the_charge_schedule_adds_up(busy: Doors) -> None:
    schedule = busy.get("/v1/services/s1/charges").json()
    assert schedule["service_id"] == "s1"
    assert {(one["price_id"], one["amount"], one["kind"]) for one in schedule["amounts"]} >= {
        ("setup", "99.00", "one_time"),
        ("rent", "7.00", "recurring"),
    }
    assert [(one["customer_id"], one["amount"], one["starts"], one["ends"]) for one in schedule["rates"]] == [
        ("c2", "90.00", "2026-08-01", "2026-09-01")
    ]


def test_what_was_invoiced_for_a_service(busy: Doors) -> None:
    items = busy.get("/v1/services/s1/invoice-lines").json()["items"]
    assert [(one["number"], one["line"], one["price_id"]) for one in items][:2] == [
        ("INV-000001", 1, "setup"),
        ("INV-000001", 2, "rent"),
    ]
    whole = busy.get("/v1/invoices/INV-000001").json()["line_items"]
    assert [one["amount"] for one in items] == [one["amount"] for one in whole]


def test_a_preview_is_what_is_issued(busy: Doors) -> None:
    preview = busy.get("/v1/customers/c2/preview").json()
    (draft,) = [one for one in preview["drafts"] if one["lines"]]
    busy.world.run(draft["due_for"])
    busy.world.project()
    (issued,) = busy.get("/v1/invoices?customer_id=c2").json()["items"]
    assert (issued["net"], issued["due_for"]) == (draft["net"], draft["due_for"])
    whole = busy.get(f"/v1/invoices/{issued['number']}").json()
    assert whole["line_items"] == draft["lines"]


def test_what_is_planned_is_told_apart(busy: Doors) -> None:
    drafts = busy.get("/v1/customers/c1/preview").json()["drafts"]
    assert [(one["service_id"], one["amount"]) for draft in drafts for one in draft["planned"]] == []
    busy.world.run("2026-08-10")
    busy.world.project()
    drafts = busy.get("/v1/customers/c1/preview").json()["drafts"]
    assert [one["amount"] for draft in drafts for one in draft["planned"]] == ["5.00"]


def test_a_customer_as_it_was_known(busy: Doors) -> None:
    seq = busy.get("/v1/services/s1").json()["events"][0]["seq"]
    then = busy.get(f"/v1/customers/c1/history?as_of={seq}").json()
    assert (then["seq"], len(then["services"]), then["invoices"]) == (seq, 1, [])
    assert [one["end"] for one in then["services"][0]["timeline"]] == [None]
    now = busy.get("/v1/customers/c1/history?as_of=2026-07-15").json()
    assert [one["number"] for one in now["invoices"]] == ["INV-000001"]
    assert busy.get("/v1/customers/c1/history?as_of=999").json()["code"] == "as_of_unknown"
    today = busy.world.clock.now.date()
    for path in ("/v1/customers/c1/history", "/v1/invoices/INV-000001"):
        assert busy.get(f"{path}?as_of={today}").status_code == 200, path
        instant = busy.world.clock.now + timedelta(seconds=1)
        for text in (today + timedelta(days=1), instant.isoformat().replace("+", "%2B"), "9998-12-31"):
            answer = busy.get(f"{path}?as_of={text}")
            assert (answer.status_code, answer.json()["code"]) == (404, "as_of_unknown"), (path, text)
    for text in ("0", "yesterday", "2026-07-02T06:00", "2026-13-01", "9" * 30):
        assert busy.get(f"/v1/customers/c1/history?as_of={text}").json()["code"] == "invalid_request", text
    said = busy.get("/v1/customers/c1/history?as_of=now").json()["errors"]
    assert said == [
        {
            "place": "query.as_of",
            "detail": "'now': write a seq, a date, or an instant with an offset (2026-07-02T06:00:00Z)",
        }
    ]


def test_an_invoice_as_pdf_and_csv(busy: Doors) -> None:
    answer = busy.get("/v1/invoices/INV-000001/pdf")
    assert answer.headers["content-type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert "INV-000001" in text
    assert "99.00" in text
    again = busy.get("/v1/invoices/INV-000001/pdf", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    rows = busy.get("/v1/invoices/INV-000001/csv").text.splitlines()
    assert len(rows) == 1 + len(busy.get("/v1/invoices/INV-000001").json()["line_items"])


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("product_id=laptop", ["INV-000001"]),
        ("product_id=phone", []),
        ("service_type=mobile", []),
        ("service_id=s1", ["INV-000001"]),
        ("service_id=s2", []),
    ],
)
def test_invoices_are_found_by_what_they_charge(busy: Doors, query: str, wanted: list[str]) -> None:
    items = busy.get(f"/v1/invoices?{query}").json()["items"]
    assert [one["number"] for one in items] == wanted


def test_facts_by_range_stream_and_customer(busy: Doors) -> None:
    def seqs(query: str) -> list[int]:
        return [one["seq"] for one in busy.get(f"/v1/facts?{query}").json()["items"]]

    assert seqs("from_seq=2&to_seq=4") == [2, 3, 4]
    assert seqs("sort=-seq&limit=1") == [busy.world.head()]
    assert len(seqs("stream=service/s1")) == 5
    assert seqs("customer_id=c2") == [one for one in range(1, 99) if one in seqs("customer_id=c2")]
    fact = busy.get("/v1/facts/1").json()
    assert (fact["type"], fact["seq"], len(fact["leaf"])) == ("tenant.configured", 1, 64)
