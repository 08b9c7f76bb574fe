"""How long after its COMMIT a fact is projected, while facts come at a steady rate and a price changes."""

import multiprocessing
import multiprocessing.connection
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from statistics import quantiles
from time import monotonic, sleep
from typing import Any, Final, LiteralString

import psycopg

from benchmarks.events import TENANT, price_event
from benchmarks.worlds import clock
from ledger.append import append
from ledger.facts import Booked, NewFact, heard_fact
from projections.group import Applied
from projections.runner import follow

RATES: Final = (5_000, 2_000, 800)
"""Events a second; a rate is tried where the one before it was too much."""
AIM_P99_MS: Final = 1_000
SECONDS: Final = 5
APPENDS_A_SECOND: Final = 20
NEARLY: Final = 0.95
START_SECONDS: Final = 60.0
CATCH_UP_SECONDS: Final = 600.0
LOOK_SECONDS: Final = 0.01

DONE: Final[LiteralString] = """
    SELECT coalesce((SELECT seq FROM read.bookmarks_v1 WHERE tenant_id = %(tenant_id)s), 0) >= %(seq)s
        AND NOT EXISTS (SELECT FROM read.queue_v1 WHERE tenant_id = %(tenant_id)s)"""
TOUCHED: Final[LiteralString] = """
    SELECT count(DISTINCT service_id) FROM read.services_v1
    WHERE tenant_id = %(tenant_id)s AND product_ids @> ARRAY[%(product_id)s]"""

Moment = tuple[int, float]
"""A seq, and when it was reached."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Milliseconds from COMMIT to projected, of facts appended at a rate.

    `price_ms`: until the last of the services that a new price touches had it.
    """

    rate_asked: int
    rate: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    price_services: int
    price_ms: float

    @property
    def is_good(self) -> bool:
        """Whether facts were appended at the rate asked, and the lag was within the aim."""
        return self.rate >= NEARLY * self.rate_asked and self.p99_ms < AIM_P99_MS

    def as_data(self) -> dict[str, Any]:
        """Return the JSON object that `--json` prints for a rate."""
        return {
            "events_per_s_asked": self.rate_asked,
            "events_per_s": round(self.rate),
            "p50_ms": round(self.p50_ms),
            "p99_ms": round(self.p99_ms),
            "max_ms": round(self.longest_ms),
            "price_services": self.price_services,
            "price_ms": round(self.price_ms),
        }

    def __str__(self) -> str:
        return (
            f"{self.rate:,.0f} events/s of {self.rate_asked:,}: lag p50 {self.p50_ms:,.0f} ms, "
            f"p99 {self.p99_ms:,.0f} ms; {self.price_services:,} services had a new price "
            f"after {self.price_ms:,.0f} ms"
        )


def lag_at(url: str, events: Iterable[dict[str, Any]], *, rate: int, product: int) -> Lag:
    """Append `events` at `rate` a second, the product's new price in their middle, and return the lag.

    A projector follows in a process of its own, as `billing project` does; the read models stand at the
    ledger's head to begin with.
    """
    facts = [heard_fact(event, origin="bench") for event in events]
    price = heard_fact(price_event(product), origin="bench")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_projector, args=(theirs, url), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(START_SECONDS), "the projector did not start"
        ours.recv()
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(TOUCHED, {"tenant_id": TENANT, "product_id": f"p{product}"}).fetchone()
            assert row is not None
            appended = _append(connection, url, facts, price, rate)
            _wait(connection, appended.commits[-1][0])
        ours.send("stop")
        assert ours.poll(START_SECONDS), "the projector did not stop"
        projected: list[Moment] = ours.recv()
    finally:
        process.join(START_SECONDS)
        process.kill()
    lags = [
        (projected[bisect_left(projected, seq, key=itemgetter(0))][1] - moment) * 1_000
        for seq, moment in appended.commits
    ]
    cuts = quantiles(lags, n=100, method="inclusive")
    done_ms = (appended.price_done - appended.price_commit) * 1_000
    return Lag(rate, appended.rate, cuts[49], cuts[98], max(lags), int(row[0]), done_ms)


@dataclass(slots=True)
class _Appended:
    commits: list[Moment]
    rate: float
    price_commit: float
    price_done: float


def _append(
    connection: psycopg.Connection[Any], url: str, facts: Sequence[NewFact], price: NewFact, rate: int
) -> _Appended:
    """Append in equal transactions, each at its time or as soon as the one before is done."""
    commits: list[Moment] = []
    size = rate // APPENDS_A_SECOND
    parts = [list(facts[start : start + size]) for start in range(0, len(facts), size)]
    middle = len(parts) // 2
    parts[middle].append(price)
    price_done: list[float] = []
    watch = threading.Thread(target=lambda: None)
    start = monotonic()
    for number, part in enumerate(parts):
        sleep(max(0.0, start + number / APPENDS_A_SECOND - monotonic()))
        with connection.transaction():
            outcomes = append(connection, {TENANT: part}, clock=clock)[TENANT]
        moment = monotonic()
        last = outcomes[-1]
        assert isinstance(last, Booked), last
        commits.append((last.seq, moment))
        if number == middle:
            watch = threading.Thread(target=partial(_watch, url, last.seq, price_done))
            watch.start()
    rate_reached = len(facts) / (monotonic() - start)
    watch.join()
    return _Appended(commits, rate_reached, commits[middle][1], price_done[0])


def _watch(url: str, seq: int, done: list[float]) -> None:
    """Note when everything up to a seq is projected and no service is queued."""
    with psycopg.connect(url, autocommit=True) as connection:
        _wait(connection, seq)
        done.append(monotonic())


def _wait(connection: psycopg.Connection[Any], seq: int) -> None:
    """Wait until everything up to a seq is projected and no service is queued."""
    limit = monotonic() + CATCH_UP_SECONDS
    while True:
        row = connection.execute(DONE, {"tenant_id": TENANT, "seq": seq}).fetchone()
        if row is not None and row[0]:
            return
        if monotonic() > limit:
            raise TimeoutError(f"fact {seq:,} was not projected in {CATCH_UP_SECONDS:.0f} s")
        sleep(LOOK_SECONDS)


def _projector(answer: "multiprocessing.connection.Connection", url: str) -> None:
    """Follow the ledger until told to stop; answer with each seq reached and its moment."""
    reached: list[Moment] = []
    stop, begun = threading.Event(), threading.Event()

    def report(_tenant_id: str, applied: Applied) -> None:
        reached.append((applied.seq, monotonic()))

    following = threading.Thread(
        target=follow,
        args=(partial(psycopg.connect, url, autocommit=True), stop),
        kwargs={"report": report, "beat": begun.set},
    )
    following.start()
    begun.wait()
    answer.send("begun")
    answer.recv()
    stop.set()
    following.join()
    answer.send(reached)
