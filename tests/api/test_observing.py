"""Every request is counted by its route and logged with its trace; neither knows an id, a query or a key."""

import json
import logging
import signal
from contextlib import contextmanager

import httpx2
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from api.app import create_app
from api.observing import Observed, RequestCounts
from cli.logs import set_up_logs
from cli.settings import Settings
from projections import parking
from projections.session import writing
from tests.api.conftest import Doors, context_on
from tests.api.test_events import activated
from tests.api.test_serve import billing, serving
from tests.operations.ports import free_port
from tests.projections.world import World, opened

pytestmark = pytest.mark.postgres
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@contextmanager
def logs_as_json():
    """Write logs as `serve` does; afterwards they are as before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up_logs(Settings(BILLING_LOG_FORMAT="json"), command="serve")
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def observed(database, registry):
    """The doors, with somebody who watches."""
    world = opened(World(database))
    world.project()
    app = create_app(context_on(world), middleware=[Middleware(Observed, counts=RequestCounts(registry))])
    with TestClient(app) as client:
        yield Doors(world, app, client)


def count(registry, method, route, status):
    labels = {"method": method, "route": route, "status": str(status)}
    return registry.get_sample_value("billing_http_requests_total", labels)


def test_requests_are_counted_by_the_template_of_their_route(observed, registry):
    assert observed.get("/v1/customers/c1").status_code == 200
    assert observed.get("/v1/customers/c2").status_code == 200
    assert observed.get("/v1/customers/nobody").status_code == 404
    assert observed.client.get("/v1/customers").status_code == 401
    assert observed.get("/v1/no/such/thing/c1").status_code == 404
    assert observed.client.request("BREW", "/v1/customers").status_code == 405
    assert observed.get("/v1/invoices/R%2F1").status_code == 404
    assert observed.client.head("/health/live").status_code == 200
    assert count(registry, "GET", "/v1/invoices/{number}", 404) == 1
    assert count(registry, "HEAD", "/health/live", 200) == 1
    assert count(registry, "GET", "/v1/customers/{customer_id}", 200) == 2
    assert count(registry, "GET", "/v1/customers/{customer_id}", 404) == 1
    assert count(registry, "GET", "/v1/customers", 401) == 1
    assert count(registry, "GET", "(none)", 404) == 1
    labels = {"method": "GET", "route": "/v1/customers/{customer_id}"}
    assert registry.get_sample_value("billing_http_request_seconds_count", labels) == 3
    names = {sample.labels.get("method") for family in registry.collect() for sample in family.samples}
    assert names == {"GET", "HEAD", "other"}


def test_a_line_names_the_route_and_no_more(observed, caplog):
    caplog.set_level(logging.INFO, logger="api.observing")
    observed.get("/v1/customers/nobody-we-know?as_of=3")
    observed.client.get("/health/live")
    (record,) = [record for record in caplog.records if record.name == "api.observing"]
    assert (record.msg, record.method) == ("request.answered", "GET")
    assert record.route == "/v1/customers/{customer_id}"
    assert "nobody-we-know" not in str(record.__dict__)
    assert "as_of" not in str(record.__dict__)


def test_a_status_is_logged_as_a_number(observed, caplog):
    caplog.set_level(logging.INFO, logger="api.observing")
    assert observed.client.get("/v1/customers").status_code == 401
    (record,) = [record for record in caplog.records if record.name == "api.observing"]
    assert repr(record.status) == "401"


def test_the_trace_of_a_request_is_kept_with_its_fact_and_shown(observed):
    """The event's own extension counts before the header; under another trace it is a duplicate."""
    own = f"00-{'c' * 32}-{'d' * 16}-00"
    plain, extended = activated(), activated("s2", "h2") | {"traceparent": own}
    for event in (plain, extended):
        assert observed.post("/v1/events", json=event, headers={"traceparent": TRACEPARENT}).is_success
    again = observed.post("/v1/events", json=plain, headers={"traceparent": own})
    assert again.json()["duplicate"] == 1
    assert observed.post("/v1/events", json=activated("s3", "h3")).is_success
    found = [observed.get(f"/v1/events?source=/fulfilment&id=h{n}").json()["traceparent"] for n in (1, 2, 3)]
    assert found == [TRACEPARENT, own, None]


def test_an_ordered_run_says_how_it_ended_under_its_callers_trace(observed, capsys):
    """As `billing run` does: who was set aside and why, and what it came to."""
    world = observed.world
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    world.project()
    with world.connect() as connection, writing(connection) as cursor:
        parking.park(cursor, "acme", "customer/c1", ["c1"], "ValueError: no such day", seq=1)
    world.clock.on("2026-07-02")
    headers = {"traceparent": TRACEPARENT}
    with logs_as_json():
        for order in ({"issue_date": "2026-07-02"}, {"issue_date": "2026-07-02", "customer_id": "ghost"}):
            assert observed.post("/v1/bill-runs", "finance", json=order, headers=headers).status_code == 202
            observed.app.state.run_desk.wait(60)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in lines if line["logger"] == "api.run_lines"]
    assert [line["event"] for line in told] == ["customer.set_aside", "run.completed", "run.refused"]
    aside, completed, refused = told
    assert (aside["tenant"], aside["customer"], aside["level"]) == ("acme", "c1", "warning")
    assert (completed["customers"], completed["documents"], completed["set_aside"]) == (2, 1, 1)
    assert (completed["date"], completed["run"]) == ("2026-07-02", aside["run"])
    assert refused["code"] == "customer_unknown"
    assert {line["trace_id"] for line in told} == {TRACE_ID}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one by default", "two"])
def test_the_processes_of_one_server_are_added_up(database, monkeypatch, options):
    """Each process counts on its own; the port says the sum. The line in the log has the caller's trace."""
    port = free_port()
    monkeypatch.setenv("BILLING_METRICS_PORT", str(port))
    world = opened(World(database))
    world.project()
    made = json.loads(billing(world, "keys", "create", "--role", "finance", "--name", "x", "--json"))
    header = {"Authorization": f"Bearer {made['key']}", "traceparent": TRACEPARENT}
    with serving(world, *options) as (address, process):
        for _ in range(12):
            assert httpx2.get(f"{address}/v1/customers?limit=7", headers=header).status_code == 200
        text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    wanted = 'billing_http_requests_total{method="GET",route="/v1/customers",status="200"} 12.0'
    assert wanted in text
    assert "billing_database_up 1.0" in text, "ordered bill runs are looked for"
    lines = [json.loads(line) for line in log.splitlines()]
    assert "\\u001b" not in log
    answered = [line for line in lines if line["event"] == "request.answered"]
    assert {line["trace_id"] for line in answered} == {TRACE_ID}
    assert len(answered) == 12
    assert made["key"] not in log
    assert "limit=7" not in log
