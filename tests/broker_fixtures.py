"""A broker for integration tests; `BILLING_TEST_BROKER` says which: kafka, embedded or auto (the default)."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final, get_args

import pytest
from kafka import KafkaAdminClient

from cli.embedded.broker import Broker, Preference
from cli.embedded.broker import broker as run_broker

VARIABLE: Final = "BILLING_TEST_BROKER"
_started: list[Broker] = []
_told: set[str] = set()
_numbers = count(1)


def preference() -> Preference:
    """Which broker the environment asks for."""
    wanted = os.environ.get(VARIABLE, "auto")
    for known in get_args(Preference):
        if wanted == known:
            return known
    raise pytest.UsageError(f"{VARIABLE}={wanted!r}: write {', '.join(get_args(Preference))}")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker per test process; gone when the session ends."""
    folder = tmp_path_factory.mktemp("broker")
    with run_broker(folder, preference()) as server:
        _started.append(server)
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_topic(broker: Broker) -> Callable[..., str]:
    """Make a topic with a name of its own: `make_topic(partitions=4)`."""

    def make(partitions: int = 1) -> str:
        name = f"events-{os.getpid()}-{next(_numbers)}"
        create_topic(broker.bootstrap, name, partitions)
        return name

    return make


def create_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Create one topic and wait until the broker has it."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}})
    finally:
        admin.close()


def pytest_report_header() -> str:
    """Say which broker is asked for; which one ran stands in the summary."""
    return f"broker: {VARIABLE}={preference()}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker of xdist pass on which broker it ran."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["brokers"] = [_said(server) for server in _started]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect from a worker of xdist which broker it ran."""
    _told.update(getattr(node, "workeroutput", {}).get("brokers", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which broker the tests ran on and, where it is not Apache Kafka, why."""
    for line in sorted(_told | {_said(server) for server in _started}):
        terminalreporter.write_line(f"broker: {line}")


def _said(server: Broker) -> str:
    reason = " ".join((server.fallback or "").split())
    return f"{server.description}{f'; no Apache Kafka: {reason}' if reason else ''}"
