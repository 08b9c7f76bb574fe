"""The pages of services: the list with its filters; one with its track, events, charges and lines."""

import re
from html import unescape

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers
from tests.api.console.reading import seen

pytestmark = pytest.mark.postgres


@pytest.fixture
def told(doors: Doors) -> Doors:
    """One service that was suspended and changed, one that will begin, one that stopped; July is invoiced."""
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-09-15", quantity=3)
    world.activate("s3", "c2", "laptop", "2026-05-01")
    world.hear("service.deactivated", service_id="s3", effective="2026-06-20")
    world.run("2026-07-02")
    world.hear("service.suspended", service_id="s1", effective="2026-07-04", event_id="pause")
    world.hear("service.resumed", service_id="s1", effective="2026-07-09", event_id="again")
    world.hear(
        "service.voided",
        service_id="s1",
        effective="2026-07-04",
        event_id="never-paused",
        supersedes={"source": "/fulfilment", "id": "pause"},
    )
    world.project()
    return doors


def test_the_list_shows_each_service_as_it_is_today(told: Doors, browsers: Browsers) -> None:
    said = seen(browsers("finance").get("/console/services").text)
    assert "s1 laptop active since 24 Jun 2026" in said
    assert "s2 laptop scheduled from 15 Sep 2026" in said
    assert "s3 laptop stopped since 20 Jun 2026" in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("customer_id=c2", ["s2", "s3"]),
        ("state=scheduled", ["s2"]),
        ("prefix=s3", ["s3"]),
        ("product_id=laptop&state=active", ["s1"]),
        ("service_type=other", []),
        ("prefix=&state=&customer_id=c1", ["s1"]),
    ],
)
def test_the_list_is_narrowed(told: Doors, browsers: Browsers, query: str, expected: list[str]) -> None:
    page = browsers("finance").get(f"/console/services?{query}").text
    assert re.findall(r'<th scope="row"><a href="/console/services/(\w+)"', page) == expected
    assert ("No service matches the filter" in page) == (not expected)


def test_the_list_goes_on_where_the_page_ends(
    told: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.pages.services.ROWS", 2)
    browser = browsers("finance")
    page = browser.get("/console/services?product_id=laptop").text
    found = re.search(r'<a class="button" href="(/console/services\?[^"]+)"', page)
    assert found
    assert "product_id=laptop" in found[1]
    behind = browser.get(unescape(found[1])).text
    assert re.findall(r'<th scope="row"><a href="/console/services/(\w+)"', behind) == ["s3"]
    assert "More services" not in behind


def test_a_service_is_drawn_and_told(told: Doors, browsers: Browsers) -> None:
    page = browsers("finance").get("/console/services/s1").text
    label = re.search(r'<svg class="track"[^>]* role="img" aria-label="([^"]+)"', page)
    assert label
    assert label[1] == "Timeline of s1: active, from 24 Jun 2026; 4 events"
    assert page.count('class="dot void"') == 1
    said = seen(page)
    assert "1 Activated counts from 24 Jun 2026 Makes it active, laptop x 1 Heard" in said
    assert "2 Suspended counts from 4 Jul 2026 withdrawn by never-paused from /fulfilment" in said
    assert "again from /fulfilment" in said
    assert "No invoice line names it." in said


def test_each_event_says_what_it_charged(told: Doors, browsers: Browsers) -> None:
    """7 of June's 30 days, July and the setup: 7.00, 30.00 and 99.00, as the activation says."""
    page = browsers("finance").get("/console/services/s1").text
    assert "Behind 3 invoice lines, 136.00 EUR in all" in seen(page)
    first = page[page.index('id="event-1"') : page.index('id="event-2"')]
    links = re.findall(r'href="(/console/invoices/INV-000001/lines/\d)"', first)
    assert len(links) == 3
    assert all(browsers("finance").get(link).status_code == 200 for link in links)


def test_of_very_many_documents_the_latest_are_looked_through(
    told: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.world.run("2026-08-02")
    told.world.project()
    browser = browsers("finance")
    whole = seen(browser.get("/console/services/s1").text)
    assert "Behind 4 invoice lines, 166.00 EUR in all" in whole
    assert "of the latest" not in whole
    monkeypatch.setattr("api.console.pages.services.LOOKED_THROUGH", 1)
    cut = seen(browser.get("/console/services/s1").text)
    assert "The charges are those of the latest 1 parts of documents." in cut
    assert "Behind 1 invoice line, 30.00 EUR in all" in cut


def test_states_that_follow_each_other_name_what_began_them(doors: Doors, browsers: Browsers) -> None:
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-01", attributes={"site": "LOBBY"})
    world.hear("service.changed", service_id="s1", effective="2026-06-10", quantity=2)
    world.hear("service.changed", service_id="s1", effective="2026-06-20", attributes={"site": "BAR"})
    world.hear("service.suspended", service_id="s1", effective="2026-06-25")
    world.hear("service.deactivated", service_id="s1", effective="2026-06-28")
    world.project()
    world.clock.on("2026-06-12")
    page = browsers("finance").get("/console/services/s1").text
    said = seen(page)
    for expected in (
        "1 Activated counts from 1 Jun 2026 Makes it active, laptop x 1, site LOBBY Heard",
        "2 Changed counts from 10 Jun 2026 Makes it active, laptop x 2 Heard",
        "3 Changed counts from 20 Jun 2026 Makes it active, laptop x 2, site BAR Heard",
        "4 Suspended counts from 25 Jun 2026 Makes it suspended, laptop x 2 Heard",
        "5 Deactivated counts from 28 Jun 2026 Ends it Heard",
    ):
        assert expected in said
    assert len(re.findall(r'<rect class="bar-active" x="[\d.]+%"', page)) == 2
    assert len(re.findall(r'<rect class="bar-active to-come"', page)) == 2
    assert 'class="bar-suspended to-come"' in page


def test_charges_to_come_and_lines_that_were_issued(
    told: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.pages.services.FIRST_LINES", 2)
    browser = browsers("auditor")
    page = browser.get("/console/services/s1").text
    said = seen(page)
    assert "rent laptop, in advance" in said
    assert "30.00 EUR a month" in said
    assert "setup laptop, one-time" in said
    assert page.count('<th scope="row" class="nowrap"><a href="/console/invoices/INV-000001"') == 2
    found = re.search(r'href="(/console/services/s1/lines\?[^"]+)"', page)
    assert found
    behind = browser.get(unescape(found[1])).text
    assert behind.count('<th scope="row" class="nowrap"><a href="/console/invoices/INV-000001"') == 1


def test_what_makes_no_sense_is_said_first(doors: Doors, browsers: Browsers) -> None:
    doors.world.hear("service.resumed", service_id="s9", effective="2026-06-25")
    doors.world.project()
    said = seen(browsers("finance").get("/console/services/s9").text)
    assert said.startswith("s9 unknown Its facts make nothing of it yet Not suspended : service.resumed")
    assert "Nothing is charged for it." in said


def test_an_unknown_service_is_a_page_that_says_so(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    for path in ("/console/services/nobody", "/console/services/nobody/lines"):
        answer = browsers("finance").get(path)
        assert (answer.status_code, "service_unknown" in answer.text) == (404, True)


def test_an_instant_counts_on_the_tenant_s_day(doors: Doors, browsers: Browsers) -> None:
    """22:30 UTC is half past midnight in Zurich, on the day after."""
    doors.world.activate("s1", "c1", "laptop", "2026-06-30T22:30:00Z")
    doors.world.project()
    page = browsers("finance").get("/console/services/s1").text
    assert "Activated counts from 1 Jul 2026" in seen(page)
    assert "<title>1: activated, 1 Jul 2026</title>" in page


@pytest.mark.parametrize("name", ["a b", "50%", "x?y#z", "<b>\"&'", "\N{SNOWMAN}", "{{ 7 * 7 }}", "+1"])
def test_any_id_can_be_followed(doors: Doors, browsers: Browsers, name: str) -> None:
    doors.world.customer(name, billing_day=2)
    doors.world.activate(name, name, "laptop", "2026-06-01")
    doors.world.run("2026-06-02")
    doors.world.project()
    browser = browsers("finance")
    for place, title in (("services", name), ("customers", f"commitment of {name}")):
        links = re.findall(rf'href="(/console/{place}/[^"?]+)"', browser.get(f"/console/{place}").text)
        shown = [browser.get(unescape(link)) for link in dict.fromkeys(links)]
        assert {answer.status_code for answer in shown} == {200}
        assert sum(seen(answer.text).startswith(f"{title} ") for answer in shown) == 1
        for answer in shown:
            assert '<b>"' not in answer.text
            for part in re.findall(r'hx-get="([^"]+)"', answer.text):
                assert browser.get(unescape(part)).status_code == 200


def test_an_instant_of_a_service_counts_on_the_day_of_who_holds_it(doors: Doors, browsers: Browsers) -> None:
    """16:30 UTC is half past midnight in Tokyo, on the day after."""
    doors.world.customer("far", timezone="Asia/Tokyo")
    doors.world.activate("s1", "far", "laptop", "2026-06-30T16:30:00Z")
    doors.world.hear(
        "service.activated", service_id="s2", customer_id="far", product_id="laptop",
        effective="2026-06-30T16:30:00Z",
    )  # fmt: skip
    doors.world.hear("service.changed", service_id="s2", customer_id="c1", effective="2026-07-05T16:30:00Z")
    doors.world.project()
    page = browsers("finance").get("/console/services/s1").text
    assert "Activated counts from 1 Jul 2026" in seen(page)
    assert "from 1 Jul 2026" in seen(page[page.index('id="states"') :].replace("<section", "<main", 1))
    handed_on = seen(browsers("finance").get("/console/services/s2").text)
    assert "Activated counts from 30 Jun 2026" in handed_on
    assert "Changed counts from 5 Jul 2026" in handed_on
