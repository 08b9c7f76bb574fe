"""A small world on a real database: events go in as facts, the projections fold them, bills are run."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import psycopg

from ledger.accounts import CreditedDocument
from ledger.append import append
from ledger.facts import Booked, heard_fact
from projections import billrun
from projections.crediting import credit
from projections.runner import Runner
from projections.session import reading

TENANT = "acme"
SOURCE = "/fulfilment"


@dataclass
class Clock:
    """A clock that a test moves; it can travel to a worker process."""

    now: datetime = datetime(2026, 6, 1, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, day: date | str) -> None:
        day = date.fromisoformat(day) if isinstance(day, str) else day
        self.now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def event(event_type: str, data: dict[str, Any], event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": event_type,
        "tenantid": TENANT,
        "data": data,
        **more,
    }


def queued(runner: Runner, tenant_id: str = TENANT) -> int:
    """How many services wait in the tables that a runner works on."""
    return {position.tenant_id: position.queued for position in runner.positions()}[tenant_id]


@dataclass
class World:
    url: str
    clock: Clock = field(default_factory=Clock)
    tenant: str = TENANT
    count: int = 0

    @property
    def connect(self) -> partial[psycopg.Connection[Any]]:
        return partial(psycopg.connect, self.url, autocommit=True)

    def hear(self, event_type: str, event_id: str | None = None, **data: Any) -> str:
        self.count += 1
        name = event_id or f"e{self.count:05d}"
        more = {"time": data.pop("time")} if "time" in data else {}
        self.append([event(event_type, data, name, **more)])
        return name

    def append(self, events: Iterable[dict[str, Any]]) -> None:
        facts = [heard_fact({**item, "tenantid": self.tenant}, origin="test") for item in events]
        with self.connect() as connection, connection.transaction():
            outcomes = append(connection, {self.tenant: facts}, clock=self.clock)
        assert all(isinstance(outcome, Booked) for outcome in outcomes[self.tenant]), outcomes

    def open(self, **data: Any) -> None:
        values = {"name": "Acme AG", "currency": "EUR", "timezone": "Europe/Zurich", **data}
        self.hear("tenant.configured", tenant_id=self.tenant, **values)

    def customer(self, customer_id: str, **data: Any) -> None:
        self.hear("customer.registered", customer_id=customer_id, name=f"commitment of {customer_id}", **data)

    def product(self, product_id: str, *prices: dict[str, Any], **data: Any) -> None:
        self.hear("product.published", product_id=product_id, name=product_id, prices=list(prices), **data)

    def activate(
        self, service_id: str, customer_id: str, product_id: str, effective: str, **data: Any
    ) -> str:
        return self.hear(
            "service.activated",
            service_id=service_id,
            customer_id=customer_id,
            product_id=product_id,
            effective=effective,
            **data,
        )

    @contextmanager
    def runner(self) -> Iterator[Runner]:
        with self.connect() as connection:
            runner = Runner(connection)
            runner.prepare()
            yield runner

    def project(self) -> int:
        with self.runner() as runner:
            return runner.catch_up_all()

    @contextmanager
    def read(self, tenant: str | None = None) -> Iterator[psycopg.Cursor[Any]]:
        with self.connect() as connection, reading(connection, tenant or self.tenant) as cursor:
            yield cursor

    def run(self, day: str, **options: Any) -> billrun.RunReport:
        self.clock.now = max(self.clock.now, noon(day))
        return billrun.run(
            self.connect, self.tenant, date.fromisoformat(day), clock=self.clock, **{"workers": 1, **options}
        )

    def credit(self, number: str) -> str:
        with self.connect() as connection:
            credited = CreditedDocument(number, reason="a mistake", author="u-1")
            return credit(connection, self.connect, self.tenant, credited, clock=self.clock).number

    def lines(self) -> list[dict[str, Any]]:
        """Every issued line, from the facts alone, with its document's number, day and kind."""
        with self.connect() as connection:
            rows = connection.execute(
                """SELECT type, payload FROM ledger.fact
                WHERE tenant_id = %s AND type LIKE 'invoice.%%' ORDER BY seq""",
                (self.tenant,),
            ).fetchall()
        heads: dict[str, dict[str, Any]] = {}
        found = []
        for kind, payload in rows:
            data = orjson.loads(payload)["data"]
            if kind == "invoice.issued":
                heads[data["number"]] = data
            else:
                found.extend({**line, "issued": heads[data["number"]]} for line in data["lines"])
        return found

    def numbers(self) -> list[str]:
        with self.connect() as connection:
            rows = connection.execute(
                """SELECT payload FROM ledger.fact
                WHERE tenant_id = %s AND type = 'invoice.issued' ORDER BY seq""",
                (self.tenant,),
            ).fetchall()
        return [orjson.loads(payload)["data"]["number"] for (payload,) in rows]

    def settlements(self) -> list[dict[str, Any]]:
        """What each issued document says of the account's credit and of what is due, from the facts alone."""
        with self.connect() as connection:
            rows = connection.execute(
                """SELECT payload FROM ledger.fact
                WHERE tenant_id = %s AND type = 'invoice.issued' ORDER BY seq""",
                (self.tenant,),
            ).fetchall()
        documents = [orjson.loads(payload)["data"]["document"] for (payload,) in rows]
        return [{name: each[name] for name in ("account_credit", "amount_due")} for each in documents]

    def head(self) -> int:
        with self.connect() as connection:
            row = connection.execute(
                "SELECT size FROM ledger.head WHERE tenant_id = %s", (self.tenant,)
            ).fetchone()
        return int(row[0]) if row else 0


def noon(day: str) -> datetime:
    found = date.fromisoformat(day)
    return datetime(found.year, found.month, found.day, 12, tzinfo=UTC)


def later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


RENT = {
    "price_id": "rent",
    "kind": "recurring",
    "amount": "30.00",
    "interval": "month",
    "timing": "in_advance",
}
SETUP = {"price_id": "setup", "kind": "one_time", "amount": "99.00", "trigger": "activation"}


def opened(world: World) -> World:
    """A tenant with one product and two customers."""
    world.open()
    world.product("laptop", RENT, SETUP)
    world.customer("c1", billing_day=2)
    world.customer("c2", billing_day=2)
    return world
