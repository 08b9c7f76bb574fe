"""Lists: pages that neither repeat nor lose, filters, orders, streams, entity tags."""

import csv
import io
import json
from datetime import date

import pytest

from api.cursors import cursor_key, cursor_text
from api.errors import CursorInvalidError
from tests.api.conftest import Doors

pytestmark = pytest.mark.postgres


@pytest.fixture
def billed(doors: Doors) -> Doors:
    """Two customers, billed for three months: six documents, of which c2's last is a credit note."""
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-05-24")
    world.activate("s2", "c2", "laptop", "2026-05-28", quantity=2)
    world.run("2026-06-02")
    world.run("2026-07-02")
    world.hear("service.deactivated", service_id="s2", effective="2026-06-11")
    world.run("2026-08-02")
    world.project()
    return doors


def numbers(doors: Doors, query: str = "") -> list[str]:
    """Walk over all pages, two items each."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = doors.get(f"/v1/invoices?limit=2&{query}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert 0 < len(page["items"]) <= 2 or not found
        found += [item["number"] for item in page["items"]]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def test_pages_hold_every_document_once_in_each_order(billed: Doors) -> None:
    everything = {item["number"]: item for item in billed.get("/v1/invoices").json()["items"]}
    assert len(everything) == 6
    for sort, key in {
        "issued": lambda item: item["seq"],
        "due_for": lambda item: (item["due_for"], item["seq"]),
        "net": lambda item: (float(item["net"]), item["seq"]),
        "customer": lambda item: (item["customer_id"], item["seq"]),
    }.items():
        wanted = sorted(everything, key=lambda number: key(everything[number]))
        assert numbers(billed, f"sort={sort}") == wanted, sort
        assert numbers(billed, f"sort=-{sort}") == wanted[::-1], sort


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        pytest.param("customer_id=c1", lambda item: item["customer_id"] == "c1", id="customer"),
        pytest.param("kind=credit_note", lambda item: item["kind"] == "credit_note", id="kind"),
        pytest.param("period=2026-07", lambda item: item["due_for"].startswith("2026-07"), id="period"),
        pytest.param("currency=EUR&net_from=0", lambda item: float(item["net"]) >= 0, id="at least"),
        pytest.param("currency=EUR&net_to=-0.01", lambda item: float(item["net"]) < 0, id="at most"),
        pytest.param("currency=CHF", lambda _: False, id="another currency"),
    ],
)
def test_filters(billed: Doors, query: str, holds) -> None:
    everything = billed.get("/v1/invoices?sort=issued").json()["items"]
    wanted = [item["number"] for item in everything if holds(item)]
    assert wanted or "CHF" in query
    assert len(wanted) < len(everything)
    assert numbers(billed, f"sort=issued&{query}") == wanted


def test_what_is_inserted_meanwhile_neither_repeats_nor_hides(billed: Doors) -> None:
    first = billed.get("/v1/invoices?limit=3").json()
    billed.world.run("2026-09-02")
    billed.world.project()
    second = billed.get(f"/v1/invoices?limit=500&cursor={first['next']}").json()
    seen = [item["number"] for item in first["items"] + second["items"]]
    assert len(seen) == len(set(seen)) == 6


def test_a_cursor_belongs_to_its_list_order_and_filters(billed: Doors) -> None:
    cursor = billed.get("/v1/invoices?limit=1").json()["next"]
    for query in ("sort=net", "kind=invoice", "customer_id=c1"):
        answer = billed.get(f"/v1/invoices?limit=1&{query}&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid"), query
    assert billed.get(f"/v1/customers?cursor={cursor}").json()["code"] == "cursor_invalid"


@pytest.mark.parametrize("text", ["", "x", "e30", "WzFd", "bnVsbA", "Ww", "_" * 50, "WyJhIixbMV1d", "é"])
def test_a_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalidError):
        cursor_key(text, {}, ["bigint"])


def test_a_cursor_says_what_went_in() -> None:
    text = cursor_text({"a": 1}, [date(2026, 7, 2), 12])
    assert cursor_key(text, {"a": 1}, ["date", "bigint"]) == (date(2026, 7, 2), 12)
    for value, kind in (("x", "bigint"), (2**63, "bigint"), (True, "bigint"), (1, "text"), ("\0", "text")):
        with pytest.raises(CursorInvalidError):
            cursor_key(cursor_text({}, [value]), {}, [kind])


def test_a_whole_list_is_streamed(billed: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.lists.STREAMED_ROWS", 2)
    items = billed.get("/v1/invoices?limit=500").json()["items"]
    streamed = billed.get("/v1/invoices", headers={"accept": "application/jsonl"})
    assert [json.loads(line) for line in streamed.text.splitlines()] == items
    streamed = billed.get("/v1/invoices", headers={"accept": "text/csv, application/json;q=0.5"})
    rows = list(csv.DictReader(io.StringIO(streamed.text)))
    assert [row["number"] for row in rows] == [item["number"] for item in items]
    assert [row["net"] for row in rows] == [item["net"] for item in items]
    assert any(row["net"].startswith("-") for row in rows)
    assert streamed.headers["content-type"].startswith("text/csv")


def test_a_text_of_a_csv_is_no_formula(doors: Doors) -> None:
    doors.world.customer("=cmd")
    doors.world.project()
    text = doors.get("/v1/customers", headers={"accept": "text/csv"}).text
    assert "'=cmd" in text
    assert "\n=cmd" not in text


def test_a_form_that_there_is_not_is_refused(doors: Doors) -> None:
    answer = doors.get("/v1/customers", headers={"accept": "image/png, text/html;q=0.9"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_what_is_known_already_is_not_sent_again(billed: Doors) -> None:
    first = billed.get("/v1/invoices")
    tag = first.headers["etag"]
    again = billed.get("/v1/invoices", headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    billed.world.run("2026-09-02")
    billed.world.project()
    moved = billed.get("/v1/invoices", headers={"if-none-match": tag})
    assert moved.status_code == 200
    assert moved.headers["etag"] != tag


def test_an_amount_needs_its_currency(doors: Doors) -> None:
    doors.world.project()
    answer = doors.get("/v1/invoices?net_from=10")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "currency=EUR" in answer.json()["detail"]
    answer = doors.get("/v1/invoices?net_from=10.001&currency=EUR")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_amount")


def test_customers_by_prefix(doors: Doors) -> None:
    for name in ("d1", "c10", "c%"):
        doors.world.customer(name)
    doors.world.project()

    def found(prefix: str) -> list[str]:
        items = doors.get("/v1/customers", params={"prefix": prefix}).json()["items"]
        return [item["customer_id"] for item in items]

    assert found("c1") == ["c1", "c10"]
    assert found("c%") == ["c%"]
    assert found("e") == []


def test_what_is_wrong_is_named_with_its_value(doors: Doors) -> None:
    answer = doors.get("/v1/invoices?limit=9999&period=2026-13").json()
    assert answer["code"] == "invalid_request"
    assert {one["place"]: one["detail"].partition(":")[0] for one in answer["errors"]} == {
        "query.limit": "'9999'",
        "query.period": "'2026-13'",
    }
