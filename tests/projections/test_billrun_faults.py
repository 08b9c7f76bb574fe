"""Bill runs that die or meet: numbers without gap, nothing twice, lines as of an undisturbed run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from cli.embedded.postgres import Postgres
from projections import billrun
from tests.projections.world import World, opened

pytestmark = pytest.mark.postgres

DAY = "2026-07-02"
CUSTOMERS = 30
BLOCKED = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
PATIENCE_SECONDS = 60


def populate(world: World) -> World:
    """Thirty customers of two services; every third has one that stopped after its invoice of June."""
    world.clock.on("2026-05-20")
    names = [f"k{number:02d}" for number in range(CUSTOMERS)]
    for name in names:
        world.customer(name, billing_day=2)
        world.activate(f"a-{name}", name, "laptop", "2026-05-20")
        world.activate(f"b-{name}", name, "laptop", "2026-05-25")
    world.run("2026-06-02")
    world.clock.on("2026-06-10")
    for name in names[::3]:
        world.hear("service.deactivated", service_id=f"a-{name}", effective="2026-05-31")
        world.hear("service.deactivated", service_id=f"b-{name}", effective="2026-05-31")
    world.clock.on(DAY)
    world.project()
    return world


def content(world: World) -> list[dict[str, Any]]:
    """All lines by customer and day, without the numbers of their documents."""
    found = [
        {
            **{key: value for key, value in line.items() if key not in ("issued", "reverses", "adjusts")},
            "customer": line["issued"]["document"]["customer_id"],
            "due_for": line["issued"]["document"]["due_for"],
            "kind of document": line["issued"]["kind"],
        }
        for line in world.lines()
    ]
    return sorted(found, key=lambda line: (line["due_for"], line["customer"], line["service_id"], repr(line)))


def check(world: World, undisturbed: list[dict[str, Any]]) -> None:
    numbers = world.numbers()
    for prefix in ("INV-", "CN-"):
        series = [int(number.removeprefix(prefix)) for number in numbers if number.startswith(prefix)]
        assert series == list(range(1, len(series) + 1)), prefix
    assert content(world) == undisturbed


@pytest.fixture(scope="module")
def crowded(postgres: Postgres, template: str) -> Iterator[str]:
    """The name of a database that holds the crowd and that nobody is connected to."""
    with cloned(postgres, template, "crowded") as url:
        world = World(url)
        opened(world)
        populate(world)
        yield "crowded"


@pytest.fixture(scope="module")
def undisturbed(postgres: Postgres, crowded: str) -> list[dict[str, Any]]:
    """The lines of a run that nothing happens to."""
    with cloned(postgres, crowded, "undisturbed") as url:
        world = World(url)
        world.run(DAY)
        return content(world)


@pytest.fixture
def crowd(postgres: Postgres, crowded: str) -> Iterator[World]:
    with cloned(postgres, crowded, "crowd") as url:
        world = World(url)
        world.clock.on(DAY)
        yield world


@contextmanager
def cloned(postgres: Postgres, template: str, name: str) -> Iterator[str]:
    """The URL of a new database that is a copy of another; gone afterwards."""
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        try:
            yield postgres.url(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


@contextmanager
def running(world: World, tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`billing run` as a process of its own, killed at the end if it is still there."""
    clock = tmp_path / "clock"
    clock.write_text(world.clock.now.isoformat())
    environment = {**os.environ, "DATABASE_URL": world.url, "BILLING_CLOCK": f"file:{clock}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "run", "--date", DAY, "--json", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until_blocked(world: World, waiting: int = 1) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with world.connect() as connection:
        while connection.execute(BLOCKED).fetchone() != (waiting,):
            assert time.monotonic() < deadline, "the run never came to the lock"
            time.sleep(0.01)


def wait_until_gone(world: World) -> None:
    """Until the dead client's backends have ended, their transactions with them."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    with world.connect() as connection:
        while connection.execute(query).fetchone() != (0,):
            assert time.monotonic() < deadline, "a backend outlives its client"
            time.sleep(0.01)


def kill(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_before_the_lock(crowd: World, undisturbed: list[dict[str, Any]], tmp_path: Path) -> None:
    """Computed, and waiting for the ledger's head, which somebody else holds."""
    head = crowd.head()
    with running(crowd, tmp_path) as process:
        with crowd.connect() as holder, holder.transaction():
            holder.execute("SELECT FROM ledger.head WHERE tenant_id = %s FOR UPDATE", (crowd.tenant,))
            wait_until_blocked(crowd)
            kill(process)
        wait_until_gone(crowd)
    assert crowd.head() == head
    crowd.run(DAY)
    check(crowd, undisturbed)


@pytest.mark.parametrize("place", ["numbers", "facts", "head"])
def test_killed_inside_the_transaction(
    place: str, crowd: World, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Where numbers are drawn, where facts are copied, and where the head moves; all of it is undone."""
    table, timing = {
        "numbers": ("ledger.number_series", "UPDATE"),
        "facts": ("ledger.fact", "INSERT"),
        "head": ("ledger.head", "UPDATE"),
    }[place]
    head = crowd.head()
    with crowd.connect() as owner:
        owner.execute("SELECT pg_advisory_lock(4711)")
        owner.execute("""
            CREATE FUNCTION public.pause() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$""")
        owner.execute(
            f"""CREATE TRIGGER pause AFTER {timing} ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION public.pause()"""
        )
        with running(crowd, tmp_path) as process:
            wait_until_blocked(crowd)
            kill(process)
        owner.execute("SELECT pg_advisory_unlock(4711)")
        owner.execute("DROP FUNCTION public.pause() CASCADE")
    wait_until_gone(crowd)
    assert crowd.head() == head
    crowd.run(DAY)
    check(crowd, undisturbed)


def test_killed_right_after_commit(crowd: World, undisturbed: list[dict[str, Any]], tmp_path: Path) -> None:
    """The documents are in the ledger, and nobody has heard so: neither the caller nor the read models."""
    head = crowd.head()
    lock = "SELECT size FROM ledger.head WHERE tenant_id = %s FOR UPDATE"
    with running(crowd, tmp_path) as process:
        with (
            crowd.connect() as first,
            crowd.connect() as second,
            ThreadPoolExecutor(1) as pool,
            second.transaction(),
        ):
            with first.transaction():
                first.execute(lock, (crowd.tenant,))
                wait_until_blocked(crowd)
                behind = pool.submit(second.execute, lock, (crowd.tenant,))
                wait_until_blocked(crowd, 2)
            # The run goes on; `second` stands behind its COMMIT, and the run's next step behind `second`.
            assert behind.result(PATIENCE_SECONDS).fetchone() > (head,)
            kill(process)
        wait_until_gone(crowd)
    assert crowd.head() > head
    crowd.run(DAY)
    check(crowd, undisturbed)


def test_two_runs_at_once(crowd: World, undisturbed: list[dict[str, Any]], tmp_path: Path) -> None:
    """Both have computed everything before either may issue."""
    with crowd.connect() as holder, ThreadPoolExecutor(2) as pool:
        with holder.transaction():
            holder.execute("SELECT FROM ledger.head WHERE tenant_id = %s FOR UPDATE", (crowd.tenant,))
            runs = [pool.submit(crowd.run, DAY) for _ in range(2)]
            wait_until_blocked(crowd, 2)
        reports = [run.result() for run in runs]
    assert sum(len(report.documents) for report in reports) == CUSTOMERS
    check(crowd, undisturbed)


def test_a_run_in_worker_processes_issues_the_same(
    crowd: World, undisturbed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billrun, "CHUNK_CUSTOMERS", 7)
    monkeypatch.setattr(billrun, "SMALL_CUSTOMERS", 0)
    told: list[tuple[int, int]] = []
    report = crowd.run(DAY, workers=2, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (CUSTOMERS + 2, CUSTOMERS + 2)
    assert report.set_aside == {}
    check(crowd, undisturbed)


def test_workers_die_with_the_run(crowd: World, tmp_path: Path) -> None:
    """SIGKILL of the parent leaves no process that goes on issuing."""
    script = f"""
import datetime, functools, sys
import psycopg
from projections import billrun
from tests.projections.world import Clock
billrun.CHUNK_CUSTOMERS, billrun.SMALL_CUSTOMERS = 5, 0
clock = Clock(datetime.datetime.fromisoformat({crowd.clock.now.isoformat()!r}))
connect = functools.partial(psycopg.connect, {crowd.url!r}, autocommit=True)
if __name__ == "__main__":
    billrun.run(connect, {crowd.tenant!r}, datetime.date.fromisoformat({DAY!r}), clock=clock, workers=2)
"""
    path = tmp_path / "run.py"
    path.write_text(script)
    head = crowd.head()
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with crowd.connect() as holder, holder.transaction():
        holder.execute("SELECT FROM ledger.head WHERE tenant_id = %s FOR UPDATE", (crowd.tenant,))
        process = subprocess.Popen([sys.executable, str(path)], env=environment)
        try:
            wait_until_blocked(crowd, 2)
            kill(process)
        finally:
            process.kill()
            process.wait()
    wait_until_gone(crowd)
    assert crowd.head() == head
