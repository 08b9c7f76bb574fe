"""The catalog's pages: today's prices, and every version with where it stands."""

import re
from datetime import date

import pytest

from api.console.pages.catalog import priced
from api.fields import event_ref
from api.routes.catalog import Price, PriceVersion, Product
from tests.api.conftest import Doors, instant
from tests.api.console.conftest import Browsers
from tests.projections.world import RENT

TODAY = date(2026, 7, 3)


def text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize(
    ("versions", "standings"),
    [
        pytest.param([(None, "immediately")], ["today"], id="one for ever"),
        pytest.param([("2026-07-04", "immediately")], ["to_come"], id="none yet"),
        pytest.param([("2026-07-03", "immediately")], ["today"], id="from today on"),
        pytest.param(
            [(None, "immediately"), ("2026-07-01", "next_period")], ["before", "today"], id="replaced"
        ),
        pytest.param(
            [(None, "immediately"), ("2026-07-01", "new_services"), ("2026-08-01", "immediately")],
            ["still", "today", "to_come"],
            id="for new services alone",
        ),
        pytest.param(
            [(None, "immediately"), ("2026-05-01", "new_services"), ("2026-06-01", "immediately")],
            ["before", "before", "today"],
            id="for new services, then for all",
        ),
        pytest.param(
            [("2026-07-01", "immediately"), ("2026-07-01", "immediately")],
            ["before", "today"],
            id="twice for one day: the later fact counts",
        ),
    ],
)
def test_where_versions_stand(versions: list[tuple[str | None, str]], standings: list[str]) -> None:
    price = Price(
        price_id="p",
        name="p",
        kind="recurring",
        interval="month",
        timing="in_advance",
        trigger=None,
        proration=None,
        versions=[
            PriceVersion(
                amount="1.00",
                effective=None if day is None else date.fromisoformat(day),
                applies=applies,
                seq=seq,
                event=event_ref("/s", f"e{seq}"),
            )
            for seq, (day, applies) in enumerate(versions, start=1)
        ],
    )
    product = Product(
        product_id="x", name="x", service_type="t", description="", currency=None, prices=[price]
    )
    (found,) = priced(product, TODAY)
    assert [standing for _, standing in found.versions] == standings
    assert (found.now is None) == ("today" not in standings)
    assert len(found.to_come) == standings.count("to_come")


@pytest.fixture
def sold(doors: Doors) -> Doors:
    world = doors.world
    rise = {"product_id": "laptop", "price_id": "rent", "applies": "immediately"}
    world.hear("price.published", "dearer", amount="33.00", effective="2026-07-01", **rise)
    world.hear("price.published", "dearest", amount="36.50", effective="2026-09-01", **rise)
    world.product(
        "seat", {**RENT, "amount": "0.0125", "interval": "year"}, service_type="licence", currency="JPY"
    )
    world.clock.now = instant("2026-07-03T06:00:00+00:00")
    world.project()
    return doors


@pytest.mark.postgres
def test_the_catalog_shows_what_counts_today_and_what_is_next(sold: Doors, browsers: Browsers) -> None:
    shown = text(browsers("finance").get("/console/catalog").text)
    assert "Prices of 3 Jul 2026" in shown
    assert "33.00 EUR 36.50 from 1 Sep 2026" in shown
    assert "each month, in advance" in shown
    assert "once, at activation" in shown
    assert "0.0125 JPY" in shown
    of_type = text(browsers("finance").get("/console/catalog?service_type=licence").text)
    assert "seat" in of_type
    assert "laptop" not in of_type
    none = text(browsers("finance").get("/console/catalog?service_type=boat").text)
    assert "No product is of this service type" in none


@pytest.mark.postgres
def test_a_product_shows_every_version_and_the_fact_that_set_it(sold: Doors, browsers: Browsers) -> None:
    page = browsers("auditor").get("/console/catalog/laptop").text
    rows = [text(row) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    first, second, third = (
        row for row in rows if row.strip().startswith(("1 ", "always")) and "99.00" not in row
    )
    assert "1 Sep 2026" in first
    assert "36.50 EUR" in first
    assert "to come" in first
    assert "1 Jul 2026" in second
    assert "33.00 EUR" in second
    assert "counts today" in second
    assert "fact 5" in second
    assert "30.00 EUR" in third
    assert "over" in third
    assert 'href="/console/events?source=%2Ffulfilment&amp;id=dearer"' in page
    assert browsers("auditor").get("/console/events?source=/fulfilment&id=dearer").status_code == 200
    assert browsers("auditor").get("/console/catalog/ghost").status_code == 404
