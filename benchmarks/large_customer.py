"""One customer with many services against as many customers with one each (ARCHITECTURE.md §11)."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psycopg

from benchmarks.events import TENANT, activation_events, catalog_events, customer_events, tenant_event
from benchmarks.measure import Result, interleaved
from benchmarks.worlds import clock, copy_of_base, make_base, project
from cli.embedded.postgres import postgres
from projections import billrun

AIM: Final = 0.5
"""A service of the one customer takes at most twice as long."""
SERVICES: Final = 10_000
FULL_SERVICES: Final = 100_000
ISSUE_DATE: Final = date(2026, 2, 1)


def measure(folder: Path, *, services: int, runs: int, progress: Callable[[str], None]) -> Result:
    """Return how long a bill run takes for one customer of all `services`, beside customers of one each.

    Both run in one process with one worker, since one customer is never shared out; the ratio is that of the
    times for a service. Each world has a server of its own.
    """
    folders = [folder / "one", folder / "many"]
    for each in folders:
        each.mkdir()
    with postgres(folders[0] / "postgres") as one, postgres(folders[1] / "postgres") as many:
        progress(f"booking and projecting one customer of {services:,} services, and {services:,} of one")
        for server, customers, place in ((one, 1, folders[0]), (many, services, folders[1])):
            events = chain(
                [tenant_event()],
                catalog_events(),
                customer_events(customers),
                _activations(services, customers),
            )
            make_base(server, place, events, project)

        def timed(server: Any, customers: int) -> float:
            with copy_of_base(server, "bench_run") as url:
                connect = partial(psycopg.connect, url, autocommit=True)
                start = perf_counter()
                report = billrun.run(connect, TENANT, ISSUE_DATE, clock=clock, workers=1)
                seconds = perf_counter() - start
                assert len(report.documents) == customers, report.set_aside
                assert sum(item.line_count for item in report.documents) >= services, "each has its line"
                return seconds

        pairs = interleaved(
            partial(timed, one, 1), partial(timed, many, services), runs=runs, progress=progress
        )
    return Result("large-customer", services, "services", AIM, pairs)


def _activations(services: int, customers: int) -> Iterator[dict[str, Any]]:
    """Yield activations, spread evenly over the customers."""
    for number, event in enumerate(activation_events(services)):
        event["data"]["customer_id"] = f"c{number % customers}"
        yield event
