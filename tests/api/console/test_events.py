"""What became of an event, and what makes no sense yet, as pages."""

import re

import pytest

from api.console.meanings import ANOMALIES
from tests.api.conftest import Doors, instant
from tests.api.console.conftest import Browsers
from tests.api.console.test_catalog import text
from tests.contract.repository import ROOT

EVENTS = "/console/events?source=/fulfilment&id="


@pytest.fixture
def billed(doors: Doors) -> Doors:
    """A service that was billed, an event that the ledger refused, and two that make no sense yet."""
    world = doors.world
    world.hear(
        "service.activated",
        "up",
        service_id="s1",
        customer_id="c1",
        product_id="laptop",
        effective="2026-06-24",
    )
    world.hear("service.resumed", "odd", service_id="s1", effective="2026-06-25")
    world.hear(
        "service.activated",
        "lost",
        service_id="s2",
        customer_id="ghost",
        product_id="laptop",
        effective="2026-06-24",
    )
    world.run("2026-07-02")
    world.clock.now = instant("2026-07-03T06:00:00+00:00")
    world.project()
    return doors


def test_every_anomaly_has_the_sentence_of_the_reference() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    section = page.partition("\n## Anomalies\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    assert dict(rows) == {
        code: row for code, row in dict(rows).items() if ANOMALIES[code] == row.replace("`", "")
    }
    assert set(dict(rows)) == set(ANOMALIES)


@pytest.mark.postgres
def test_a_booked_event_shows_where_it_stands_and_what_it_cost(billed: Doors, browsers: Browsers) -> None:
    page = browsers("finance").get(EVENTS + "up").text
    shown = text(page)
    assert "Booked as fact 5 service.activated" in shown
    assert "INV-000001, line 1" in shown
    assert "30.00 EUR" in shown
    assert "99.00 EUR" in shown
    links = re.findall(r'href="(/console/invoices/[^"]+)"', page)
    assert len(links) == len(set(links)) == 3
    for link in links:
        why = browsers("finance").get(link)
        assert why.status_code == 200
        assert "/console/events?source=%2Ffulfilment&amp;id=up" in why.text


@pytest.mark.postgres
def test_an_adjustment_shows_what_it_cost(billed: Doors, browsers: Browsers) -> None:
    data = {"amount": "5.00", "effective": "2026-07-02", "reason": "a bag", "author": "u-1"}
    billed.world.hear("adjustment.entered", "bag", customer_id="c1", adjustment_id="a1", **data)
    billed.world.project()
    assert "No issued line names it yet" in text(browsers().get(EVENTS + "bag").text)
    billed.world.run("2026-07-03", off_cycle=True)
    billed.world.project()
    page = browsers().get(EVENTS + "bag").text
    assert "INV-000002, line 1" in text(page)
    assert "no service a1 5.00 EUR" in text(page)
    assert 'href="/console/services/"' not in page


@pytest.mark.postgres
def test_an_event_that_makes_no_sense_says_so(billed: Doors, browsers: Browsers) -> None:
    shown = text(browsers().get(EVENTS + "odd").text)
    assert "Not suspended:" in shown
    assert ANOMALIES["not_suspended"] in shown
    assert "No issued line names it yet" in shown


@pytest.mark.postgres
def test_an_event_that_was_never_heard_is_said_so(billed: Doors, browsers: Browsers) -> None:
    answer = browsers().get(EVENTS + "never")
    assert answer.status_code == 404
    assert "No event of source" in answer.text
    assert browsers().get("/console/events?source=&id=").status_code == 200
    half = browsers().get("/console/events?source=&id=up")
    assert "Give both" in half.text
    assert 'value="up"' in half.text


@pytest.mark.postgres
def test_anomalies_say_what_is_wrong_and_lead_to_whom_it_concerns(billed: Doors, browsers: Browsers) -> None:
    page = browsers("auditor").get("/console/anomalies").text
    shown = text(page)
    assert ANOMALIES["not_suspended"] in shown
    assert "customer ghost is not known" in shown
    assert 'href="/console/services/s1"' in page
    assert 'href="/console/events?source=%2Ffulfilment&amp;id=odd"' in page
    narrowed = text(browsers("auditor").get("/console/anomalies?code=unknown_customer").text)
    assert "customer ghost" in narrowed
    assert ANOMALIES["not_suspended"] not in narrowed
    none = browsers("auditor").get("/console/anomalies?code=never_active").text
    assert "No finding matches" in none
