"""What `billing serve` lets others watch: requests of all its processes, added up."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's own variable: where the processes of one server keep what they counted."""


@contextmanager
def added_up() -> Iterator["CollectorRegistry"]:
    """Let this process and those that it starts count into one folder while the block lasts.

    Before the client library is imported: it looks for the folder then. Yields the registry of the sums.
    """
    with tempfile.TemporaryDirectory(prefix="billing-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            from prometheus_client import CollectorRegistry
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            yield registry
        finally:
            del os.environ[SHARED_FOLDER]
