"""Every page, in both themes and at three widths: readable by everybody, and no wider than the window."""

import re

import httpx2
import pytest

from api.app import create_app
from tests.api.conftest import context_on
from tests.api.console.routes import OPEN, pages
from tests.browser.conftest import Console, Opening
from tests.browser.parts import axe
from tests.projections.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

KNOWN = {
    "number": "SW-000034",
    "line": "1",
    "customer_id": "c-102",
    "adjustment_id": "charger-102",
    "service_id": "lap-0924",
    "product_id": "laptop-standard",
    "path": "nowhere",
}
"""For each parameter of a page's address: what there is of it in the demo's world."""
FILES = {
    "/console/invoices/{number}/pdf",
    "/console/invoices/{number}/csv",
    "/console/invoices/export/{form}",
}
MORE = [
    "/console/login",
    "/console/invoices?period=2026-07&currency=EUR&net_from=100",
    "/console/invoices?kind=none",
]
QUERIES = {"/console/customers/{customer_id}/history": "?as_of=2026-07-15"}
WIDTHS = (360, 768, 1440)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = f"axe.run(document, {{runOnly: {RULES}}})"
CUT_OFF = """[...document.querySelectorAll(".sheet.flush, .facts dd")]
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText.slice(0, 40))"""
"""Tables and facts with content that is wider than they are: it must be scrolled to, or lies over others."""


REFUSED = {"/console/nowhere": 404, "/console/invoices?kind=none": 422}
NAMED_WHILE_IT_RUNS = {"letter_id", "run_id"}


def known(console: Console) -> dict[str, str]:
    """Return KNOWN with what gets its name only in this world: a dead letter, and a run that is ordered."""
    api = httpx2.Client(
        base_url=console.address, headers={"Authorization": f"Bearer {console.token('admin')}"}
    )
    with api:
        letter = api.get("/v1/dead-letters?limit=1").json()["items"][0]
        run = api.post("/v1/bill-runs", json={"issue_date": "2026-08-31", "dry_run": True, "off_cycle": True})
        return {**KNOWN, "letter_id": str(letter["id"]), "run_id": run.json()["run_id"]}


def addresses(console: Console) -> list[str]:
    app, names = create_app(context_on(World(console.url))), known(console)
    found = [
        re.sub(r"{(\w+)(?::\w+)?}", lambda name: names[name[1]], one.path) + QUERIES.get(one.path, "")
        for one in pages(app)
        if one.method == "GET" and one.path not in OPEN | FILES
    ]
    return [*found, *MORE]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_anybodys_way(console: Console, opened: Opening, theme: str) -> None:
    """axe-core finds no violation of WCAG 2.2 AA, and nothing is wider than the window."""
    page = opened(color_scheme=theme, bypass_csp=True)  # the page's policy keeps out axe, too
    wrong = []
    for address in addresses(console):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == REFUSED.get(address, 200), address
        page.wait_for_load_state("networkidle")
        page.evaluate(axe())
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                wrong.append(f"{address} at {width}: {wide} pixels wide")
            wrong += [f"{address} at {width}: {part!r} is cut off" for part in page.evaluate(CUT_OFF)]
            if width == 768:
                continue
            for found in page.evaluate(RUN)["violations"]:
                places = [node["target"] for node in found["nodes"]][:3]
                wrong.append(f"{address} at {width}: {found['id']}: {found['help']} {places}")
    assert wrong == []


def test_every_page_has_an_example(console: Console) -> None:
    app = create_app(context_on(World(console.url)))
    asked = {name for one in pages(app) for name in one.parameters if one.method == "GET"}
    assert asked - {"name", "form"} == set(KNOWN) | NAMED_WHILE_IT_RUNS
