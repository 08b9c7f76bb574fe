"""What finance enters in the console: checked, said, entered once; and taken back."""

import re
from html import unescape
from typing import Any

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browser, Browsers
from tests.api.console.reading import seen

pytestmark = pytest.mark.postgres
PATH = "/console/customers/c1/adjust"
WANTED = {"amount": "-12.50", "reason": "broken for a week"}


@pytest.fixture
def billed(doors: Doors) -> Doors:
    doors.world.activate("s1", "c1", "laptop", "2026-06-24")
    doors.world.run("2026-07-02")
    doors.world.project()
    return doors


def pressed(page: str) -> dict[str, str]:
    """What the last form on a page carries, and its first button."""
    form = page[page.rindex("<form") :]
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    found += re.findall(r'<button class="main" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def enter(browser: Browser, **wanted: str) -> Any:
    check = browser.send(PATH, PATH, **{**WANTED, **wanted})
    assert check.status_code == 200, check.text
    return browser.post(PATH, pressed(check.text))


def entered(doors: Doors) -> list[dict[str, Any]]:
    doors.world.project()
    found: list[dict[str, Any]] = doors.get("/v1/adjustments").json()["items"]
    return found


def test_the_first_step_says_what_it_comes_to_and_enters_nothing(billed: Doors, browsers: Browsers) -> None:
    head = billed.world.head()
    check = browsers("finance").send(PATH, PATH, **WANTED, service_id="s1", effective="2026-07-03")
    said = seen(check.text)
    assert said.startswith("Credit 12.50 EUR to commitment of c1 : is this meant?")
    assert "The invoice says broken for a week Reason broken for a week Due from 3 Jul 2026 About s1" in said
    assert billed.world.head() == head
    assert pressed(check.text)["service_id"] == "s1"


def test_the_second_step_enters_it(billed: Doors, browsers: Browsers) -> None:
    browser = browsers("finance")
    answer = enter(browser, amount="39.00", text="Lost charger")
    fact = billed.world.head()
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console/customers/c1?fact={fact}"
    where = answer.headers["location"]
    assert f"Booked as fact {fact}. The figures take it in in a moment" in seen(browser.get(where).text)
    (one,) = entered(billed)
    assert (one["amount"], one["text"], one["reason"]) == ("39.00", "Lost charger", "broken for a week")
    assert (one["effective"], one["currency"], one["service_id"]) == ("2026-07-02", "EUR", None)
    said = seen(browser.get(where).text)
    assert f"Booked as fact {fact}, and in the figures" in said
    assert "Lost charger 2 Jul 2026 2 Jul 2026 broken for a week" in said


def test_what_was_written_can_be_changed_before(billed: Doors, browsers: Browsers) -> None:
    browser = browsers("finance")
    check = pressed(browser.send(PATH, PATH, **WANTED, effective="2026-07-03").text)
    head = billed.world.head()
    again = browser.post(PATH, {**check, "step": "edit"})
    assert again.status_code == 200
    for value in ("-12.50", "broken for a week", "2026-07-03"):
        assert f'value="{value}"' in again.text
    assert billed.world.head() == head


def test_sending_it_twice_enters_it_once(billed: Doors, browsers: Browsers) -> None:
    """By a double click, before anything is projected, and by going back to the page later."""
    browser = browsers("admin")
    form = pressed(browser.send(PATH, PATH, **WANTED).text)
    first, second = browser.post(PATH, form), browser.post(PATH, form)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert len(entered(billed)) == 1
    assert browser.post(PATH, form).headers["location"] == first.headers["location"]
    assert browser.post(PATH, {**form, "step": "edit"}).headers["location"] == "/console/customers/c1"
    assert len(entered(billed)) == 1


def test_something_else_under_an_id_that_is_taken_is_said_so(billed: Doors, browsers: Browsers) -> None:
    browser = browsers("admin")
    form = pressed(browser.send(PATH, PATH, **WANTED).text)
    browser.post(PATH, form)
    assert len(entered(billed)) == 1
    answer = browser.post(PATH, {**form, "amount": "-99.00"})
    assert answer.status_code == 409
    assert "with another amount; take another id" in unescape(answer.text)
    assert [one["amount"] for one in entered(billed)] == ["-12.50"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"amount": "much"}, "Write 12.50 to charge, -12.50 to credit"),
        ({"amount": ""}, "Write 12.50 to charge, -12.50 to credit"),
        ({"amount": "0.00"}, "an adjustment moves something"),
        ({"amount": "1.005"}, "EUR has 2 decimals"),
        ({"amount": "9" * 16}, "Write 12.50 to charge, -12.50 to credit"),
        ({"currency": "Euro"}, "Write three capitals, like EUR"),
        ({"effective": "soon"}, "Write a day, like 2026-07-02"),
        ({"reason": " "}, "Say why, in at most 500 characters"),
        ({"reason": "x" * 501}, "Say why, in at most 500 characters"),
        ({"text": "x" * 501}, "Write at most 500 characters"),
        ({"service_id": "s99"}, "There is no service 's99'"),
    ],
    ids=lambda value: next(iter(value.items()), "")[0] if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_said_beside_its_field(
    billed: Doors, browsers: Browsers, wrong: dict[str, str], said: str
) -> None:
    head = billed.world.head()
    answer = browsers("finance").send(PATH, PATH, **{**WANTED, "text": "kept", **wrong})
    assert answer.status_code == 422
    (field,) = wrong
    assert f'aria-invalid="true" aria-describedby="{field}-hint"' in answer.text
    assert said in unescape(answer.text)
    if field != "text":
        assert 'value="kept"' in answer.text
    assert billed.world.head() == head


def test_it_is_taken_back_with_a_reason(billed: Doors, browsers: Browsers) -> None:
    browser = browsers("finance")
    enter(browser)
    (one,) = entered(billed)
    page = f"/console/customers/c1/adjustments/{one['adjustment_id']}"
    assert "It will stand on no invoice." in seen(browser.get(page).text)
    head = billed.world.head()
    unsaid = browser.send(f"{page}/withdraw", page, reason=" ")
    assert (unsaid.status_code, "Say why" in unsaid.text, billed.world.head()) == (422, True, head)
    answer = browser.send(f"{page}/withdraw", page, reason="not broken")
    assert (answer.status_code, billed.world.head()) == (303, head + 1)
    assert answer.headers["location"] == f"/console/customers/c1?fact={head + 1}"
    (one,) = entered(billed)
    assert not one["is_live"]
    assert "Withdraw it" not in browser.get(page).text
    again = browser.send(f"{page}/withdraw", "/console", reason="not broken")
    assert (again.status_code, "adjustment_unknown" in again.text) == (404, True)


def test_what_was_invoiced_is_named(billed: Doors, browsers: Browsers) -> None:
    enter(browsers("admin"))
    (one,) = entered(billed)
    billed.world.run("2026-08-02")
    billed.world.project()
    said = seen(browsers("finance").get(f"/console/customers/c1/adjustments/{one['adjustment_id']}").text)
    assert "Invoiced on INV-000002" in said
    assert "reversed on the customer's next invoice" in said


def test_an_auditor_sees_and_changes_nothing(billed: Doors, browsers: Browsers) -> None:
    enter(browsers("finance"))
    (one,) = entered(billed)
    auditor = browsers("auditor")
    assert "Enter an adjustment" not in auditor.get("/console/customers/c1").text
    page = f"/console/customers/c1/adjustments/{one['adjustment_id']}"
    assert "Withdraw it" not in auditor.get(page).text
    assert auditor.get(PATH).status_code == 403
    head = billed.world.head()
    for path in (PATH, f"{page}/withdraw"):
        answer = auditor.send(path, "/console", **WANTED, step="enter")
        assert (answer.status_code, "role_insufficient" in answer.text) == (403, True)
    assert billed.world.head() == head


def test_all_that_was_entered_is_a_list(
    billed: Doors, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.console.pages.adjustments.ROWS", 2)
    monkeypatch.setattr("api.console.pages.customers.FIRST_ENTERED", 1)
    browser = browsers("finance")
    for number in range(3):
        enter(browser, text=f"goodwill {number}")
    billed.world.project()
    assert 'href="/console/customers/c1/adjustments"' in browser.get("/console/customers/c1").text
    page = browser.get("/console/customers/c1/adjustments").text
    assert [number in page for number in ("goodwill 0", "goodwill 1", "goodwill 2")] == [False, True, True]
    found = re.search(r'href="(/console/customers/c1/adjustments\?cursor=[^"]+)"', page)
    assert found
    assert "goodwill 0" in browser.get(unescape(found[1])).text
