"""What `billing serve` lets others watch: requests of all its processes added up, and ordered bill runs."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cli.settings import Settings

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's own variable: where the processes of one server keep what they counted."""


@contextmanager
def watched_sums(settings: "Settings") -> Iterator[None]:
    """Let this process and those that it starts count into one folder, and serve the sums, while it lasts.

    The client library looks for the folder once, when it is imported: nothing may have done so before.
    """
    assert "prometheus_client" not in sys.modules, "what is counted here would be in no folder"
    with tempfile.TemporaryDirectory(prefix="billing-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            from prometheus_client import CollectorRegistry
            from prometheus_client.multiprocess import MultiProcessCollector

            from cli.monitoring.billing import OrderedRuns
            from cli.monitoring.server import watched
            from consumers.database import connecting

            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            registry.register(OrderedRuns(connecting(settings.database(), name="billing serve: metrics")))
            with watched(settings, registry, lambda: 0.0):
                yield
        finally:
            del os.environ[SHARED_FOLDER]
