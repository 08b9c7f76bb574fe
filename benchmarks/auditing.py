"""An audit of every issued document against reading the same ledger's facts in order."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import psycopg

from benchmarks.events import (
    SERVICES_A_CUSTOMER,
    TENANT,
    activation_events,
    catalog_events,
    customer_events,
    tenant_event,
)
from benchmarks.measure import Pair, interleaved
from benchmarks.worlds import BASE, make_base
from cli.embedded.postgres import postgres
from ledger.read import each_fact
from projections import billrun

SERVICES: Final = 10_000
FULL_SERVICES: Final = 100_000
BILLING_DAYS: Final = tuple(date(2026, month, 1) for month in range(2, 12))
"""The first is that of `worlds.NOW`."""
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Audited:
    """What was audited in each round, beside reading the facts; the memory is the largest process's peak."""

    documents: int
    lines: int
    peak_mebibytes: int
    pairs: tuple[Pair, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the JSON object that `--json` prints as its last line."""
        seconds = median(pair.ours_seconds for pair in self.pairs)
        ratio = median(pair.limit_seconds / pair.ours_seconds for pair in self.pairs)
        return {
            "bench": "audit",
            "documents": self.documents,
            "lines": self.lines,
            "documents_per_s": round(self.documents / seconds),
            "lines_per_s": round(self.lines / seconds),
            "peak_mib": self.peak_mebibytes,
            "seconds": round(seconds, 2),
            "ratio": round(ratio, 3),
        }


def measure(folder: Path, *, services: int, runs: int, progress: Callable[[str], None]) -> Audited:
    """Return how long `billing audit all` took for ten monthly invoices a customer, of ten services.

    Ours is the command, from its start to its end, with two workers. The limit reads every fact of the tenant
    in order over one connection, and does nothing with it.
    """
    customers = services // SERVICES_A_CUSTOMER
    found: list[dict[str, Any]] = []
    peaks: list[int] = []
    with postgres(folder / "postgres") as server:
        progress(f"booking {services:,} services, and billing {customers:,} customers month after month")
        events = chain(
            [tenant_event()], catalog_events(), customer_events(customers), activation_events(services)
        )
        make_base(server, folder, events, _bill)
        url = server.url(BASE)

        def ours() -> float:
            seconds, answer, peak = _command(url, folder / "audited")
            assert answer["documents"] == customers * len(BILLING_DAYS), answer
            found.append(answer)
            peaks.append(peak)
            return seconds

        pairs = interleaved(ours, partial(_read, url), runs=runs, progress=progress)
    return Audited(found[0]["documents"], found[0]["lines"], max(peaks), pairs)


def _command(url: str, output: Path) -> tuple[float, dict[str, Any], int]:
    """Audit in a process of its own; return its seconds, what it printed, and the peak of memory in MiB."""
    command = [sys.executable, "-m", "cli", "audit", "all", "--tenant", TENANT, "--json"]
    start = perf_counter()
    with output.open("wb") as answer:
        process = subprocess.Popen(  # noqa: S603 - our own words
            [*command, "--workers", str(WORKERS)], env={**os.environ, "DATABASE_URL": url}, stdout=answer
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "every document is equal to what is computed again"
    return seconds, json.loads(output.read_bytes())[0], usage.ru_maxrss // 1024


def _read(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        start = perf_counter()
        for _ in each_fact(connection, TENANT):
            pass
        return perf_counter() - start


def _bill(url: str) -> None:
    """Bill month after month, each by a run of its own on its day: no two documents have the same past."""
    connect = partial(psycopg.connect, url, autocommit=True)
    for day in BILLING_DAYS:
        report = billrun.run(connect, TENANT, day, clock=partial(_morning, day), workers=WORKERS)
        assert not report.set_aside, report.set_aside
    with connect() as connection:
        connection.execute("VACUUM ANALYZE")


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(8), UTC)
