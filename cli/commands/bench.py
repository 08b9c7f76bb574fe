"""`billing bench`: measure speed against the database's own limit, in the same run."""

import os
import platform
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import JsonOption
from cli.output import Column, print_json, print_table, print_text

if TYPE_CHECKING:
    from benchmarks.auditing import Audited
    from benchmarks.forecast import Reading
    from benchmarks.measure import Result
    from benchmarks.reading import Timed
    from benchmarks.retelling import Told

app = typer.Typer()


class Bench(StrEnum):
    """What can be measured."""

    INGEST = "ingest"
    RUN = "run"
    READ = "read"
    FORECAST = "forecast"
    REPLAY = "replay"
    AUDIT = "audit"
    LARGE_CUSTOMER = "large-customer"


@app.command()
def bench(
    name: Annotated[
        Bench,
        typer.Argument(
            help="ingest: Kafka to the ledger; run: a bill run; read: what the API answers; "
            "forecast: reading it; replay: replay, preview and audit of one customer of 200 services; "
            "audit: every issued document; large-customer: the bill run of one customer with every service."
        ),
    ],
    *,
    events: Annotated[int | None, typer.Option(min=1_000, help="ingest: how many events.")] = None,
    services: Annotated[
        int | None,
        typer.Option(min=10, help="All but ingest: how many services."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="All but ingest: 1 000 000 services; audit, large-customer: 100 000."),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="Rounds; ours and the limit in turn.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure ours and the limit in turn, from a fixed seed, on servers that are gone afterwards.

    The ratio says how near to the limit we are; absolute times drift with the machine.
    """

    def progress(message: str) -> None:
        typer.echo(f"  {message}", err=True)

    with tempfile.TemporaryDirectory(prefix="billing-bench-") as folder:
        if name is Bench.READ:
            from benchmarks import reading

            size = services or (reading.FULL_SERVICES if full else reading.SERVICES)
            _print_times(
                reading.measure(Path(folder), services=size, progress=progress), size, as_json=as_json
            )
            return
        if name is Bench.FORECAST:
            from benchmarks import forecast

            size = services or (forecast.FULL_SERVICES if full else forecast.SERVICES)
            _print_readings(
                forecast.measure(Path(folder), services=size, progress=progress), size, as_json=as_json
            )
            return
        if name is Bench.REPLAY:
            from benchmarks import retelling

            size = services or (retelling.FULL_SERVICES if full else retelling.SERVICES)
            _print_told(
                retelling.measure(Path(folder), services=size, progress=progress), size, as_json=as_json
            )
            return
        if name is Bench.AUDIT:
            from benchmarks import auditing

            size = services or (auditing.FULL_SERVICES if full else auditing.SERVICES)
            _print_audited(
                auditing.measure(Path(folder), services=size, runs=runs, progress=progress), as_json=as_json
            )
            return
        if name is Bench.INGEST:
            from benchmarks import ingest

            result = ingest.measure(
                Path(folder), events=events or ingest.EVENTS, runs=runs, progress=progress
            )
        elif name is Bench.LARGE_CUSTOMER:
            from benchmarks import large_customer

            size = services or (large_customer.FULL_SERVICES if full else large_customer.SERVICES)
            result = large_customer.measure(Path(folder), services=size, runs=runs, progress=progress)
        else:
            from benchmarks import bill_run

            size = services or (bill_run.FULL_SERVICES if full else bill_run.SERVICES)
            result = bill_run.measure(Path(folder), services=size, runs=runs, progress=progress)
    if as_json:
        print_json(result.as_data())
    else:
        _print(result)


def _print_readings(found: "list[Reading]", services: int, *, as_json: bool) -> None:
    from benchmarks.forecast import AIM_P95_MS

    if as_json:
        data = [one.as_data() for one in found]
        print_json({"bench": "forecast", "services": services, "aim_p95_ms": AIM_P95_MS, "questions": data})
        return
    print_text(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
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
    print_text(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
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
    print_text(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
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
    print_text(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print_text(
        f"audit: {found.documents:,} documents of {found.lines:,} lines in {data['seconds']} s (median); "
        f"{data['documents_per_s']:,} documents/s, {data['lines_per_s']:,} lines/s; "
        f"the largest process used {found.peak_mebibytes} MiB"
    )
    print_text(f"reading the facts in order / auditing: {data['ratio']:.2f}")


def _print(result: "Result") -> None:
    data = result.as_data()
    print_text(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
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
