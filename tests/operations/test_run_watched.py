"""`billing run` as a scheduler calls it: its lines have the caller's trace, its metrics are in a file."""

import json
import os
import subprocess
import sys

import pytest

from ledger.trace import read_traceparent
from tests.projections.world import World, opened

pytestmark = pytest.mark.postgres
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def run(database, tmp_path):
    """Bill a world of one service, and return what was logged."""
    world = opened(World(database))
    world.activate("s1", "c1", "laptop", "2026-06-24")
    clock = tmp_path / "clock"
    clock.write_text("2026-07-02T12:00:00Z")

    def call(*options, code=0, **environment):
        names = {"DATABASE_URL": world.url, "BILLING_CLOCK": f"file:{clock}", **environment}
        done = subprocess.run(
            [sys.executable, "-m", "cli", "run", "--date", "2026-07-02", *options],
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        lines = done.stderr.splitlines()
        assert [line for line in lines if not line.startswith("{")] == lines[len(lines) - bool(code) :]
        return [json.loads(line) for line in lines if line.startswith("{")]

    return call


def test_a_run_belongs_to_the_trace_that_it_is_given(run, tmp_path):
    file = tmp_path / "billing.prom"
    (line,) = run(TRACEPARENT=f"00-{TRACE_ID}-00f067aa0ba902b7-01", BILLING_METRICS_FILE=str(file))
    found = {name: line[name] for name in ("event", "command", "tenant", "date", "customers", "documents")}
    assert found == {
        "event": "run.completed",
        "command": "run",
        "tenant": "acme",
        "date": "2026-07-02",
        "customers": 2,
        "documents": 1,
    }
    assert line["trace_id"] == TRACE_ID
    assert 'billing_run_documents{currency="EUR",kind="invoice",tenant="acme"} 1.0' in file.read_text()


def test_a_run_without_a_trace_begins_one_and_a_dry_run_leaves_no_file(run, tmp_path):
    file = tmp_path / "billing.prom"
    first, second = (run("--dry-run", BILLING_METRICS_FILE=str(file))[-1]["trace_id"] for _ in range(2))
    assert first != second
    assert read_traceparent(f"00-{first}-{'1' * 16}-00")
    assert not file.exists()


def test_metrics_that_can_not_be_written_fail_no_run(run, tmp_path):
    lines = run(BILLING_METRICS_FILE=str(tmp_path / "no" / "such" / "folder.prom"))
    assert [line["event"] for line in lines] == ["run.completed", "metrics.lost"]


def test_a_run_that_fails_says_so_in_the_log(run):
    """And once more in a plain last line, for whoever started it."""
    (line,) = run("--tenant", "nobody", code=2, TRACEPARENT=f"00-{TRACE_ID}-00f067aa0ba902b7-01")
    assert (line["event"], line["code"], line["level"]) == ("process.failed", "tenant_unknown", "error")
    assert line["trace_id"] == TRACE_ID
