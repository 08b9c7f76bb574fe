"""`billing bench project`, small: what it measures is there, and it is the same rows."""

import json

import psycopg
import pytest

from benchmarks import lagging, projecting, raw_copy
from benchmarks.events import catalog_events, customer_events, lifecycle_events, tenant_event
from benchmarks.worlds import BASE, book, copy_of_base, make_base, project
from cli.embedded.postgres import postgres
from cli.main import main
from projections.group import TABLES
from projections.session import LIVE, writing

pytestmark = pytest.mark.postgres


def test_the_limit_copies_the_rows_that_were_projected(tmp_path):
    with postgres(tmp_path / "postgres") as server:

        def finish(url):
            project(url)
            book(url, tmp_path, lifecycle_events(400))

        make_base(server, tmp_path, [tenant_event(), *catalog_events(), *customer_events(40)], finish)
        tables = raw_copy.empty_tables(server.url(BASE))
        assert {"services_v1", "run_rates_v1", "amounts_v1", "forecast_totals_v2"} <= set(tables)
        with copy_of_base(server, "ours") as ours, copy_of_base(server, "limit") as limit:
            project(ours)
            batches = raw_copy.encoded_tables(ours, tables, 3)
            assert raw_copy.copy_tables(limit, batches) > 0
            assert len(rows(ours, tables)["services_v1"]) > 200
            assert rows(limit, tables) == rows(ours, tables)
            assert raw_copy.empty_tables(limit) == raw_copy.empty_tables(ours)


def test_the_command_says_speed_and_lag(monkeypatch, capsys):
    monkeypatch.setattr(projecting, "RATES", (100,))
    monkeypatch.setattr(projecting, "SECONDS", 2)
    assert main(["bench", "project", "--events", "1000", "--runs", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["bench"], found["n"]) == ("project", 1000)
    assert 0 < found["ratio"] < 10
    (lag,) = found["lag"]
    assert lag["events_per_s_asked"] == 100
    assert 0 < lag["p50_ms"] <= lag["p99_ms"] <= lag["max_ms"]
    assert lag["price_services"] > 10
    assert lag["price_ms"] > 0


def test_a_lag_is_good_at_the_rate_asked_only():
    lag = lagging.Lag(1_000, 940, 5, 20, 30, 1, 2)
    assert not lag.is_good
    assert lagging.Lag(1_000, 960, 5, 20, 30, 1, 2).is_good
    assert not lagging.Lag(1_000, 1_000, 5, 1_200, 1_300, 1, 2).is_good


def rows(url, tables):
    with psycopg.connect(url, autocommit=True) as connection, writing(connection) as cursor:
        assert set(tables) <= TABLES.existing(cursor, LIVE)
        return {name: sorted(cursor.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
