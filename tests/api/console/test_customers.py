"""The pages of customers: the list; one, with what it holds and what is to come; what was known before."""

import re
from html import unescape

import pytest

from ledger.personal import forget
from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers
from tests.api.console.reading import seen
from tests.projections.world import event

pytestmark = pytest.mark.postgres


@pytest.fixture
def billed(doors: Doors) -> Doors:
    """A customer who sent its particulars, holds a service that June's invoice charges, and plans another."""
    world = doors.world
    particulars = {
        "customer_id": "c3",
        "name": "Nordwind Optik AG",
        "email": "office@nordwind.example",
        "address": {
            "lines": ["Bahnhofplatz 6"],
            "postal_code": "8500",
            "city": "Frauenfeld",
            "country": "CH",
        },
        "billing_day": 2,
    }
    sent = event("customer.registered", particulars, "who")
    assert doors.post("/v1/events", "publisher", json=sent).status_code == 200
    world.activate("s1", "c3", "laptop", "2026-06-24")
    world.run("2026-07-02")
    world.hear(
        "service.scheduled", service_id="s2", customer_id="c3", product_id="laptop", effective="2026-07-20"
    )
    world.project()
    return doors


def test_the_list_names_customers(billed: Doors, browsers: Browsers) -> None:
    said = seen(browsers("finance").get("/console/customers").text)
    assert "c3 Nordwind Optik AG 8500 Frauenfeld office@nordwind.example" in said
    assert re.search(r"c1 commitment of c1 .*c2 commitment of c2", said)


@pytest.mark.parametrize(("prefix", "expected"), [("c", ["c1", "c2", "c3"]), ("c3", ["c3"]), ("d", [])])
def test_customers_are_found_by_the_beginning_of_their_id(
    billed: Doors, browsers: Browsers, prefix: str, expected: list[str]
) -> None:
    page = browsers("finance").get(f"/console/customers?prefix={prefix}").text
    assert re.findall(r'<th scope="row"><a href="/console/customers/(\w+)"', page) == expected
    assert ("id begins with d." in page) == (not expected)


def test_the_list_goes_on_where_the_page_ends(
    billed: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.pages.customers.ROWS", 2)
    page = browsers("finance").get("/console/customers?prefix=c").text
    found = re.search(r'href="(/console/customers\?[^"]*cursor=[^"]+)"', page)
    assert found
    behind = browsers("finance").get(unescape(found[1])).text
    assert re.findall(r'<th scope="row"><a href="/console/customers/(\w+)"', behind) == ["c3"]
    assert "More customers" not in behind


def test_a_customer_is_shown_with_what_it_holds_and_got(billed: Doors, browsers: Browsers) -> None:
    page = browsers("auditor").get("/console/customers/c3").text
    said = seen(page)
    assert said.startswith("Nordwind Optik AG Customer c3 Address Bahnhofplatz 6 8500 Frauenfeld Switzerland")
    assert "Phone not given Language not given" in said
    assert "s1 laptop active since 24 Jun 2026" in said
    assert "s2 laptop planned from 20 Jul 2026" in said
    assert "INV-000001 2 Jul 2026 2 Jul 2026 3 136.00 EUR" in said
    assert "Nothing was charged or credited by hand." in said
    for part in ("preview", "forecast"):
        assert f'hx-trigger="load" hx-get="/console/customers/c3/{part}" hx-select="#{part}"' in page
        assert f'<a href="/console/customers/c3/{part}">' in page  # for who has no script
        assert f'id="{part}"' in browsers("auditor").get(f"/console/customers/c3/{part}").text


def test_of_a_large_customer_what_is_to_come_waits_for_a_click(
    billed: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.pages.customers.LARGE", 2)
    page = browsers("finance").get("/console/customers/c3").text
    assert 'hx-trigger="load"' not in page
    for part in ("preview", "forecast"):
        assert f'<a href="/console/customers/c3/{part}" hx-get="/console/customers/c3/{part}"' in page
    monkeypatch.setattr("api.console.pages.customers.LARGE", 3)
    assert 'hx-trigger="load"' in browsers("finance").get("/console/customers/c3").text


def test_more_than_fits_is_a_link_away(
    billed: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browsers("finance")
    links = ("/console/services?customer_id=c3", "/console/invoices?customer_id=c3")
    assert not [link for link in links if link in browser.get("/console/customers/c3").text]
    billed.world.run("2026-08-02")
    billed.world.project()
    monkeypatch.setattr("api.console.pages.customers.FIRST", 1)
    later = browsers("auditor")
    page = later.get("/console/customers/c3").text
    for link in links:
        assert f'href="{link}"' in page
        assert later.get(link).status_code == 200


def test_erased_values_say_so(billed: Doors, browsers: Browsers) -> None:
    with billed.world.connect() as connection:
        assert forget(connection, "acme", "customer/c3")
    said = seen(browsers("auditor").get("/console/customers/c3").text)
    assert said.startswith(
        "c3 Customer c3, whose name was erased Address erased E-mail erased Phone not given"
    )
    assert "c3 erased erased erased" in seen(browsers("auditor").get("/console/customers").text)


def test_the_next_invoice_is_the_api_s_preview(billed: Doors, browsers: Browsers) -> None:
    said = seen(browsers("finance").get("/console/customers/c3/preview").text)
    (draft,) = billed.get("/v1/customers/c3/preview").json()["drafts"]
    assert (draft["net"], draft["due_for"]) == ("30.00", "2026-08-02")
    assert "Billing day 2 Aug 2026 30.00 EUR 1 line" in said
    assert "The full period (1\N{EN DASH}31 Aug 2026) x 30.00 = 30.00" in said
    assert f"{len(draft['planned'])} planned charges beside it, no part of the sum" in said


def test_a_draft_says_what_the_account_s_credit_does(billed: Doors, browsers: Browsers) -> None:
    billed.world.hear("service.deactivated", service_id="s1", effective="2026-06-25")
    billed.world.run("2026-08-02")
    billed.world.activate("s4", "c3", "laptop", "2026-08-01")
    billed.world.project()
    (draft,) = billed.get("/v1/customers/c3/preview").json()["drafts"]
    assert draft["account_credit"]["applied"] == "36.00"
    said = seen(browsers("finance").get("/console/customers/c3/preview").text)
    assert f"36.00 of the account's credit is set off; to be paid: {draft['amount_due']} EUR" in said


def test_the_forecast_is_the_api_s(billed: Doors, browsers: Browsers) -> None:
    page = browsers("finance").get("/console/customers/c3/forecast").text
    assert (
        re.findall(r'aria-label="(Issued and forecast in [^"]+)"', page)
        == ["Issued and forecast in EUR by month; the figures are below"] * 3
    )  # wide, middling and narrow
    assert len(re.findall(r'<rect class="fill-running" x', page)) == 3 * 12
    said = seen(page)
    assert "Month Running Planned Net, EUR" in said
    months = billed.get("/v1/forecast?customer_id=c3").json()["months"]
    assert len(months) == 13
    assert "Aug 2026 planned " in said  # running is all of the net
    assert said.count(" 30.00 ") >= 12
    assert "Jul 2026 30" not in said  # nothing falls in what is left of it
    assert "Nothing is to come" in seen(browsers("finance").get("/console/customers/c1/forecast").text)


def test_what_was_known_at_a_time(billed: Doors, browsers: Browsers) -> None:
    browser = browsers("auditor")
    said = seen(browser.get("/console/customers/c3/history?as_of=2026-06-30").text)
    assert said.startswith("Nordwind Optik AG as it was known")
    assert "active from 24 Jun 2026 laptop x 1" in said
    assert "INV-000001" not in said
    assert "Billing day 2 Jul 2026 136.00 EUR" in said
    now = seen(browser.get("/console/customers/c3/history").text)
    assert "INV-000001 2 Jul 2026" in now
    assert "planned from 20 Jul 2026 laptop x 1" in now
    seq = billed.world.head()
    assert f"from the facts up to {seq} and" in seen(
        browser.get(f"/console/customers/c3/history?as_of={seq}").text
    )


@pytest.mark.parametrize(
    ("as_of", "status", "code"),
    [("soon", 422, "invalid_request"), ("2020-01-01", 404, "as_of_unknown"), ("99999", 404, "as_of_unknown")],
)
def test_a_time_that_is_none_is_told_so(
    billed: Doors, browsers: Browsers, as_of: str, status: int, code: str
) -> None:
    answer = browsers("finance").get(f"/console/customers/c3/history?as_of={as_of}")
    assert (answer.status_code, code in answer.text) == (status, True)


def test_an_unknown_customer_is_a_page_that_says_so(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    for more in ("", "/preview", "/forecast", "/history", "/adjustments", "/adjust", "/adjustments/a1"):
        answer = browsers("finance").get(f"/console/customers/nobody{more}")
        assert (answer.status_code, "customer_unknown" in answer.text) == (404, True), more
