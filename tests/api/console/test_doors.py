"""Who comes into the console: nobody without a session, no form from elsewhere, no other tenant."""

import re
from datetime import timedelta

import pytest
from fastapi import APIRouter

from api.console.doors import PageRoute
from api.console.pages import overview
from ledger import keys
from ledger.keys import KEY_ROLES, KeyRole
from ledger.sessions import LASTS
from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers
from tests.api.console.routes import OPEN, pages

pytestmark = pytest.mark.postgres
X = dict.fromkeys(("number", "form", "line", "name", "path", "customer_id", "service_id"), "1") | {
    "product_id": "1", "letter_id": "1", "run_id": "1", "adjustment_id": "1",
}  # fmt: skip
MAY_CHANGE = {
    "/console/logout": "finance auditor admin",
    "/console/bill-runs": "finance admin",
    "/console/bill-runs/{run_id}/issue": "finance admin",
    "/console/dead-letters/{letter_id}/redrive": "admin",
    "/console/customers/{customer_id}/adjust": "finance admin",
    "/console/customers/{customer_id}/adjustments/{adjustment_id}/withdraw": "finance admin",
}
"""Who may send which form; a new one must be here, beside saying so itself."""


def test_every_form_is_in_the_table(doors: Doors) -> None:
    found = {one.path: " ".join(one.roles) for one in pages(doors.app) if one.method == "POST"}
    assert {path: roles for path, roles in found.items() if path not in OPEN} == MAY_CHANGE


def test_nothing_but_the_login_and_static_files_is_open(doors: Doors, browsers: Browsers) -> None:
    stranger = browsers(None)
    assert {one.path for one in pages(doors.app) if not one.roles} == OPEN
    for one in pages(doors.app):
        if one.path not in OPEN:
            send = stranger.get if one.method == "GET" else stranger.post
            answer = send(one.path_with(X))
            assert (answer.status_code, answer.text) == (303, ""), one
            assert answer.headers["location"].startswith("/console/login"), one


def test_who_was_sent_to_the_login_comes_back(browsers: Browsers, doors: Doors) -> None:
    stranger = browsers(None)
    where = stranger.get("/console/invoices?kind=invoice").headers["location"]
    assert where == "/console/login?next=%2Fconsole%2Finvoices%3Fkind%3Dinvoice"
    assert 'value="/console/invoices?kind=invoice"' in stranger.get(where).text
    key = doors.token("finance")
    answer = stranger.post("/console/login", {"key": key, "next": "/console/invoices?kind=invoice"})
    assert answer.headers["location"] == "/console/invoices?kind=invoice"


def test_who_comes_back_finds_ids_with_signs_of_addresses(browsers: Browsers, doors: Doors) -> None:
    doors.world.activate("a/b?c#d", "c1", "laptop", "2026-06-24")
    doors.world.project()
    stranger, wanted = browsers(None), "/console/services/a%2Fb%3Fc%23d"
    form = stranger.get(stranger.get(wanted).headers["location"]).text
    assert f'value="{wanted}"' in form
    answer = stranger.post("/console/login", {"key": doors.token("finance"), "next": wanted})
    assert answer.headers["location"] == wanted
    assert "a/b?c#d" in stranger.get(wanted).text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/consoles", "/console/\\evil.example", "/v1/key"]
)
def test_the_login_leads_nowhere_else(browsers: Browsers, doors: Doors, elsewhere: str) -> None:
    answer = browsers(None).post("/console/login", {"key": doors.token("finance"), "next": elsewhere})
    assert answer.headers["location"] == "/console"


@pytest.mark.parametrize("role", KEY_ROLES)
def test_a_publisher_has_no_business_here(browsers: Browsers, doors: Doors, role: KeyRole) -> None:
    answer = browsers(None).post("/console/login", {"key": doors.token(role)})
    assert answer.status_code == (403 if role == "publisher" else 303)
    assert ("set-cookie" in answer.headers) == (role != "publisher")


def test_a_wrong_key_is_told_so(browsers: Browsers) -> None:
    answer = browsers(None).post("/console/login", {"key": "blk_aaaaaaaaaaaa_" + "A" * 43})
    assert answer.status_code == 401
    assert "This is no key of ours" in answer.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(browsers: Browsers, doors: Doors) -> None:
    said = browsers(None).post("/console/login", {"key": doors.token("finance")}).headers["set-cookie"]
    assert {"HttpOnly", "Path=/console", "SameSite=lax"} <= set(said.split("; "))
    assert "Secure" not in said  # the test's address is plain HTTP; below, it is not
    secure = browsers(None).client.post(
        "https://testserver/console/login", data={"key": doors.token("finance")}, follow_redirects=False
    )
    assert "Secure" in secure.headers["set-cookie"].split("; ")


def test_a_session_ends_by_logging_out_for_every_copy_of_it(browsers: Browsers) -> None:
    browser = browsers("finance")
    copy = dict(browser.client.cookies)
    assert browser.send("/console/logout", "/console").headers["location"] == "/console/login"
    browser.client.cookies.update(copy)
    assert browser.get("/console").status_code == 303


def test_a_session_ends_with_its_time_and_with_its_key(browsers: Browsers, doors: Doors) -> None:
    doors.world.project()
    browser, clock = browsers("finance"), doors.world.clock
    clock.now += LASTS - timedelta(seconds=1)
    assert browser.get("/console").status_code == 200
    clock.now += timedelta(seconds=1)
    assert browser.get("/console").status_code == 303
    other = browsers("auditor")
    key_id = doors.header("auditor")["Authorization"].split("_")[1]
    with doors.world.connect() as connection:
        keys.revoke(connection, key_id, clock=clock)
    assert other.get("/console").status_code == 303


def test_a_browser_has_one_session_whichever_key_it_came_in_with_last(
    browsers: Browsers, doors: Doors
) -> None:
    doors.world.project()
    browser = browsers("finance")
    before = dict(browser.client.cookies)
    assert browser.post("/console/login", {"key": doors.token("auditor")}).status_code == 303
    assert "</b> auditor" in browser.get("/console").text
    browser.client.cookies.clear()
    browser.client.cookies.update(before)
    assert browser.get("/console").status_code == 303


def test_the_token_of_a_form_is_another_one_on_every_page(browsers: Browsers) -> None:
    """What stands on every page can be guessed from how long the compressed pages are (BREACH)."""
    browser = browsers("admin")
    first, second = browser.token(), browser.token()
    assert first[:16] != second[:16]
    assert first[16:] != second[16:]
    mixed = browser.post("/console/logout", {"form_token": first[:16] + second[16:]})
    assert mixed.status_code == 403
    assert browser.post("/console/logout", {"form_token": first}).status_code == 303


def test_a_form_needs_the_token_of_its_own_session(browsers: Browsers, doors: Doors) -> None:
    browser, other = browsers("admin"), browsers("finance")
    forms = [one.path_with(X) for one in pages(doors.app) if one.method == "POST" and one.path not in OPEN]
    for path in forms:
        for token in ("", "x", other.token()):
            answer = browser.post(path, {"form_token": token})
            assert (answer.status_code, "form_refused" in answer.text) == (403, True), path


def test_a_form_that_another_site_sends_is_refused(browsers: Browsers, doors: Doors) -> None:
    browser = browsers("admin")
    for origin in ("https://evil.example", "null"):
        for path, data in (
            ("/console/logout", {"form_token": browser.token()}),
            ("/console/login", {"key": doors.token("finance")}),
        ):
            answer = browser.post(path, data, headers={"origin": origin})
            assert (answer.status_code, "form_refused" in answer.text) == (403, True), origin
    own = browser.post(
        "/console/logout", {"form_token": browser.token()}, headers={"origin": "http://testserver"}
    )
    assert own.status_code == 303


def test_every_page_forbids_what_it_does_not_need(browsers: Browsers, doors: Doors) -> None:
    doors.world.project()
    browser = browsers("admin")
    for one in pages(doors.app):
        if one.method != "GET" or one.path in {"/", "/console/static/{name}"}:
            continue
        answer = browser.get(one.path_with(X))
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert answer.headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        ), one
        assert answer.headers["cache-control"] == "private, no-store", one
        assert not [
            word for word in (" style=", "<style", "onclick", "javascript:") if word in answer.text
        ], one


def test_what_is_downloaded_stays_in_no_cache(browsers: Browsers, doors: Doors) -> None:
    doors.world.activate("s1", "c1", "laptop", "2026-06-24")
    doors.world.run("2026-07-02")
    doors.world.project()
    (number,) = doors.world.numbers()
    for path in (
        "/console/invoices/export/csv",
        "/console/invoices/export/jsonl",
        f"/console/invoices/{number}/csv",
        f"/console/invoices/{number}/pdf",
    ):
        answer = browsers("finance").get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store"), path
        assert answer.headers["x-content-type-options"] == "nosniff", path
    kept = browsers(None).get("/console/static/console.css")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_mistake_of_ours_is_a_page_that_says_nothing_of_it(
    browsers: Browsers, doors: Doors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    doors.world.project()
    browser = browsers("finance")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nobody's business")

    monkeypatch.setattr(overview, "get_forecast", broken)
    answer = browser.get("/console")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "internal_error" in answer.text
    assert "business" not in answer.text
    assert "request.failed" in caplog.messages
    assert "nobody's business" in caplog.text


def test_a_form_that_can_not_be_read_is_answered_by_a_page(browsers: Browsers) -> None:
    broken = {"content-type": "multipart/form-data; boundary=x"}
    answer = browsers("admin").client.post("/console/logout", content=b"--y", headers=broken)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.status_code in {403, 422}


def test_the_console_with_a_slash_behind_it_is_the_console(browsers: Browsers) -> None:
    assert browsers("finance").get("/console/").headers["location"] == "/console"


def test_a_part_of_a_page_is_not_replaced_by_the_login(browsers: Browsers) -> None:
    answer = browsers(None).get("/console/invoices", headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/console/login")


def test_who_sent_a_form_or_loaded_a_part_comes_back_to_its_page(browsers: Browsers) -> None:
    stranger = browsers(None)
    login = "/console/login?next=%2Fconsole%2Fbill-runs%3Fcursor%3Dx"
    came = {"referer": f"{stranger.client.base_url}/console/bill-runs?cursor=x"}
    assert stranger.post("/console/bill-runs", headers=came).headers["location"] == login
    part = stranger.get("/console/bill-runs/r1", headers={**came, "hx-request": "true"})
    assert part.headers["hx-redirect"] == login
    assert "a form that was just sent did nothing" in stranger.get(login).text
    for elsewhere in ("http://evil.test/console", f"{stranger.client.base_url}/consoles"):
        answer = stranger.post("/console/bill-runs", headers={"referer": elsewhere})
        assert answer.headers["location"] == "/console/login"


def test_a_page_of_an_error_leads_on(doors: Doors, browsers: Browsers) -> None:
    doors.world.project()
    browser = browsers("auditor")
    came = {"referer": f"{browser.client.base_url}/console/services/s1"}
    answer = browser.get("/console/customers/no%2Fbody", headers=came)
    assert answer.status_code == 404
    found = re.findall(r'<li><a href="([^"]+)"(?: aria-current="page")?>([^<]+)</a></li>', answer.text)
    assert [one for one in found if one[1] == "Customers"] == [("/console/customers", "Customers")] * 2
    assert ("/console/services/s1", "Back to where you were") in found
    assert ("/console/services?customer_id=no%2Fbody", "Services that name this customer") in found


def test_static_files_are_the_few_that_pages_name(browsers: Browsers) -> None:
    stranger = browsers(None)
    for name, media in (("console.css", "text/css"), ("Inter-Regular.ttf", "font/ttf")):
        answer = stranger.get(f"/console/static/{name}")
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media)
    for name in ("doors.py", "..%2Fdoors.py", "%2e%2e/doors.py", "frame.html"):
        assert stranger.get(f"/console/static/{name}").status_code in {303, 404}


def test_a_page_that_does_not_say_whom_it_lets_in_can_not_be_made() -> None:
    router = APIRouter(route_class=PageRoute)
    with pytest.raises(AssertionError, match="does not say who may come in"):
        router.add_api_route("/x", lambda: None)
