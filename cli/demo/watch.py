"""Waits for what the demo's processes do, with a deadline; one that died ends the wait at once."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, LiteralString

from psycopg import Connection
from psycopg.errors import UndefinedTable

from cli.demo.errors import TooLateError
from cli.demo.processes import Child
from projections.runner import positions
from projections.session import LIVE

TIMEOUT_SECONDS: Final = 120.0
LOOK_AGAIN_SECONDS: Final = 0.01

RECEIVED: Final[LiteralString] = "SELECT coalesce(sum(received), 0)::bigint FROM ledger.ingest_offset"
POSITION: Final[LiteralString] = "SELECT size FROM ledger.head WHERE tenant_id = %(tenant_id)s"


class Watch:
    """Looks into the database, as nothing else knows how far consumers and projector have got.

    `connection` is in autocommit mode and sees every tenant.
    """

    def __init__(
        self,
        connection: Connection[Any],
        children: Sequence[Child],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._connection = connection
        self._connection.execute("SELECT set_config('search_path', %s, false)", (LIVE,))
        self._children = children
        self._timeout_seconds = timeout_seconds

    def until_received(self, count: int) -> None:
        """Wait until the consumers have counted `count` messages. Raises ChildDiedError, TooLateError."""
        self._until(self._received, lambda received: received >= count, f"{count} messages received")

    def until_projected(self) -> None:
        """Wait until the read models hold every fact. Raises ChildDiedError, TooLateError."""
        self._until(
            self._behind, lambda behind: behind == 0, "no fact and no service waiting for the projector"
        )

    def position(self, tenant_id: str) -> int:
        """Return how many facts the tenant's ledger has."""
        row = self._connection.execute(POSITION, {"tenant_id": tenant_id}).fetchone()
        return int(row[0]) if row else 0

    def _received(self) -> int:
        row = self._connection.execute(RECEIVED).fetchone()
        assert row is not None
        return int(row[0])

    def _behind(self) -> int | None:
        try:
            with self._connection.cursor() as cursor:
                return sum(tenant.behind + tenant.queued for tenant in positions(cursor))
        except UndefinedTable:  # the projector has not made its tables yet
            return None

    def _until(self, look: Callable[[], int | None], enough: Callable[[int], bool], wanted: str) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        while (found := look()) is None or not enough(found):
            for child in self._children:
                child.check()
            if time.monotonic() > deadline:
                raise TooLateError(
                    f"waited {self._timeout_seconds:.0f} s for {wanted}; there were {found}\n{self._logs()}"
                )
            time.sleep(LOOK_AGAIN_SECONDS)

    def _logs(self) -> str:
        return "\n".join(f"{child.name}:\n{child.tail()}" for child in self._children)
