"""The overview: the figures of the API, and what needs an eye."""

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers

pytestmark = pytest.mark.postgres


def test_it_shows_what_the_api_says_of_this_month_and_the_next(doors: Doors, browsers: Browsers) -> None:
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-07-20")
    world.hear("service.resumed", service_id="s1", effective="2026-06-25")
    world.run("2026-07-02")
    world.project()
    text = browsers("finance").get("/console").text
    issued = doors.get("/v1/invoices/months").json()["months"]
    july = next(one for one in issued if one["month"] == "2026-07")
    august = next(one for one in doors.get("/v1/forecast").json()["months"] if one["month"] == "2026-08")
    for amount in (july["net"], august["net"], august["running"]):
        assert f"{amount} " in text, amount
    assert 'href="/console/services/s1"' in text, "the anomaly of what was never suspended"
    assert "2 Jul 2026" in text, "the last run"


def test_an_empty_world_says_so(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    text = browsers("auditor").get("/console").text
    assert "Nothing was issued, and nothing is to come." in text
    assert "Nothing: every message was read" in text
    assert "None yet." in text


def test_read_models_of_another_version_are_named(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    with doors.world.connect() as connection:
        connection.execute("DROP TABLE read.issued_months_v1")
    answer = browsers("admin").get("/console")
    assert (answer.status_code, "billing rebuild all" in answer.text) == (503, True)
    api = doors.get("/v1/invoices/months")
    assert (api.status_code, api.json()["code"]) == (503, "rebuild_needed")


@pytest.mark.parametrize(
    "query",
    [
        "per=product",
        "per=service_type&by=service",
        "customer_id=c1&months=3",
        "product_id=laptop&per=product",
    ],
)
def test_the_forecast_has_the_figures_of_the_api(doors: Doors, browsers: Browsers, query: str) -> None:
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-07-20")
    world.run("2026-07-02")
    world.project()
    text = browsers("finance").get(f"/console/forecast?{query}").text
    months = doors.get(f"/v1/forecast?{query}").json()["months"]
    assert months
    for one in months:
        assert f"{one['net']} " in text or f">{one['net']}<" in text, one


@pytest.mark.parametrize(("per", "said"), [("product", "no product"), ("service_type", "no service type")])
def test_what_is_of_no_product_says_so(doors: Doors, browsers: Browsers, per: str, said: str) -> None:
    doors.world.hear("adjustment.entered", adjustment_id="a1", customer_id="c1", amount="-16.00",
        reason="goodwill", author="u-1", effective="2026-07-20")  # fmt: skip
    doors.world.project()
    text = browsers("finance").get(f"/console/forecast?per={per}").text
    assert f'<th scope="row"><span class="soft">{said}</span></th>' in text


def test_a_forecast_of_nothing_says_so(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    assert "Nothing is to come." in browsers("finance").get("/console/forecast").text
    answer = browsers("finance").get("/console/forecast?customer_id=nobody")
    assert (answer.status_code, "customer_unknown" in answer.text) == (404, True)
