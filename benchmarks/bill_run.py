"""A bill run of many customers against COPY of the facts that it writes (ARCHITECTURE.md §11, row 4)."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
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
    tenant_event,
)
from benchmarks.measure import Result, interleaved
from benchmarks.raw_copy import copy_batches, encoded_batches
from benchmarks.worlds import NOW, copy_of_base, make_base, project
from cli.clock import move
from cli.embedded.postgres import postgres
from ledger.read import head
from projections.billrun import CHUNK_CUSTOMERS

AIM: Final = 0.4
SERVICES: Final = 100_000
FULL_SERVICES: Final = 1_000_000
ISSUE_DATE: Final = date(2026, 2, 1)
FACTS_A_CUSTOMER: Final = 2
WORKERS: Final = 2


def measure(folder: Path, *, services: int, runs: int, progress: Callable[[str], None]) -> Result:
    """Return the services billed a second, ten a customer, beside COPY of the facts that the run writes.

    Ours is the command `billing run`, from its start to its end: reading, rating, explanations, numbers and
    appending; no rendering. Every service is on its first invoice.
    """
    customers = services // SERVICES_A_CUSTOMER
    with postgres(folder / "postgres") as server:
        progress(f"booking and projecting {services:,} services of {customers:,} customers")
        events = chain(
            [tenant_event()], catalog_events(), customer_events(customers), activation_events(services)
        )
        make_base(server, folder, events, project)
        captured: list[list[bytes]] = []

        def ours() -> float:
            with copy_of_base(server, "bench_ours") as url:
                before = _size(url)
                seconds = _command(url, folder / "clock")
                written = _size(url) - before
                assert written >= customers * FACTS_A_CUSTOMER, written
                if not captured:
                    captured.append(encoded_batches(url, TENANT, before, CHUNK_CUSTOMERS * FACTS_A_CUSTOMER))
                return seconds

        def limit() -> float:
            with copy_of_base(server, "bench_limit") as url:
                return copy_batches(url, captured[0])

        pairs = interleaved(ours, limit, runs=runs, progress=progress)
    return Result("run", services, "services", AIM, pairs)


def _command(url: str, clock_file: Path) -> float:
    """Run the command in a process of its own and return its seconds, the start of Python included."""
    move(clock_file, NOW)
    command = [sys.executable, "-m", "cli", "run", "--tenant", TENANT, "--date", ISSUE_DATE.isoformat()]
    environment = {**os.environ, "DATABASE_URL": url, "BILLING_CLOCK": f"file:{clock_file}"}
    start = perf_counter()
    subprocess.run(  # noqa: S603 - our own words
        [*command, "--workers", str(WORKERS)],
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return perf_counter() - start


def _size(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = head(connection, TENANT)
    assert found is not None
    return found.size
