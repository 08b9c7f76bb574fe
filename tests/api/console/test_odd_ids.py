"""Ids of every kind, end to end: each link leads to what it names, and no id is markup."""

import re
from collections import deque
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote, urljoin

import pytest

from tests.api.conftest import Doors, opened_doors
from tests.api.console.conftest import Browser, Browsers, browsers_of
from tests.projections.world import RENT, SETUP, World

pytestmark = pytest.mark.postgres

ODD = (
    "site 4/rack 2",
    "a/../b",
    "%2F",
    "x?y=1&z#f",
    '"><script>alert(1)</script>',
    "it's {{ 7*7 }}",
    "back\\slash",
    "Zürich Süd \N{PILE OF POO}",
    "x" * 200,
)
"""What a service, a customer, a product, a price and an event may be called (schemas: Identifier)."""
PREFIXES = {"invoice": "R/2026/", "credit_note": "G/2026/"}


@pytest.fixture(scope="module")
def doors(module_database: str) -> Iterator[Doors]:
    for found in opened_doors(World(module_database)):
        world = found.world
        world.hear("tenant.configured", tenant_id=world.tenant, name="Acme AG", currency="EUR",
            timezone="Europe/Zurich", number_prefix=PREFIXES, effective="2026-06-01")  # fmt: skip
        for place, name in enumerate(ODD):
            world.product(name, {**RENT, "price_id": name}, {**SETUP, "price_id": f"{name[:190]} once"})
            world.customer(name, billing_day=2)
            world.hear("service.activated", event_id=f"{name[:190]} on", service_id=name, customer_id=name,
                product_id=name, effective="2026-06-24", attributes={name[:60]: name})  # fmt: skip
            world.hear("service.resumed", service_id=name, effective="2026-06-25")
            world.hear("adjustment.entered", adjustment_id=name, customer_id=name, amount="-1.00",
                reason=name, author=name, effective=f"2026-06-{10 + place}")  # fmt: skip
        world.run("2026-07-02")
        world.project()
        yield found


@pytest.fixture
def browsers(doors: Doors) -> Iterator[Browsers]:
    yield from browsers_of(doors)


def links(page: str, on: str) -> Iterator[str]:
    for found in re.findall(r'\s(?:href|hx-get)="([^"#]+)', page):
        where = urljoin(f"http://x{on}", unescape(found)).removeprefix("http://x")
        if where.startswith("/console") and "/static/" not in where:
            yield where


def walk(browser: Browser) -> Iterator[tuple[str, str]]:
    """Yield every page that can be come to by links from the overview."""
    ahead, seen = deque(["/console"]), {"/console"}
    while ahead:
        where = ahead.popleft()
        answer = browser.get(where)
        assert answer.status_code == 200, (where, answer.text[-600:])
        if answer.headers["content-type"].startswith("text/html"):
            yield where, answer.text
            fresh = [one for one in dict.fromkeys(links(answer.text, where)) if one not in seen]
            ahead.extend(fresh)
            seen.update(fresh)


def test_every_link_leads_to_what_it_names(doors: Doors, browsers: Browsers) -> None:
    headings: dict[str, str] = {}
    for where, page in walk(browsers("admin")):
        assert "<script>" not in page, where
        assert not re.search(r"[/=]None\b", page), where
        headings[where] = re.sub(r"<[^>]*>", "", page[page.index("<h1") : page.index("</h1>")])
    for name in ODD:
        for folder in ("services", "customers", "catalog"):
            assert name in unescape(headings[f"/console/{folder}/{quote(name, safe='')}"]), (folder, name)
    assert [one for one in headings if re.fullmatch(r"/console/invoices/R%2F2026%2F\d+/lines/1", one)]


def test_the_api_knows_them_too(doors: Doors) -> None:
    for name in ODD:
        assert doors.get(f"/v1/services/{quote(name, safe='')}").json()["service_id"] == name
    number = doors.get("/v1/invoices").json()["items"][0]["number"]
    assert number.startswith("R/2026/")
    assert doors.get(f"/v1/invoices/{quote(number, safe='')}").json()["number"] == number
    assert doors.get(f"/v1/invoices/{quote(number, safe='')}/pdf").content.startswith(b"%PDF")
    assert doors.get(f"/v1/invoices/{number}").status_code == 404
