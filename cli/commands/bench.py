"""`billing bench`: measure speed against the database's own limit, in the same run."""

import os
import platform
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption
from cli.output import Column, print_json, print_table, print_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.auditing import Audited
    from benchmarks.forecast import Reading
    from benchmarks.lagging import Lag
    from benchmarks.measure import Result
    from benchmarks.reading import Timed
    from benchmarks.retelling import Told

app = typer.Typer()


class Bench(StrEnum):
    """What can be measured."""

    INGEST = "ingest"
    PROJECT = "project"
    REBUILD = "rebuild"
    RUN = "run"
    READ = "read"
    FORECAST = "forecast"
    REPLAY = "replay"
    AUDIT = "audit"
    LARGE_CUSTOMER = "large-customer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a bench is to be run; a size that is None is the bench's own."""

    folder: Path
    events: int | None
    services: int | None
    full: bool
    runs: int
    as_json: bool

    def services_of(self, usual: int, most: int) -> int:
        """Return how many services, of a bench that has these two sizes of its own."""
        return self.services or (most if self.full else usual)


@app.command()
def bench(
    name: Annotated[
        Bench,
        typer.Argument(
            help="ingest: Kafka to the ledger; project: the ledger to the read models, and the lag; "
            "rebuild: all read models anew; run: a bill run; read: what the API answers; "
            "forecast: reading it; replay: replay, preview and audit of one customer of 200 services; "
            "audit: every issued document; large-customer: the bill run of one customer with every service."
        ),
    ],
    *,
    events: Annotated[
        int | None, typer.Option(min=1_000, help="ingest and project: how many events.")
    ] = None,
    services: Annotated[
        int | None,
        typer.Option(min=10, help="All others: how many services."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="All but ingest: 1 000 000 services or events; audit, large-customer: 100 000."
        ),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="Rounds; ours and the limit in turn.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure ours and the limit in turn, from a fixed seed, on servers that are gone afterwards.

    The ratio says how near to the limit we are; absolute times drift with the machine.
    """
    measures: dict[Bench, Callable[[Wanted], None]] = {
        Bench.INGEST: _ingest,
        Bench.PROJECT: _project,
        Bench.REBUILD: _rebuild,
        Bench.RUN: _run,
        Bench.READ: _read,
        Bench.FORECAST: _forecast,
        Bench.REPLAY: _replay,
        Bench.AUDIT: _audit,
        Bench.LARGE_CUSTOMER: _large_customer,
    }
    with tempfile.TemporaryDirectory(prefix="billing-bench-") as folder:
        measures[name](Wanted(Path(folder), events, services, full, runs, as_json))


def _print_machine() -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print_text(f"{machine}, load {os.getloadavg()[0]:.1f}")


def _progress(message: str) -> None:
    typer.echo(f"  {message}", err=True)


def _ingest(wanted: Wanted) -> None:
    from benchmarks import ingest

    size = wanted.events or ingest.EVENTS
    _print(ingest.measure(wanted.folder, events=size, runs=wanted.runs, progress=_progress), wanted)


def _project(wanted: Wanted) -> None:
    from benchmarks import projecting

    size = wanted.events or (projecting.FULL_EVENTS if wanted.full else projecting.EVENTS)
    found = projecting.measure(wanted.folder, events=size, runs=wanted.runs, progress=_progress)
    if wanted.as_json:
        print_json(found.as_data())
        return
    _print(found.result, wanted)
    _print_lags(found.lags)


def _rebuild(wanted: Wanted) -> None:
    from benchmarks import rebuilding

    size = wanted.services_of(rebuilding.SERVICES, rebuilding.FULL_SERVICES)
    _print(rebuilding.measure(wanted.folder, services=size, runs=wanted.runs, progress=_progress), wanted)


def _run(wanted: Wanted) -> None:
    from benchmarks import bill_run

    size = wanted.services_of(bill_run.SERVICES, bill_run.FULL_SERVICES)
    _print(bill_run.measure(wanted.folder, services=size, runs=wanted.runs, progress=_progress), wanted)


def _large_customer(wanted: Wanted) -> None:
    from benchmarks import large_customer

    size = wanted.services_of(large_customer.SERVICES, large_customer.FULL_SERVICES)
    _print(large_customer.measure(wanted.folder, services=size, runs=wanted.runs, progress=_progress), wanted)


def _read(wanted: Wanted) -> None:
    from benchmarks import reading

    size = wanted.services_of(reading.SERVICES, reading.FULL_SERVICES)
    times = reading.measure(wanted.folder, services=size, progress=_progress)
    _print_times(times, size, as_json=wanted.as_json)


def _forecast(wanted: Wanted) -> None:
    from benchmarks import forecast

    size = wanted.services_of(forecast.SERVICES, forecast.FULL_SERVICES)
    found = forecast.measure(wanted.folder, services=size, progress=_progress)
    _print_readings(found, size, as_json=wanted.as_json)


def _replay(wanted: Wanted) -> None:
    from benchmarks import retelling

    size = wanted.services_of(retelling.SERVICES, retelling.FULL_SERVICES)
    told = retelling.measure(wanted.folder, services=size, progress=_progress)
    _print_told(told, size, as_json=wanted.as_json)


def _audit(wanted: Wanted) -> None:
    from benchmarks import auditing

    size = wanted.services_of(auditing.SERVICES, auditing.FULL_SERVICES)
    found = auditing.measure(wanted.folder, services=size, runs=wanted.runs, progress=_progress)
    _print_audited(found, as_json=wanted.as_json)


def _print_readings(found: "list[Reading]", services: int, *, as_json: bool) -> None:
    from benchmarks.forecast import AIM_P95_MS

    if as_json:
        data = [one.as_data() for one in found]
        print_json({"bench": "forecast", "services": services, "aim_p95_ms": AIM_P95_MS, "questions": data})
        return
    _print_machine()
    names = ("p50, ms", "p95, ms", "worst, ms", "rows")
    print_table(
        f"forecast: {services:,} services; aim: p95 below {AIM_P95_MS} ms",
        [Column("question"), *(Column(name, "right") for name in names)],
        [
            (one.question, f"{one.p50_ms:.1f}", f"{one.p95_ms:.1f}", f"{one.worst_ms:.1f}", one.rows)
            for one in found
        ],
    )


def _print_times(times: "list[Timed]", services: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"bench": "read", "services": services, "questions": [one.as_data() for one in times]})
        return
    _print_machine()
    columns = [
        Column("question"),
        Column("in process p50, ms", "right"),
        Column("p95", "right"),
        Column("HTTP p50, ms", "right"),
        Column("p95", "right"),
        Column("aim", "right"),
    ]
    rows = [
        (f"{one.operation} {one.query}", one.near_p50, one.near_p95, one.http_p50, one.http_p95, one.aim)
        for one in times
    ]
    print_table(f"read: {services:,} services", columns, rows)
    good = sum(one.is_met for one in times)
    print_text(f"{good} of {len(times)} under their aim (p95)")


def _print_told(told: "list[Told]", services: int, *, as_json: bool) -> None:
    from benchmarks.retelling import AIM_MS, LARGE_SERVICES

    if as_json:
        data = [one.as_data() for one in told]
        print_json({"bench": "replay", "services": services, "aim_p95_ms": AIM_MS, "questions": data})
        return
    _print_machine()
    columns = [
        Column("question"),
        Column("p50, ms", "right"),
        Column("p95", "right"),
        Column("max", "right"),
    ]
    rows = [(one.question, f"{one.p50}", f"{one.p95}", f"{one.longest}") for one in told]
    title = f"replay: one customer of {LARGE_SERVICES} services among {services:,} services of others"
    print_table(title, columns, rows)
    good = sum(one.p95 < AIM_MS for one in told)
    print_text(f"{good} of {len(told)} questions under {AIM_MS:.0f} ms (p95)")


def _print_audited(found: "Audited", *, as_json: bool) -> None:
    data = found.as_data()
    if as_json:
        print_json(data)
        return
    _print_machine()
    print_text(
        f"audit: {found.documents:,} documents of {found.lines:,} lines in {data['seconds']} s (median); "
        f"{data['documents_per_s']:,} documents/s, {data['lines_per_s']:,} lines/s; "
        f"the largest process used {found.peak_mebibytes} MiB"
    )
    print_text(f"reading the facts in order / auditing: {data['ratio']:.2f}")


def _print_lags(lags: "Sequence[Lag]") -> None:
    from benchmarks.lagging import AIM_P99_MS

    names = (
        "events/s asked",
        "appended",
        "lag p50, ms",
        "p99",
        "max",
        "services with the new price",
        "after, ms",
    )
    print_table(
        f"lag from COMMIT to projected, a price change in the middle; aim: p99 below {AIM_P99_MS:,} ms",
        [Column(name, "right") for name in names],
        [
            (
                f"{lag.rate_asked:,}",
                f"{lag.rate:,.0f}",
                f"{lag.p50_ms:,.0f}",
                f"{lag.p99_ms:,.0f}",
                f"{lag.longest_ms:,.0f}",
                f"{lag.price_services:,}",
                f"{lag.price_ms:,.0f}",
            )
            for lag in lags
        ],
    )


def _print(result: "Result", wanted: Wanted) -> None:
    data = result.as_data()
    if wanted.as_json:
        print_json(data)
        return
    _print_machine()
    print_table(
        f"{result.bench}: {result.n:,} {result.unit}",
        [Column("round"), Column("ours, s", "right"), Column("limit, s", "right"), Column("ratio", "right")],
        [
            (str(number), f"{pair.ours_seconds:.2f}", f"{pair.limit_seconds:.2f}", f"{one['ratio']:.2f}")
            for number, (pair, one) in enumerate(zip(result.pairs, data["runs"], strict=True), start=1)
        ],
    )
    print_text(
        f"median ratio {result.ratio:.2f} (aim {result.aim}); "
        f"{data['ours_per_s']:,} {result.unit}/s, the limit {data['limit_per_s']:,}"
    )
