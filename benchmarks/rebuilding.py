"""A rebuild of all read models against only reading the facts, in order (ARCHITECTURE.md §11, row 3)."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Final

import psycopg

from benchmarks.events import (
    SERVICES_A_CUSTOMER,
    TENANT,
    activation_events,
    catalog_events,
    customer_events,
    rare_events,
    tenant_event,
)
from benchmarks.measure import Result, interleaved
from benchmarks.worlds import BASE, clock, make_base, project
from cli.embedded.postgres import postgres
from ledger.read import each_fact
from projections import billrun

AIM: Final = 0.3
SERVICES: Final = 20_000
FULL_SERVICES: Final = 1_000_000
WORKERS: Final = 2


def measure(folder: Path, *, services: int, runs: int, progress: Callable[[str], None]) -> Result:
    """Return the facts from which all read models are built anew a second, beside only reading them.

    The world: services of ten a customer, a few of them suspended, stopped or planned, and billed once. Ours
    is the command `billing rebuild`, from its start to its end, with two workers, beside live tables that
    stay as they are. The limit reads every fact of the tenant in order over one connection.
    """
    customers = services // SERVICES_A_CUSTOMER
    with postgres(folder / "postgres") as server:
        progress(f"booking, projecting and billing {services:,} services of {customers:,} customers")
        lives = chain(activation_events(services), rare_events(services))
        events = chain([tenant_event()], catalog_events(), customer_events(customers), lives)
        make_base(server, folder, events, _bill)
        url = server.url(BASE)
        read: list[int] = []

        def limit() -> float:
            seconds, facts = _read(url)
            read.append(facts)
            return seconds

        pairs = interleaved(partial(_command, url), limit, runs=runs, progress=progress)
    assert len(set(read)) == 1, "a rebuild appends nothing"
    return Result("rebuild", read[0], "facts", AIM, pairs)


def _command(url: str) -> float:
    command = [sys.executable, "-m", "cli", "rebuild", "all", "--workers", str(WORKERS), "--json"]
    start = perf_counter()
    done = subprocess.run(  # noqa: S603 - our own words
        command, env={**os.environ, "DATABASE_URL": url}, stdout=subprocess.PIPE, check=True
    )
    seconds = perf_counter() - start
    assert "forecast" in json.loads(done.stdout)["rebuilt"], done.stdout
    return seconds


def _read(url: str) -> tuple[float, int]:
    with psycopg.connect(url, autocommit=True) as connection:
        start = perf_counter()
        facts = sum(1 for _ in each_fact(connection, TENANT))
        return perf_counter() - start, facts


def _bill(url: str) -> None:
    """Bill what was booked once, and let the read models have it."""
    project(url)
    connect = partial(psycopg.connect, url, autocommit=True)
    report = billrun.run(connect, TENANT, clock().date(), clock=clock, workers=WORKERS)
    assert len(report.documents) > 0, report.set_aside
    project(url)
    with connect() as connection:
        connection.execute("VACUUM ANALYZE")
