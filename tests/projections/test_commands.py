"""The commands of projections and bill run, as processes of their own."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.clock import clock_from
from tests.projections.world import World

pytestmark = pytest.mark.postgres
PATIENCE_SECONDS = 60


def environment(world: World, tmp_path: Path) -> dict[str, str]:
    clock = tmp_path / "clock"
    clock.write_text(world.clock.now.isoformat())
    return {**os.environ, "DATABASE_URL": world.url, "BILLING_CLOCK": f"file:{clock}"}


def billing(world: World, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env=environment(world, tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def answer(world: World, tmp_path: Path, *words: str) -> Any:
    done = billing(world, tmp_path, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def july(world: World) -> World:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.clock.on("2026-07-02")
    return world


def test_from_facts_to_an_invoice_that_is_shown(july: World, tmp_path: Path) -> None:
    status = answer(july, tmp_path, "project", "--once")
    assert [(item["tenant_id"], item["behind"]) for item in status][1:] == [("acme", 0)]
    dry = answer(july, tmp_path, "run", "--date", "2026-07-02", "--dry-run")
    assert [document["number"] for document in dry["documents"]] == [None]
    report = answer(july, tmp_path, "run", "--date", "2026-07-02")
    assert report["totals"] == [
        {"kind": "invoice", "currency": "EUR", "documents": 1, "lines": 3, "net": "136.00"}
    ]
    assert report["documents"][0]["lines_root"] == dry["documents"][0]["lines_root"]
    answer(july, tmp_path, "project", "--once")
    (row,) = answer(july, tmp_path, "invoices", "list")
    assert (row["number"], row["net"]) == ("INV-000001", "136.00")
    shown = answer(july, tmp_path, "invoices", "show", "INV-000001")
    assert [line["amount"] for line in shown["lines"]] == ["99.00", "7.00", "30.00"]
    assert answer(july, tmp_path, "anomalies") == []
    assert answer(july, tmp_path, "rebuild", "invoices") == {"rebuilt": ["invoices"]}
    (preview,) = answer(july, tmp_path, "preview")["invoices"]
    assert (preview["due_for"], preview["net"]) == ("2026-08-02", "30.00")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "--date", "2026-07-03"), 2, "2026-07-03 has not come yet"),
        (("run", "--date", "2026-07-02", "--customer", "c9"), 2, "no customer 'c9'"),
        (("run", "--date", "2026-07-02", "--tenant", "nobody"), 2, "tenant 'nobody' has no ledger"),
        (("run", "--date", "2 July"), 2, "YYYY-MM-DD"),
        (("rebuild", "nonsense"), 2, "there are catalog"),
        (("invoices", "show", "INV-9"), 2, "no document 'INV-9'"),
        (("project", "--retry", "service/s1"), 2, "is not parked"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_mistake_is_answered_in_one_line(
    words: tuple[str, ...], code: int, said: str, july: World, tmp_path: Path
) -> None:
    july.project()
    done = billing(july, tmp_path, *words)
    assert (done.returncode, done.stdout) == (code, "")
    plain = [
        line for line in done.stderr.splitlines() if not line.startswith("{")
    ]  # the others are the log's
    assert (len(plain), done.stderr.splitlines()[-1:]) == (1, plain)
    assert said in plain[0]


@pytest.mark.parametrize("setting", ["system", "file:clock"])
def test_a_clock_goes_along_to_worker_processes(setting: str) -> None:
    assert callable(pickle.loads(pickle.dumps(clock_from(setting))))  # noqa: S301 - our own bytes


def test_reading_before_anything_is_projected_says_what_to_do(july: World, tmp_path: Path) -> None:
    done = billing(july, tmp_path, "invoices", "list")
    assert done.returncode == 2
    assert "run: billing project" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_projector_follows_and_stops_cleanly(number: signal.Signals, july: World, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "project", "--json"],
        env=environment(july, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(july)
        july.activate("s2", "c2", "laptop", "2026-06-28")
        wait_for(july)
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert {json.loads(line)["level"] for line in errors.splitlines()} == {"info"}
    assert [item["seq"] for item in json.loads(output) if item["tenant_id"] == "acme"] == [july.head()]


def wait_for(world: World) -> None:
    """Until another process has projected everything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with world.connect() as connection:
        while True:
            assert time.monotonic() < deadline
            (exists,) = connection.execute("SELECT to_regclass('read.bookmarks_v1') IS NOT NULL").fetchone()
            if exists:
                row = connection.execute(
                    "SELECT seq FROM read.bookmarks_v1 WHERE tenant_id = %s", (world.tenant,)
                ).fetchone()
                if row == (world.head(),):
                    return
            time.sleep(0.02)
