"""What several rooms' tests need: a PostgreSQL of our own, and a migrated database for each test."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
from psycopg import sql

from cli.embedded.postgres import SPEED_WITHOUT_SAFETY, Postgres
from cli.embedded.postgres import postgres as run_postgres
from ledger.migrate import migrate
from tests import property_runs
from tests.broker_fixtures import (  # noqa: F401 - fixtures and hooks are found by name
    broker,
    make_topic,
    pytest_report_header,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

TEMPLATE = "template_billing"
_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Count the worlds that properties are tried on."""
    config.pluginmanager.register(property_runs)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One server per test process (per worker of xdist), without fsync; gone when the session ends."""
    folder = tmp_path_factory.mktemp("postgres")
    with run_postgres(folder, settings={**SPEED_WITHOUT_SAFETY, "shared_buffers": "64MB"}) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a migrated database that nobody is connected to."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    with psycopg.connect(postgres.url(TEMPLATE), autocommit=True) as connection:
        migrate(connection)
    return TEMPLATE


@pytest.fixture
def database(postgres: Postgres, template: str) -> Iterator[str]:
    """The URL of a fresh clone of the template; dropped afterwards, whoever is still connected."""
    with cloned(postgres, template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database(postgres: Postgres, template: str) -> Iterator[str]:
    """A clone for a module whose tests leave it as they found it."""
    with cloned(postgres, template) as url:
        yield url


@contextmanager
def cloned(postgres: Postgres, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        connection.execute(
            sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy").format(**names)
        )
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))
