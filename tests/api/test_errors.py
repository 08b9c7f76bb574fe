"""Errors are problems with stable codes, each with its status in the reference; our mistakes tell nothing."""

import re
from urllib.parse import unquote

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from psycopg_pool import ConnectionPool

from api import app as application
from api.errors import STATUSES
from api.settings import ApiSettings, Context
from billing.errors import LedgerError
from tests.contract.repository import ROOT, subclasses
from tests.projections.world import World


def section() -> str:
    text = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    return text.partition("## Errors of the API")[2].partition("\n## ")[0]


def test_every_code_is_in_the_reference_with_its_status() -> None:
    described = {
        code: int(status)
        for codes, status in re.findall(r"^\| ([^|]+) \| (\d{3}) \|", section(), re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert described.pop("internal_error") == 500
    assert described == {code: int(status) for code, status in STATUSES.items()}


def test_every_code_with_a_status_exists() -> None:
    assert set(STATUSES) <= {error.code for error in subclasses(LedgerError)}


class UnexpectedError(Exception):
    """Something that nobody thought of."""


@pytest.fixture
def client() -> TestClient:
    world = World("postgresql://nobody@127.0.0.1:1/nothing")
    broken = APIRouter()

    @broken.get("/broken")
    def fail() -> None:
        raise UnexpectedError("a secret of the database")

    @broken.get("/unnamed")
    def refuse() -> None:
        raise LedgerError("a code that nobody gave a status")

    pool = ConnectionPool(world.url, open=False)
    made = application.create_app(Context(ApiSettings(), pool, world.connect, world.clock), routers=[broken])
    return TestClient(made, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/broken", "/unnamed"])
def test_our_own_mistake_tells_nothing_but_to_the_log(
    client: TestClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    (failed,) = [record for record in caplog.records if record.getMessage() == "request.failed"]
    assert failed.__dict__["path"] == path
    assert failed.exc_info


def test_unknown_addresses_and_methods_are_problems(client: TestClient) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = client.delete("/health/live")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/events", "GET, HEAD, POST"),
        ("/v1/bill-runs", "GET, HEAD, POST"),
        ("/v1/invoices/totals", "GET, HEAD"),
        ("/v1/invoices/R%2F1", "GET, HEAD"),
        ("/v1/invoices/R%2F1/credit", "POST"),
        ("/console/login", "GET, HEAD, POST"),
    ],
)
@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_allow_names_every_method_of_an_address(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "path", ["/v1/events/", "/v1/customers/c1/", "/v1/customers/a%2Fb/", "/health/live/"]
)
def test_a_slash_at_the_end_leads_nowhere(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(unquote(path) + ": ")
    assert "location" not in answer.headers


def test_head_is_get_without_a_body(client: TestClient) -> None:
    shown, head = client.get("/health/live"), client.head("/health/live")
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(shown.headers)
    assert client.head("/v1/invoices").status_code == 401
    assert client.head("/v1/impact").status_code == 405
