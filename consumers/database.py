"""How a consumer connects: no lock, no broken line and no silent server is waited for without end."""

from functools import partial
from typing import Any, Final

import psycopg
from psycopg import Connection

CONNECT_TIMEOUT_SECONDS: Final = 10
SESSION: Final = (
    "-c lock_timeout=30s -c idle_in_transaction_session_timeout=60s -c client_connection_check_interval=5s"
)


def connect(url: str, *, name: str) -> Connection[Any]:
    """Return a connection in autocommit mode: every transaction is a block in the code."""
    return psycopg.connect(
        url,
        autocommit=True,
        application_name=name,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=30_000,
        options=SESSION,
    )


def connecting(url: str, *, name: str) -> partial[Connection[Any]]:
    """Return a function that connects, for those who must do it again."""
    return partial(connect, url, name=name)
