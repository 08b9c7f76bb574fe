"""The live projection of lifecycle events: speed against COPY, and lag (ARCHITECTURE.md §11, row 2)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psycopg

from benchmarks.events import (
    SERVICES_A_CUSTOMER,
    TENANT,
    catalog_events,
    customer_events,
    lifecycle_events,
    tenant_event,
)
from benchmarks.lagging import RATES, SECONDS, Lag, lag_at
from benchmarks.measure import Result, interleaved
from benchmarks.raw_copy import TableBatch, copy_tables, empty_tables, encoded_tables
from benchmarks.worlds import BASE, book, copy_of_base, make_base, project
from cli.embedded.postgres import Postgres, postgres
from projections.runner import FACTS_A_BATCH, Runner

AIM: Final = 0.3
EVENTS: Final = 20_000
FULL_EVENTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Projected:
    """What a second of projecting does beside the limit, and the lag at each rate that was tried."""

    result: Result
    lags: tuple[Lag, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the JSON object that `--json` prints as its last line."""
        return {**self.result.as_data(), "lag": [lag.as_data() for lag in self.lags]}


def measure(folder: Path, *, events: int, runs: int, progress: Callable[[str], None]) -> Projected:
    """Return the events that the projection takes in a second, beside COPY of the rows that are left of them.

    They are a mixed stream: six in ten activate a service, the others change, suspend, resume or stop one.
    The limit copies what the read models hold afterwards, so a row that was written twice counts once for it;
    it has as many transactions as the projection has batches. Then more events are appended, while a
    projector follows: at the first of `RATES`, and at the next one only where that was too much.
    """
    stream = lifecycle_events(events + sum(rate * SECONDS for rate in RATES))
    with postgres(folder / "postgres") as server:
        progress(f"booking {events:,} events")
        customers = events // SERVICES_A_CUSTOMER
        opening = chain([tenant_event()], catalog_events(), customer_events(customers))

        def finish(url: str) -> None:
            project(url)
            book(url, folder, islice(stream, events))

        make_base(server, folder, opening, finish)
        pairs = interleaved(*_sides(server, events), runs=runs, progress=progress)
        lags = tuple(_lags(server, stream, progress))
    return Projected(Result("project", events, "events", AIM, pairs), lags)


def _sides(server: Postgres, events: int) -> tuple[Callable[[], float], Callable[[], float]]:
    tables = empty_tables(server.url(BASE))
    captured: list[list[TableBatch]] = []
    batches = -(-events // FACTS_A_BATCH)

    def ours() -> float:
        with copy_of_base(server, "bench_ours") as url:
            with psycopg.connect(url, autocommit=True) as connection:
                runner = Runner(connection)
                runner.prepare()
                start = perf_counter()
                facts = runner.catch_up(TENANT)
                seconds = perf_counter() - start
            assert facts == events, facts
            if not captured:
                captured.append(encoded_tables(url, tables, batches))
            return seconds

    def limit() -> float:
        with copy_of_base(server, "bench_limit") as url:
            return copy_tables(url, captured[0])

    return ours, limit


def _lags(
    server: Postgres, stream: Iterator[dict[str, Any]], progress: Callable[[str], None]
) -> Iterator[Lag]:
    with copy_of_base(server, "bench_lag") as url:
        project(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        for number, rate in enumerate(RATES):
            lag = lag_at(url, islice(stream, rate * SECONDS), rate=rate, product=number)
            progress(f"{lag}; load {os.getloadavg()[0]:.1f}")
            yield lag
            if lag.is_good:
                return
