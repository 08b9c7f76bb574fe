"""What changes something, in a browser: a bill run that is looked at first, and a message driven again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opening

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def test_a_bill_run_is_computed_looked_at_and_issued(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/bill-runs")
    page.get_by_label("Off-cycle").check()
    page.get_by_role("button", name="Compute what is due").click()
    due = page.get_by_label("What would be issued")
    expect(due).to_contain_text("to issue", timeout=30_000)
    amount = due.locator(".value").first.inner_text()
    page.get_by_role("button", name="Issue these documents").click()
    issued = page.get_by_label("What was issued")
    expect(issued.locator(".value").first).to_have_text(amount, timeout=30_000)
    page.get_by_role("link", name="documents").first.click()
    expect(page.locator("#rows > tr").first).to_contain_text("31 Aug 2026")


def test_a_message_is_driven_again_and_says_why_it_is_refused_again(opened: Opening) -> None:
    page = opened("admin")
    page.goto("/console/dead-letters")
    page.locator("#rows").get_by_role("link").first.click()
    page.get_by_role("button", name="Drive again").click()
    expect(page.get_by_role("status")).to_contain_text("refused again")
    expect(page.get_by_role("heading", name=re.compile("Why it is refused"))).to_be_visible()


def test_finance_sees_dead_letters_but_not_what_is_in_them(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/dead-letters")
    expect(page.locator("#rows > tr").first).to_be_visible()
    expect(page.locator("#rows").get_by_role("link")).to_have_count(0)
    answer = page.goto("/console/dead-letters/1")
    assert answer is not None
    assert answer.status == 403


def test_a_service_shows_its_days_and_which_charges_each_event_caused(opened: Opening) -> None:
    page = opened("auditor")
    page.goto("/console/services/lap-0924")
    expect(page.get_by_role("img").first).to_be_visible()
    stopped = page.locator("li").filter(has_text="Deactivated")
    expect(stopped).to_contain_text("counts from 11 Jul 2026")
    expect(stopped).to_contain_text("Heard 20 Jul 2026")
    expect(stopped).to_contain_text("20.32 EUR")
    stopped.get_by_role("link", name="SWC-000001 line 1").click()
    expect(page.get_by_role("heading", name="SWC-000001")).to_be_visible()


def test_the_overview_takes_in_what_is_new_and_leaves_the_reader_alone(opened: Opening) -> None:
    page = opened("finance")
    page.clock.install()
    page.goto("/console")
    page.get_by_text("The figures").click()
    page.locator("#bill-runs").focus()
    for part in ("#as-known", "#sums-EUR .value >> nth=0", "#figures-EUR td >> nth=0", "#work li >> nth=0"):
        page.locator(part).evaluate("element => element.textContent = 'stale'")
    with page.expect_response(lambda answer: answer.url.endswith("/console")):
        page.clock.fast_forward(15_100)
    expect(page.get_by_text("stale")).to_have_count(0)
    expect(page.locator("#figures-EUR")).to_be_visible()
    expect(page.locator("#bill-runs")).to_be_focused()
