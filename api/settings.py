"""What the doors need to know of how they were started, and what they work with."""

from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import Connection
from psycopg_pool import ConnectionPool

from ledger.facts import Clock
from projections.session import Connect

LIMITS: Final = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
WAIT_SECONDS: Final = 10.0


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


def pool_of(url: str, *, connections: int, name: str = "billing serve") -> ConnectionPool[Connection[Any]]:
    """Return a pool for requests, not yet open: no query, lock or silence is waited for without end.

    Nothing is prepared on the server: a plan that is made once for every value reads a whole table where a
    filter is rare, which the plan for that very value finds by its index.
    """
    return ConnectionPool[Connection[Any]](
        url,
        min_size=1,
        max_size=connections,
        timeout=WAIT_SECONDS,
        open=False,
        kwargs={
            "autocommit": True,
            "prepare_threshold": None,
            "application_name": name,
            "options": LIMITS,
        },
        name=name,
    )
