"""How long replay, preview and audit take for one customer of 200 services (ARCHITECTURE.md §11)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter
from typing import Any, Final, cast

import psycopg

from benchmarks.events import (
    SEED,
    SERVICES_A_CUSTOMER,
    TENANT,
    activation_events,
    catalog_events,
    customer_events,
    tenant_event,
)
from benchmarks.worlds import BASE, clock, make_base, project
from cli.embedded.postgres import postgres
from ledger.read import head
from projections import billrun
from projections.audit import audit_document, read_document
from projections.evidence import evidence, refs_of
from projections.invoices import invoices
from projections.preview import preview
from projections.replay import replay
from projections.session import Connect, reading, reading_facts

AIM_MS: Final = 100.0
SERVICES: Final = 100_000
FULL_SERVICES: Final = 1_000_000
LARGE_CUSTOMERS: Final = 50
LARGE_SERVICES: Final = 200
ISSUE_DATE: Final = date(2026, 2, 1)
CALLS: Final = 60


@dataclass(frozen=True, slots=True)
class Told:
    """How long a question about one customer took, in milliseconds."""

    question: str
    p50: float
    p95: float
    longest: float

    def as_data(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {"question": self.question, "p50_ms": self.p50, "p95_ms": self.p95, "max_ms": self.longest}


def measure(folder: Path, *, services: int, progress: Callable[[str], None]) -> list[Told]:
    """Return how long replay, preview and audit took for customers of 200 services.

    They live among `services` of others, ten a customer; all are billed once. Connections are warm; the start
    of Python is not measured. Customers and seqs are drawn from the fixed seed.
    """
    with postgres(folder / "postgres") as server:
        progress(f"booking, projecting and billing {LARGE_CUSTOMERS} customers among {services:,} services")
        others = services // SERVICES_A_CUSTOMER
        events = chain(
            [tenant_event()],
            catalog_events(),
            customer_events(LARGE_CUSTOMERS + others),
            _activations(services),
        )
        make_base(server, folder, events, _finish)
        with psycopg.connect(server.url(BASE), autocommit=True) as warm:
            return list(_told(warm, progress))


def _activations(services: int) -> Iterator[dict[str, Any]]:
    """Yield activations: the first customers hold 200 services each, the others ten."""
    large = LARGE_CUSTOMERS * LARGE_SERVICES
    for number, event in enumerate(activation_events(large + services)):
        if number < large:
            owner = number // LARGE_SERVICES
        else:
            owner = LARGE_CUSTOMERS + (number - large) // SERVICES_A_CUSTOMER
        event["data"]["customer_id"] = f"c{owner}"
        yield event


def _told(warm: psycopg.Connection[Any], progress: Callable[[str], None]) -> Iterator[Told]:
    found = head(warm, TENANT)
    assert found is not None
    # psycopg closes a connection when it leaves its `with`; the use cases are lent one that stays open.
    connect = cast("Connect", partial(_Lent, warm))
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    first = _first_seq(warm)

    def replayed(customer_id: str) -> None:
        known = replay(connect, TENANT, customer_id, random.randint(first, found.size), clock=clock)
        assert not known.set_aside, known.set_aside

    def previewed(customer_id: str) -> None:
        shown = preview(connect, TENANT, clock=clock, customer_id=customer_id)
        assert not shown.set_aside, shown.set_aside

    def audited(customer_id: str) -> None:
        with reading(warm, TENANT) as cursor:
            number = invoices(cursor, TENANT, customer_id)[0].number
        started.append(perf_counter())
        with reading_facts(warm, TENANT) as cursor:
            past, holder = read_document(cursor, TENANT, number)
            result = audit_document(past, holder, number)
            assert result.difference is None, result.difference
            assert result.draft is not None
            assert result.books is not None
            evidence(cursor, past, result.books.book, refs_of(result.draft.lines))

    for question, ask in (("replay", replayed), ("preview", previewed), ("audit invoice", audited)):
        milliseconds = []
        for _ in range(CALLS):
            started = [perf_counter()]
            ask(f"c{random.randrange(LARGE_CUSTOMERS)}")
            milliseconds.append((perf_counter() - started[-1]) * 1_000)
        cuts = quantiles(milliseconds, n=20, method="inclusive")
        told = Told(question, round(cuts[9], 1), round(cuts[18], 1), round(max(milliseconds), 1))
        progress(f"{question}: p50 {told.p50} ms, p95 {told.p95} ms, max {told.longest} ms")
        yield told


class _Lent:
    """A connection that stays open when it is given back."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def __enter__(self) -> psycopg.Connection[Any]:
        return self._connection

    def __exit__(self, *_: object) -> None:
        pass


def _first_seq(connection: psycopg.Connection[Any]) -> int:
    """Return a seq by which every large customer has its services, and none is billed yet."""
    row = connection.execute(
        "SELECT seq FROM ledger.fact WHERE tenant_id = %s AND stream = %s",
        (TENANT, f"service/svc-{LARGE_CUSTOMERS * LARGE_SERVICES - 1}"),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _finish(url: str) -> None:
    """Project what was booked, and bill it once."""
    project(url)
    billrun.run(partial(psycopg.connect, url, autocommit=True), TENANT, ISSUE_DATE, clock=clock, workers=2)
    project(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
