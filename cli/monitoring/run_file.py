"""The file that bill runs leave their numbers in: one for all tenants, each run replaces its own tenant's."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


def replace_tenant(file: Path, tenant_id: str, told: list[Metric]) -> None:
    """Write what is told of a tenant into the file; what it says of others stays. Raises OSError.

    Whoever reads the file sees it as it was or as it is; of two that write, one waits. What stands there
    and can't be read is of no use to anybody, and goes.
    """
    with _alone(file.parent):
        kept = _others(file, tenant_id)
        for family in told:
            family.samples.extend(kept[family.name].samples if family.name in kept else ())
        registry = CollectorRegistry()
        registry.register(_Told(told))
        write_to_textfile(str(file), registry)


class _Told(Collector):
    def __init__(self, told: list[Metric]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        yield from self._told


def _others(file: Path, tenant_id: str) -> dict[str, Metric]:
    try:
        families = list(text_string_to_metric_families(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return {}
    for family in families:
        family.samples = [one for one in family.samples if one.labels.get("tenant", tenant_id) != tenant_id]
    return {family.name: family for family in families}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time write in the folder: its lock leaves no file behind."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
