"""What finance does with invoices, in a browser: find one, see where a number comes from, take it along."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Console, Opening

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def test_a_wrong_key_is_told_so_and_a_right_one_leads_on(console: Console, opened: Opening) -> None:
    page = opened(None)
    page.goto("/console/invoices?period=2026-07")
    page.get_by_label("API key").fill("blk_aaaaaaaaaaaa_" + "A" * 43)
    page.keyboard.press("Enter")
    expect(page.locator("#refused")).to_contain_text("no key of ours")
    page.get_by_label("API key").fill(console.token("finance"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/console/invoices\?period=2026-07$"))
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()


def test_by_keyboard_alone_from_the_overview_to_the_arithmetic_of_a_line(opened: Opening) -> None:
    page = opened("auditor")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("link", name="Invoices", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="SW-000035", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Invoice SW-000035")).to_be_visible()
    page.get_by_role("link", name="Why line 2").focus()
    page.keyboard.press("Enter")
    why = page.locator("#why-2")
    expect(why).to_contain_text(re.compile("7 of 30 days .24.30 Jun 2026. . 30.00 = 7.00 EUR"))
    expect(why).to_contain_text("service.activated")
    expect(why).to_contain_text("kafka:billing.events/0/")
    expect(page).to_have_url(re.compile("/console/invoices/SW-000035$"))


def test_a_list_goes_on_below(opened: Opening) -> None:
    page = opened("finance", "harborlight")
    page.goto("/console/invoices")
    rows = page.locator("#rows > tr:not(.more)")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="More documents").click()
    expect(page.get_by_role("link", name="More documents")).to_have_count(0)
    assert rows.count() > 50


def test_a_list_is_filtered_added_up_and_sorted(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/invoices")
    rows = page.locator("#rows > tr:not(.more)")
    page.get_by_label("Billing period").fill("2026-07")
    page.get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(9)
    expect(page.get_by_label("Totals of the list")).to_contain_text("9 invoices, 93 lines")
    expect(page.get_by_label("Totals of the list")).to_contain_text("5,801.34 EUR")
    page.get_by_role("link", name="Net").click()
    expect(page.get_by_role("columnheader", name="Net")).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_contain_text("1,123.47 EUR")
    page.get_by_role("link", name="Net").click()
    expect(rows.first).to_contain_text("136.00 EUR")


def test_what_a_product_comes_to_over_all_months_waits_for_a_click(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/invoices?product_id=laptop-standard")
    expect(page.get_by_label("Totals of the list")).to_have_count(0)
    page.get_by_role("link", name="Add the list up").click()
    expect(page.get_by_label("Totals of the list")).to_contain_text("EUR")


def test_an_invoice_and_a_list_are_taken_along(opened: Opening, tmp_path: Path) -> None:
    page = opened("finance")
    page.goto("/console/invoices?customer_id=c-105")
    with page.expect_download() as listed:
        page.get_by_role("link", name="Export CSV").click()
    listed.value.save_as(tmp_path / "list.csv")
    lines = (tmp_path / "list.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("number,kind,customer_id,currency,net")
    assert [line.split(",")[4] for line in lines[1:]] == ["-20.32", "136.00"]
    page.get_by_role("link", name="SW-000035", exact=True).click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="PDF").click()
    taken.value.save_as(tmp_path / "invoice.pdf")
    assert (tmp_path / "invoice.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert taken.value.suggested_filename == "SW-000035.pdf"


def test_without_a_script_every_link_is_a_page(opened: Opening) -> None:
    page = opened("finance", "harborlight", java_script_enabled=False)
    page.goto("/console/invoices")
    page.get_by_role("link", name="More documents").click()
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
    page.locator("#rows a").first.click()
    page.get_by_role("link", name="Why line 1", exact=True).click()
    expect(page.get_by_role("heading", name="Line 1 of ")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("API key")).to_be_visible()


def test_what_could_not_be_had_is_said_where_the_reader_is(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/invoices/SW-000034")
    page.route("**/lines/1", lambda route: route.continue_(url=f"{route.request.url}999"))
    page.get_by_role("link", name="Why line 1", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("has no line 1999; it has 12")
    expect(page.locator("#why-1")).to_be_empty()


def test_a_part_that_is_loaded_leaves_the_page_its_title(opened: Opening) -> None:
    page = opened("finance")
    page.goto("/console/customers/c-102")
    expect(page.locator("#preview")).to_contain_text("Billing day")
    expect(page.locator("#forecast")).to_contain_text("Running")
    expect(page).to_have_title("Customer c-102 · Billing")


def test_several_arithmetics_stand_open_and_are_closed_to_a_sentence(opened: Opening) -> None:
    page = opened("auditor")
    page.goto("/console/invoices/SW-000035")
    for line in ("1", "2"):
        page.get_by_role("link", name=f"Why line {line}", exact=True).click()
        expect(page.locator(f"#why-{line}")).to_contain_text("service.activated")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    page.locator("#why-2 summary").click()
    expect(page.locator("#why-2 dl")).to_be_hidden()
    expect(page.locator("#why-2")).to_contain_text("30.00 = 7.00 EUR")
    expect(page.locator("#why-1 dl")).to_be_visible()
