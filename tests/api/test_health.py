"""Health: alive without a database, ready only with all that answers need."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from psycopg_pool import ConnectionPool

from api import app as application
from api.settings import ApiSettings, Context
from tests.api.conftest import Doors, context_on
from tests.projections.world import World

pytestmark = pytest.mark.postgres


@contextmanager
def client_on(context: Context) -> Iterator[TestClient]:
    with TestClient(application.create_app(context)) as client:
        yield client


def test_ready_with_read_models_and_how_far_they_are_behind(doors: Doors) -> None:
    answer = doors.client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["read_models"] == "missing"
    doors.world.project()
    answer = doors.client.get("/health/ready")
    assert (answer.status_code, answer.json()["facts_behind"]) == (200, 0)
    doors.world.customer("c3")
    assert doors.client.get("/health/ready").json()["facts_behind"] == 1


def test_health_is_never_answered_from_what_was_kept(doors: Doors) -> None:
    doors.world.project()
    for path in ("/health/live", "/health/ready"):
        answer = doors.client.get(path, headers={"if-none-match": "*"})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert "etag" not in answer.headers


def test_without_read_models_a_list_says_what_to_do(doors: Doors) -> None:
    answer = doors.get("/v1/invoices")
    assert (answer.status_code, answer.json()["code"]) == (503, "nothing_projected")
    assert "billing project" in answer.json()["detail"]
    assert doors.get("/v1/invoices", headers={"accept": "text/csv"}).status_code == 503


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.health.PATIENCE_SECONDS", 0.1)
    world = World("postgresql://nobody@127.0.0.1:1/nothing")
    pool = ConnectionPool(world.url, min_size=1, open=False, timeout=0.1)
    with client_on(Context(ApiSettings(), pool, world.connect, world.clock)) as client:
        assert client.get("/health/live").json() == {"status": "live"}
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["database"]) == (503, "away")
        answer = client.get(
            "/v1/key", headers={"Authorization": "Bearer " + "blk_" + "a" * 12 + "_" + "A" * 43}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert answer.headers["retry-after"]


def test_a_database_without_migrations(postgres) -> None:
    with client_on(context_on(World(postgres.url()))) as client:
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")
