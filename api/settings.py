"""What the doors need to know of how they were started, and what they work with."""

from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg_pool import ConnectionPool

from ledger.facts import Clock
from projections.session import Connect


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Choices of the operator. `tenant_sources` may send tenant.configured by HTTP; `*` stands for all."""

    tenant_sources: frozenset[str] = field(default_factory=frozenset)
    run_workers: int = 2


@dataclass(frozen=True, slots=True)
class Context:
    """What every request works with: the pool's connections are in autocommit mode.

    `connect` opens one beside the pool, for work that outlives a request; it and `clock` are picklable.
    """

    settings: ApiSettings
    pool: ConnectionPool[Connection[Any]]
    connect: Connect
    clock: Clock
