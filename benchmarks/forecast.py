"""How long a forecast takes to read: of a tenant, a product, a service type, one customer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

import psycopg

from benchmarks.events import SEED, SERVICES_A_CUSTOMER, SOURCE, TENANT, tenant_event
from benchmarks.worlds import BASE, clock, make_base
from cli.embedded.postgres import postgres
from projections.forecast import Asking, read
from projections.runner import Runner
from projections.session import reading

AIM_P95_MS: Final = 100
SERVICES: Final = 20_000
FULL_SERVICES: Final = 1_000_000
PRODUCTS: Final = 20
BEGIN: Final = date(2023, 2, 1)
DAYS: Final = 1096
TAKEN_OVER: Final = date(2026, 1, 31)
ROUNDS: Final = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """Milliseconds that reading one kind of forecast took, and how many rows it had."""

    question: str
    p50_ms: float
    p95_ms: float
    worst_ms: float
    rows: int

    def as_data(self) -> dict[str, Any]:
        """Return the JSON object that `--json` prints."""
        times = {"p50_ms": self.p50_ms, "p95_ms": self.p95_ms, "worst_ms": self.worst_ms}
        return {
            "question": self.question,
            **{name: round(value, 1) for name, value in times.items()},
            "rows": self.rows,
        }


def measure(
    folder: Path, *, services: int, progress: Callable[[str], None], rounds: int = ROUNDS
) -> list[Reading]:
    """Return how long each question takes on one open connection, catalog and books read anew each time.

    The world: three years of activations, billed through January 2026 by the system before this one; twenty
    products by month, quarter and year, in advance and in arrears; a third of the customers with a billing
    day of their own. One service in ten has a known stop, one in fifty is still to come.
    """
    with postgres(folder / "postgres") as server:
        progress(f"booking {services:,} services and folding them")
        events = chain(_opening(services // SERVICES_A_CUSTOMER), _lives(services))
        make_base(server, folder, events, _project)
        progress(f"asking {rounds} times each")
        with psycopg.connect(server.url(BASE), autocommit=True) as connection:
            return [
                _measured(connection, name, asked, rounds)
                for name, asked in _questions(services // SERVICES_A_CUSTOMER)
            ]


def _questions(customers: int) -> Iterator[tuple[str, Callable[[int], Asking]]]:
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    names = [f"c{random.randrange(customers)}" for _ in range(ROUNDS)]
    yield "tenant, by month of issue", lambda _: Asking()
    yield "tenant, by service month", lambda _: Asking(by="service")
    yield "tenant, 36 months", lambda _: Asking(months=36)
    yield "one product", lambda turn: Asking(product_id=f"p{turn % PRODUCTS}")
    yield "one service type", lambda turn: Asking(service_type=("device", "licence", "cloud")[turn % 3])
    yield "one customer", lambda turn: Asking(customer_id=names[turn % len(names)])


def _measured(
    connection: psycopg.Connection[Any], name: str, asked: Callable[[int], Asking], rounds: int
) -> Reading:
    taken: list[float] = []
    rows = 0
    for turn in range(rounds + 1):
        start = perf_counter()
        with reading(connection, TENANT) as cursor:
            found = read(cursor, TENANT, asked(turn), clock=clock)
        taken.append((perf_counter() - start) * 1000)
        rows = len(found.rows)
    cuts = quantiles(taken[1:], n=100)  # the first one warms the caches
    return Reading(name, cuts[49], cuts[94], max(taken[1:]), rows)


def _opening(customers: int) -> Iterator[dict[str, Any]]:
    yield tenant_event()
    for number in range(PRODUCTS):
        interval = ("month", "month", "month", "quarter", "year")[number % 5]
        price = {
            "price_id": "fee",
            "kind": "recurring",
            "amount": f"{9 + number}.90",
            "interval": interval,
            "timing": "in_advance" if number % 4 else "in_arrears",
        }
        setup = {"price_id": "setup", "kind": "one_time", "amount": "49.00", "trigger": "activation"}
        product = {
            "product_id": f"p{number}",
            "name": f"Product {number}",
            "service_type": ("device", "licence", "cloud")[number % 3],
            "prices": [price, setup] if number % 2 else [price],
        }
        yield _event("product.published", f"product-{number}", product)
    for number in range(customers):
        data: dict[str, Any] = {"customer_id": f"c{number}", "name": f"Customer {number}"}
        if number % 3 == 0:
            data["billing_day"] = (5, 10, 15, 20, 25, 31)[number // 3 % 6]
        yield _event("customer.registered", f"customer-{number}", data)


def _lives(services: int) -> Iterator[dict[str, Any]]:
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    for number in range(services):
        begin = BEGIN + timedelta(days=random.randrange(DAYS))
        if number % 50 == 0:
            begin = date(2026, 2, 2) + timedelta(days=random.randrange(200))
        data: dict[str, Any] = {
            "service_id": f"svc-{number}",
            "customer_id": f"c{number // SERVICES_A_CUSTOMER}",
            "product_id": f"p{random.randrange(PRODUCTS)}",
            "quantity": random.choice((1, 1, 1, 2, 5)),
            "effective": begin.isoformat(),
        }
        if begin <= TAKEN_OVER:
            data["already_billed_through"] = TAKEN_OVER.isoformat()
        yield _event("service.activated", f"activation-{number}", data)
        if number % 10 == 1:
            end = max(begin, date(2026, 2, 1)) + timedelta(days=1 + random.randrange(300))
            data = {"service_id": f"svc-{number}", "effective": end.isoformat()}
            yield _event("service.deactivated", f"stop-{number}", data)


def _event(kind: str, event_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "time": "2023-01-01T08:00:00Z",
        "tenantid": TENANT,
        "dataschema": f"urn:billing-ledger:{kind}:1",
        "datacontenttype": "application/json",
        "data": data,
    }


def _project(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        runner = Runner(connection)
        runner.prepare()
        runner.catch_up(TENANT)
        connection.execute("VACUUM ANALYZE")
