"""The databases of a bench: durable as in production, and every round begins from a copy of the same base."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from benchmarks.events import TENANT, encoded
from cli.embedded.postgres import Postgres
from consumers.database import connecting
from consumers.files import import_file
from consumers.sink import Sink
from ledger.migrate import migrate
from projections.runner import Runner

NOW: Final = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
"""What the ledger's clock says during a bench."""
BASE: Final = "bench_base"
ANY_SOURCE: Final = ("*",)


def clock() -> datetime:
    """Return the bench's moment; a function, so that worker processes can be handed it."""
    return NOW


def make_base(
    server: Postgres,
    folder: Path,
    events: Iterable[dict[str, Any]],
    finish: Callable[[str], None] = lambda _: None,
) -> None:
    """Make the base: a migrated database with `events` imported, after which `finish(url)` is called."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(BASE)))
    url = server.url(BASE)
    with psycopg.connect(url, autocommit=True) as connection:
        migrate(connection)
    book(url, folder, events)
    finish(url)


def book(url: str, folder: Path, events: Iterable[dict[str, Any]]) -> None:
    """Book `events` as an import does, by way of a file in `folder`."""
    path = folder / "events.jsonl"
    with path.open("wb") as lines:
        lines.writelines(encoded(event) + b"\n" for event in events)
    sink = Sink(connecting(url, name="bench"), group="bench-base", clock=clock)
    try:
        imported = import_file(path, sink, tenant_sources=ANY_SOURCE)
    finally:
        sink.close()
    assert not imported.refused, imported.refused[0]


def project(url: str) -> None:
    """Bring the read models to the ledger's head."""
    with psycopg.connect(url, autocommit=True) as connection:
        runner = Runner(connection)
        runner.prepare()
        runner.catch_up(TENANT)


@contextmanager
def copy_of_base(server: Postgres, name: str) -> Iterator[str]:
    """Copy the base for one round and yield the copy's URL; it is dropped afterwards."""
    identifiers = {"name": sql.Identifier(name), "base": sql.Identifier(BASE)}
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {base}").format(**identifiers))
        connection.execute("CHECKPOINT")
        try:
            yield server.url(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**identifiers))
