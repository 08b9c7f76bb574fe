"""Bill runs by HTTP: ordered, done in the background, asked how far they are; never anything twice."""

from typing import Any

import pytest
from psycopg import Cursor, errors

from projections import ordered_runs
from projections.ordered_runs import OrderedRun
from tests.api.conftest import Doors, instant

pytestmark = pytest.mark.postgres


@pytest.fixture
def due(doors: Doors) -> Doors:
    world = doors.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    world.clock.now = instant("2026-07-03T06:00:00+00:00")
    world.project()
    return doors


def ordered(doors: Doors, **order: object) -> dict[str, object]:
    answer = doors.post("/v1/bill-runs", "finance", json=order)
    assert answer.status_code == 202, answer.text
    doors.app.state.run_desk.wait(60)
    found = doors.get(answer.headers["location"], "finance")
    assert found.status_code == 200
    same = ("run_id", "ordered_at", "ordered_by", "issue_date", "customer_id", "dry_run", "off_cycle")
    assert [answer.json()[name] for name in same] == [found.json()[name] for name in same]
    return dict(found.json())


def test_a_run_issues_what_is_due_and_says_so(due: Doors) -> None:
    run = ordered(due, issue_date="2026-07-02")
    assert (run["state"], run["customers_done"], run["customers_total"]) == ("done", 2, 2)
    assert run["outcome"]["totals"] == [
        {"kind": "invoice", "currency": "EUR", "documents": 2, "lines": 6, "net": "272.00"}
    ]
    due.world.project()
    assert len(due.get("/v1/invoices").json()["items"]) == 2
    again = ordered(due, issue_date="2026-07-02")
    assert (again["state"], again["outcome"]["totals"]) == ("done", [])
    listed = due.get("/v1/bill-runs").json()["items"]
    assert {one["run_id"] for one in listed} == {run["run_id"], again["run_id"]}
    (completed,) = due.get("/v1/bill-runs/completed").json()["items"]
    assert (completed["issue_date"], completed["documents"]) == ("2026-07-02", 2)


def test_a_dry_run_issues_nothing(due: Doors) -> None:
    run = ordered(due, issue_date="2026-07-02", dry_run=True, customer_id="c1")
    assert run["outcome"]["totals"][0]["net"] == "136.00"
    due.world.project()
    assert due.get("/v1/invoices").json()["items"] == []


def test_a_run_that_fails_says_why(due: Doors) -> None:
    run = ordered(due, issue_date="2026-07-02", customer_id="ghost")
    assert (run["state"], run["outcome"]["code"]) == ("failed", "customer_unknown")


def test_a_date_that_has_not_come_is_refused(due: Doors) -> None:
    answer = due.post("/v1/bill-runs", "finance", json={"issue_date": "2026-07-04"})
    assert (answer.status_code, answer.json()["code"]) == (409, "issue_date_in_future")
    answer = due.post("/v1/bill-runs", "finance", json={"issue_date": "tomorrow", "more": 1})
    assert {one["place"] for one in answer.json()["errors"]} == {"body.issue_date", "body.more"}


def test_a_run_whose_process_ended_is_interrupted(due: Doors) -> None:
    with due.world.connect() as connection:
        connection.execute(
            """INSERT INTO ledger.ordered_run
                (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run, state)
            VALUES ('acme', 'gone', 'k', now(), '2026-07-02', false, 'running')"""
        )
    assert due.get("/v1/bill-runs/gone").json()["state"] == "interrupted"
    with due.world.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('gone', 0))")
        assert due.get("/v1/bill-runs/gone").json()["state"] == "running"


@pytest.mark.parametrize("path", ["/v1/bill-runs/late", "/v1/bill-runs"])
def test_a_run_that_ends_while_it_is_looked_at_is_done(
    due: Doors, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Its row is read while it runs; it ends and lets go of its lock before that is looked at."""
    shown = ordered_runs.ordered_run
    with due.world.connect() as does:
        does.execute(
            """INSERT INTO ledger.ordered_run
                (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run, state)
            VALUES ('acme', 'late', 'k', now(), '2026-07-02', false, 'running')"""
        )
        does.execute("SELECT pg_advisory_lock(hashtextextended('late', 0))")

        def ending_meanwhile(cursor: Cursor[Any], *read: Any) -> OrderedRun:
            does.execute("UPDATE ledger.ordered_run SET state = 'done', ended_at = now()")
            does.execute("SELECT pg_advisory_unlock_all()")
            return shown(cursor, *read)

        monkeypatch.setattr(ordered_runs, "ordered_run", ending_meanwhile)
        found = due.get(path).json()
    (run,) = found.get("items", [found])
    assert (run["state"], run["ended_at"] is None) == ("done", False)


def test_who_looks_is_not_taken_for_who_does_the_run(due: Doors) -> None:
    with due.world.connect() as connection:
        connection.execute(
            """INSERT INTO ledger.ordered_run
                (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run, state)
            VALUES ('acme', 'gone', 'k', now(), '2026-07-02', false, 'running')"""
        )
    with due.world.connect() as connection, connection.transaction():
        connection.execute(ordered_runs.IS_FREE, {"run_id": "gone"})
        assert due.get("/v1/bill-runs/gone").json()["state"] == "interrupted"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger.ordered_run",
        "UPDATE ledger.ordered_run SET ordered_by = 'somebody else'",
        "SELECT count(*) FROM ledger.fact",
    ],
)
def test_the_clerk_writes_orders_and_nothing_else(due: Doors, statement: str) -> None:
    with due.world.connect() as connection:
        connection.execute("SET ROLE billing_clerk")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)
