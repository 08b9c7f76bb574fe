"""Everything real that the demo runs on: PostgreSQL, a broker, consumers, a projector, a clock."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from kafka import KafkaAdminClient

from cli.clock import move
from cli.demo.processes import Child, running
from cli.demo.provider import SETTINGS as SETTINGS_SOURCE
from cli.demo.times import OPENING_DAY, heard_at
from cli.embedded.broker import Preference, broker
from cli.embedded.postgres import postgres
from cli.farewell import held_back
from ledger.migrate import migrate

TOPIC: Final = "billing.events"
DEAD_LETTER_TOPIC: Final = "billing.events.dlt"
PARTITIONS: Final = 4
CONSUMERS: Final = 2
DATABASE: Final = "billing"
POSTGRES_FOLDER: Final = "postgres"
CLOCK_FILE: Final = "clock"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo lives, and what runs there."""

    database_url: str
    brokers: str
    broker: str
    clock: Path
    environment: Mapping[str, str]
    children: tuple[Child, ...]

    def at(self, instant: datetime) -> None:
        """Set the ledger's clock, for every process at once."""
        move(self.clock, instant)

    def connect(self) -> psycopg.Connection[Any]:
        """Return a new connection, in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True)


@contextmanager
def stage(folder: Path, *, prefer: Preference = "auto") -> Iterator[Stage]:
    """Set the stage in the empty `folder`; whatever happens, no process is left when the block ends."""
    with ExitStack() as everything:
        server = everything.enter_context(postgres(folder / POSTGRES_FOLDER))
        database_url = _database(server.url(), server.url(DATABASE))
        records = everything.enter_context(tempfile.TemporaryDirectory(prefix="billing-demo-broker-"))
        kafka = everything.enter_context(broker(Path(records), prefer))
        _make_topics(kafka.bootstrap)
        clock = folder / CLOCK_FILE
        move(clock, heard_at(OPENING_DAY))
        environment = {
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "KAFKA_SESSION_TIMEOUT_MS": str(kafka.session_timeout_ms),
            "BILLING_TOPIC": TOPIC,
            "BILLING_DEAD_LETTER_TOPIC": DEAD_LETTER_TOPIC,
            "BILLING_CLOCK": f"file:{clock}",
            "BILLING_TENANT_SOURCES": SETTINGS_SOURCE,
        }
        children = tuple(everything.enter_context(child) for child in _children(environment, folder))
        yield Stage(database_url, kafka.bootstrap, kafka.description, clock, environment, children)


def _children(environment: Mapping[str, str], folder: Path) -> Iterator[Any]:
    for number in range(1, CONSUMERS + 1):
        log = folder / f"consume-{number}.log"
        yield running(f"billing consume ({number})", "consume", environment=environment, log=log)
    yield running("billing project", "project", environment=environment, log=folder / "project.log")


def _database(server_url: str, database_url: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(database_url) as connection:
        migrate(connection)
    return database_url


def _make_topics(brokers: str) -> None:
    with held_back():
        admin = KafkaAdminClient(bootstrap_servers=brokers)
        try:
            wanted = {"num_partitions": PARTITIONS, "replication_factor": 1}
            admin.create_topics({TOPIC: wanted, DEAD_LETTER_TOPIC: wanted})
        finally:
            admin.close()
