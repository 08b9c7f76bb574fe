"""Reading by the API and the console: every list, detail and page, timed in this process and over HTTP."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path
from random import Random
from statistics import quantiles
from time import perf_counter
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
import psycopg
import uvicorn
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.console.doors import COOKIE
from api.settings import ApiSettings, Context, pool_of
from benchmarks.events import (
    ADJUSTED,
    SEED,
    SERVICES_A_CUSTOMER,
    SOURCE,
    TENANT,
    activation_events,
    catalog_events,
    customer_events,
    encoded,
    rare_events,
    tenant_event,
)
from benchmarks.worlds import ANY_SOURCE, BASE, clock, make_base
from cli.embedded.postgres import postgres
from consumers.database import connecting
from consumers.files import import_file
from consumers.sink import Sink
from ledger import keys, sessions
from ledger.read import head
from projections import billrun
from projections.runner import Runner

AIM_MS: Final = 100.0
PAGE_AIM_MS: Final = 300.0
"""What a question of the API, and a page of the console, may take (p95)."""
SERVICES: Final = 100_000
FULL_SERVICES: Final = 1_000_000
ISSUE_DATE: Final = date(2026, 2, 1)
CALLS: Final = 60
WARM_CALLS: Final = 5
DEEP_PAGES: Final = 20
OK: Final = 200
NOT_READING: Final = frozenset({"get_openapi", "get_invoice_pdf"})
"""What is drawn, not read."""

VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "list_customers": ("prefix=c9",),
    "list_services": (
        "limit=500",
        "state=suspended",
        "state=planned",
        "state=stopped&product_id={product_id}",
        "product_id=rare",
        "service_type=rare&state=active",
        "customer_id={customer_id}",
        "prefix=svc-99",
    ),
    "list_invoices": (
        "limit=500",
        "sort=net",
        "sort=-due_for",
        "sort=customer",
        "period=2026-02&sort=-net",
        "period=2026-01",
        "customer_id={customer_id}",
        "service_id={service_id}",
        "product_id={product_id}&sort=-net",
        "product_id=rare&sort=net",
        "service_type=rare",
        "kind=credit_note",
        "currency=EUR&net_from=500.00&sort=net",
    ),
    "get_invoice_totals": (
        "period=2026-01&kind=invoice",
        "customer_id={customer_id}",
        "service_id={service_id}",
        "product_id=rare",
        "period=2026-01&currency=EUR&net_from=500.00",
    ),
    "list_facts": (
        "sort=-seq",
        "from_seq={seq}",
        "customer_id={customer_id}",
        "stream=service/{service_id}",
    ),
    "list_anomalies": ("code=unknown_customer", "subject=service/{service_id}"),
    "list_dead_letters": ("state=waiting",),
    "list_products": ("service_type=rare",),
}
"""What lists are asked beside their first page: filters common and rare, every order."""

PAGE_VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "/console/customers": ("prefix=c9",),
    "/console/services": ("state=suspended", "product_id=rare", "customer_id={customer_id}"),
    "/console/invoices": (
        "period=2026-02&sort=-net",
        "customer_id={customer_id}",
        "product_id={product_id}&period=2026-02",
        "service_type=rare",
    ),
    "/console/events": ("source={source}&id={id}",),
    "/console/customers/{customer_id}/history": ("as_of={as_of}",),
}
NOT_PAGES: Final = ("/pdf", "/csv", "/export/{form}", "/console/static/{name}", "/{path}")

Names = Mapping[str, str]
Key = Mapping[str, str]
"""Headers that open the API and the console."""
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Timed:
    """How long a question took, in milliseconds: within this process, and over HTTP."""

    operation: str
    query: str
    near_p50: float
    near_p95: float
    http_p50: float
    http_p95: float
    aim: float = AIM_MS

    @property
    def is_met(self) -> bool:
        """Whether it took less than the aim, both ways."""
        return max(self.near_p95, self.http_p95) < self.aim

    def as_data(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {
            "operation": self.operation,
            "query": self.query,
            "in_process_ms": {"p50": self.near_p50, "p95": self.near_p95},
            "http_ms": {"p50": self.http_p50, "p95": self.http_p95},
            "aim_p95_ms": self.aim,
        }


def measure(folder: Path, *, services: int, progress: Callable[[str], None]) -> list[Timed]:
    """Return how long each question took, over a world of `services`, ten a customer, all of them billed."""
    with postgres(folder / "postgres") as server:
        customers = services // SERVICES_A_CUSTOMER
        progress(f"booking, projecting and billing {services:,} services of {customers:,} customers")
        events = chain(
            [tenant_event()],
            catalog_events(),
            customer_events(customers),
            activation_events(services),
            rare_events(services),
        )
        make_base(server, folder, events, partial(_finish, folder=folder))
        url = server.url(BASE)
        key, names = _opened(url)
        with _served(url) as (app, port):
            connection = HTTPConnection("127.0.0.1", port, timeout=120)
            with asyncio.Runner() as runner:
                near, far = partial(_near, runner, app, key), partial(_far, connection, key)
                return list(_timed(app, near, far, names, customers, progress))


def _timed(
    app: FastAPI, near: Fetch, far: Fetch, names: Names, customers: int, progress: Callable[[str], None]
) -> Iterator[Timed]:
    questions = chain(_questions(app), _pages(app))
    for operation, path, queries in questions:
        for query in queries:
            fixed = ADJUSTED if "{adjustment_id}" in path else {}
            addresses = [_address(path, query, {**one, **fixed}) for one in _samples(names, customers)]
            if query == DEEP:
                cursor = _deep(near, path)
                if cursor is None:
                    continue
                addresses = [f"{path}?cursor={cursor}&limit=500"] * CALLS
            near_ms, far_ms = _milliseconds(near, addresses), _milliseconds(far, addresses)
            aim = AIM_MS if path.startswith("/v1") else PAGE_AIM_MS
            timed = Timed(operation, query, *_spread(near_ms), *_spread(far_ms), aim)
            progress(f"{operation} {query}: p50 {timed.http_p50} ms, p95 {timed.http_p95} ms over HTTP")
            yield timed


DEEP: Final = "(a deep page of 500)"


def _questions(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Yield every GET below /v1 with the queries that it is asked with."""
    for path, methods in app.openapi()["paths"].items():
        described = methods.get("get")
        if described is None or not path.startswith("/v1"):
            continue
        name = described["operationId"]
        if name in NOT_READING:
            continue
        parameters = described.get("parameters", ())
        needed = [
            f"{one['name']}={{{one['name']}}}"
            for one in parameters
            if one["in"] == "query" and one["required"]
        ]
        queries = ["&".join(needed), *VARIANTS.get(name, ())]
        if any(one["name"] == "cursor" for one in parameters) and "{" not in path:
            queries.append(DEEP)
        yield name, path, queries


def _pages(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Yield every page of the console with the queries that it is asked with."""
    for route in iter_route_contexts(app.routes):
        path = (route.path_format or "") if route.methods == {"GET"} else ""
        if path.startswith("/console") and not path.endswith(NOT_PAGES):
            needed = ("as_of={as_of}",) if path.endswith("/history") else ("",)
            yield path, path, [*needed, *(one for one in PAGE_VARIANTS.get(path, ()) if one not in needed)]


def _address(path: str, query: str, names: Names) -> str:
    filled = path.format_map({name: quote(value, safe="") for name, value in names.items()})
    pairs = [one.partition("=") for one in query.format_map(names).split("&") if "=" in one]
    return f"{filled}?{urlencode([(name, value) for name, _, value in pairs])}" if pairs else filled


def _samples(names: Names, customers: int) -> Iterator[Names]:
    random = Random(SEED)  # noqa: S311 - repeatable on purpose
    for _ in range(CALLS):
        customer = random.randrange(customers)
        service = customer * SERVICES_A_CUSTOMER + random.randrange(SERVICES_A_CUSTOMER)
        yield {
            **names,
            "customer_id": f"c{customer}",
            "service_id": f"svc-{service}",
            "product_id": f"p{random.randrange(8)}",
            "number": f"INV-{random.randrange(customers) + 1:06}",
            "seq": str(random.randrange(1, int(names["head"]))),
            "id": f"activation-{service}",
            "line": "1",
        }


def _milliseconds(fetch: Fetch, addresses: list[str]) -> list[float]:
    for address in addresses[:WARM_CALLS]:
        fetch(address)
    found = []
    for address in addresses:
        start = perf_counter()
        fetch(address)
        found.append((perf_counter() - start) * 1_000)
    return found


def _spread(milliseconds: list[float]) -> tuple[float, float]:
    cuts = quantiles(milliseconds, n=20, method="inclusive")
    return round(cuts[9], 2), round(cuts[18], 2)


def _deep(fetch: Fetch, path: str) -> str | None:
    """Walk over pages of 500 and return the cursor behind them; None where the list ends before."""
    cursor = ""
    for _ in range(DEEP_PAGES):
        found = orjson.loads(fetch(f"{path}?limit=500{cursor}"))["next"]
        if found is None:
            return None
        cursor = f"&cursor={found}"
    return str(found)


def _near(runner: asyncio.Runner, app: FastAPI, key: Key, address: str) -> bytes:
    """Call the application without a socket."""
    path, _, query = address.partition("?")
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in key.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    called: Awaitable[None] = app(scope, receive, send)

    async def call() -> None:
        await called

    runner.run(call())
    assert sent[0]["status"] == OK, (address, sent)
    return b"".join(message.get("body", b"") for message in sent)


def _far(connection: HTTPConnection, key: Key, address: str) -> bytes:
    connection.request("GET", address, headers=dict(key))
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == OK, (address, body[:500])
    return body


@contextmanager
def _served(url: str) -> Iterator[tuple[FastAPI, int]]:
    pool = pool_of(url, connections=4)
    app = create_app(Context(ApiSettings(), pool, partial(psycopg.connect, url, autocommit=True), clock))
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_keep_alive=600)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    try:
        yield app, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)


def _finish(url: str, *, folder: Path) -> None:
    """Project what was booked, bill it, and leave one message among the dead letters."""
    wrong = folder / "wrong.jsonl"
    event = {**tenant_event(), "id": "wrong", "type": "service.activated", "data": {"service_id": "svc-0"}}
    wrong.write_bytes(encoded(event) + b"\n")
    sink = Sink(connecting(url, name="bench"), group="bench-wrong", clock=clock)
    try:
        import_file(wrong, sink, tenant_sources=ANY_SOURCE)
    finally:
        sink.close()
    _project(url)
    connect = partial(psycopg.connect, url, autocommit=True)
    billrun.run(connect, TENANT, ISSUE_DATE, clock=clock, workers=2)
    _project(url)
    with connect() as connection:
        connection.execute("VACUUM ANALYZE")


def _project(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        runner = Runner(connection)
        runner.prepare()
        runner.catch_up(TENANT)


def _opened(url: str) -> tuple[Key, Names]:
    """Return the headers that open the API and the console, and what there is exactly one of to ask for."""
    with psycopg.connect(url, autocommit=True) as connection:
        made, token = keys.create(connection, TENANT, name="bench", role="admin", clock=clock)
        session = sessions.begin(connection, made, clock=clock)
        found = head(connection, TENANT)
        letter = connection.execute("SELECT min(id) FROM ledger.quarantine").fetchone()
        connection.execute(
            "INSERT INTO ledger.ordered_run"
            " (tenant_id, run_id, ordered_by, ordered_at, issue_date, dry_run, state, outcome)"
            " VALUES (%s, 'bench', 'bench', %s, %s, false, 'done', '{}')",
            (TENANT, clock(), ISSUE_DATE),
        )
    assert found is not None
    assert letter is not None
    names = {
        "head": str(found.size),
        "letter_id": str(letter[0]),
        "run_id": "bench",
        "source": SOURCE,
        "as_of": str(found.size),
    }
    return {"Authorization": f"Bearer {token}", "Cookie": f"{COOKIE}={session}"}, names
