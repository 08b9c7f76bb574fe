"""A broker for integration tests; `BILLING_TEST_BROKER` says which: kafka, embedded or auto (the default)."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final, get_args

import pytest
from kafka import KafkaAdminClient

from cli.embedded.broker import Broker, Preference
from cli.embedded.broker import broker as run_broker

VARIABLE: Final = "BILLING_TEST_BROKER"
_started: list[Broker] = []
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
def make_topic(broker: Broker) -> Iterator[Callable[..., str]]:
    """Make a topic with a name of its own: `make_topic(partitions=4)`."""

    def make(partitions: int = 1) -> str:
        name = f"events-{os.getpid()}-{next(_numbers)}"
        create_topic(broker.bootstrap, name, partitions)
        return name

    yield make


def create_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Create one topic and wait until the broker has it."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}})
    finally:
        admin.close()


def broker_line() -> str:
    """Say which broker the tests ran on, or are to run on, and why it is not Apache Kafka."""
    if not _started:
        return f"broker: {VARIABLE}={preference()}, not started yet"
    reason = f" because: {' '.join(_started[0].fallback.split())}" if _started[0].fallback else ""
    return f"broker: {_started[0].description}{reason}"
