"""Bill runs in the console: compute, look, issue, done; who may, and what a wrong form is told."""

import re
from typing import Any

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers
from tests.api.console.test_catalog import text
from tests.api.test_bill_runs import due as due  # noqa: PLC0414 - the world of that test

pytestmark = pytest.mark.postgres
RUNS = "/console/bill-runs"


def sent(doors: Doors, browsers: Browsers, **form: str) -> str:
    """Send the form, wait until the run is done, and return its page's address."""
    answer = browsers("finance").send(RUNS, RUNS, **form)
    assert answer.status_code == 303, answer.text
    doors.app.state.run_desk.wait(60)
    where: str = answer.headers["location"]
    return where


def test_a_run_is_computed_looked_at_issued_and_done(due: Doors, browsers: Browsers) -> None:
    finance = browsers("finance")
    assert 'value="2026-07-03"' in finance.get(RUNS).text, "the tenant's today"
    computed = sent(due, browsers, issue_date="2026-07-02", customer_id="")
    page = finance.get(computed).text
    assert "2 invoices to issue, 6 lines 272.00 EUR" in text(page)
    assert "Issue these documents" in page
    assert "every 1s" not in page, "it has ended: nobody asks any more"
    due.world.hear("service.resumed", service_id="s1", effective="2026-06-25")
    due.world.project()
    assert "Nothing was issued yet" in finance.get("/console/invoices").text
    assert "Since this was computed, 1 fact was heard" in text(finance.get(computed).text)

    answer = finance.send(f"{computed}/issue", computed)
    assert answer.status_code == 303
    due.app.state.run_desk.wait(60)
    due.world.project()
    done = finance.get(answer.headers["location"]).text
    assert "2 invoices, 6 lines 272.00 EUR" in text(done)
    assert "Issue these documents" not in done
    (documents,) = re.findall(r'href="(/console/invoices[?][^"]+)"', done)
    assert documents == "/console/invoices?period=2026-07"
    assert text(finance.get(documents).text).count("136.00 EUR") == 2

    listed = text(finance.get(RUNS).text)
    assert "2 Jul 2026 done issued" in listed
    assert "2 Jul 2026 done computed" in listed
    assert "2 documents, of Jul 2026" in listed
    shown = finance.get(computed).text
    assert "Issue these documents" not in shown
    assert f'href="{answer.headers["location"]}"' in shown
    again = finance.get(sent(due, browsers, issue_date="2026-07-02")).text
    assert "Nothing is due" in again
    assert "Issue these documents" not in again


def test_a_run_is_issued_once_however_often_it_is_sent(due: Doors, browsers: Browsers) -> None:
    """A double click would end on the second run, which has nothing left to issue."""
    finance = browsers("finance")
    computed = sent(due, browsers, issue_date="2026-07-02")
    token = {"form_token": finance.token(computed)}
    first, second = (finance.post(f"{computed}/issue", token).headers["location"] for _ in range(2))
    due.app.state.run_desk.wait(60)
    assert finance.post(f"{computed}/issue", token).headers["location"] == first == second
    assert "2 invoices, 6 lines" in text(finance.get(first).text)


def test_one_customer_alone_can_be_billed(due: Doors, browsers: Browsers) -> None:
    page = browsers("finance").get(
        sent(due, browsers, issue_date="2026-07-03", customer_id=" c1 ", off_cycle="true")
    )
    shown = text(page.text)
    assert "off-cycle; computed only, nothing is issued" in shown
    assert "1 invoice to issue" in shown


def test_a_run_that_fails_says_why(due: Doors, browsers: Browsers) -> None:
    shown = text(browsers("finance").get(sent(due, browsers, issue_date="2026-07-02", customer_id="x")).text)
    assert "Failed." in shown
    assert "customer_unknown" in shown


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"issue_date": "2026-07-04"}, 409, "4 Jul 2026 has not come yet: today is 3 Jul 2026"),
        ({"issue_date": "tomorrow"}, 422, "is no day: write the issue date like 2026-07-02"),
        ({}, 422, "is no day"),
        ({"issue_date": "2026-07-02", "customer_id": "x" * 700}, 422, "at most 600 characters"),
    ],
)
def test_a_wrong_form_comes_back_with_a_sentence(
    due: Doors, browsers: Browsers, form: dict[str, str], status: int, sentence: str
) -> None:
    answer = browsers("finance").send(RUNS, RUNS, **form)
    assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
    assert f'value="{form.get("customer_id", "")}"' in answer.text
    assert "Compute what is due" in answer.text


@pytest.fixture
def running(due: Doors) -> Any:
    """A run that some process does just now, half through."""
    with due.world.connect() as connection:
        connection.execute(
            """INSERT INTO ledger.ordered_run (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run,
                state, customers_done, customers_total)
            VALUES ('acme', 'now', 'k', now(), '2026-07-02', true, 'running', 17, 40)"""
        )
        connection.execute("SELECT pg_advisory_lock(hashtextextended('now', 0))")
        yield


def test_a_run_that_is_not_done_is_asked_for_every_second(running: None, browsers: Browsers) -> None:
    page = browsers("auditor").get(f"{RUNS}/now").text
    assert '<progress max="40" value="17"' in page
    assert "17 of 40 customers" in page
    assert 'hx-get="/console/bill-runs/now" hx-trigger="every 1s"' in page
    assert '<a class="button small" id="again" href="/console/bill-runs/now">Look again</a>' in page
    refused = browsers("finance").send(f"{RUNS}/now/issue", RUNS)
    assert (refused.status_code, "compute it first" in refused.text) == (422, True)


def test_a_run_whose_process_ended_says_so(running: Any, due: Doors, browsers: Browsers) -> None:
    with due.world.connect() as connection:
        connection.execute("UPDATE ledger.ordered_run SET run_id = 'gone' WHERE run_id = 'now'")
    page = browsers("auditor").get(f"{RUNS}/gone").text
    assert "Interrupted." in page
    assert "every 1s" not in page


def test_an_auditor_looks_and_orders_nothing(due: Doors, browsers: Browsers) -> None:
    computed = sent(due, browsers, issue_date="2026-07-02")
    auditor = browsers("auditor")
    assert "Compute what is due" not in auditor.get(RUNS).text
    assert "Issue these documents" not in auditor.get(computed).text
    for path in (RUNS, f"{computed}/issue"):
        answer = auditor.send(path, "/console")
        assert (answer.status_code, "role_insufficient" in answer.text) == (403, True)
    due.world.project()
    assert "Nothing was issued yet" in auditor.get("/console/invoices").text


def test_who_was_set_aside_is_named(due: Doors, browsers: Browsers) -> None:
    with due.world.connect() as connection:
        connection.execute(
            """INSERT INTO ledger.ordered_run (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run,
                state, customers_done, customers_total, ended_at, outcome)
            VALUES ('acme', 'aside', 'k', now(), '2026-07-02', false, 'done', 2, 2, now(), '{"totals": [],
                "set_aside": [{"customer_id": "c1", "reason": "amount_too_large: more than 18 digits"}]}')"""
        )
    shown = text(browsers("auditor").get(f"{RUNS}/aside").text)
    assert "Set aside 1" in shown
    assert "amount_too_large: more than 18 digits" in shown
    assert "Nothing was due" in shown
