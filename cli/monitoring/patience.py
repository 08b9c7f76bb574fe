"""Waiting for a database that is away: looked for every second, told of ever less often, until it is back."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import Connection

from projections.session import Connect

LOOK_AGAIN_SECONDS: Final = 1.0
LONGEST_SILENCE_SECONDS: Final = 60.0
log = logging.getLogger(__name__)


class PatientConnect:
    """Connects as `connect` does, as soon as the database answers; `beat` is called at each look.

    It is called again only where the connection before was lost. Raises psycopg.OperationalError where
    `stop` is set before the database is back.
    """

    def __init__(self, connect: Connect, stop: threading.Event, *, beat: Callable[[], None]) -> None:
        self._connect = connect
        self._stop = stop
        self._beat = beat
        self._is_away = False

    def __call__(self) -> Connection[Any]:
        """Return a connection."""
        silence, told_at = LOOK_AGAIN_SECONDS, -LONGEST_SILENCE_SECONDS
        while True:
            self._beat()
            try:
                connection = self._connect()
            except psycopg.OperationalError as error:
                if self._stop.is_set():
                    raise
                if time.monotonic() - told_at >= silence:
                    told_at, silence = time.monotonic(), min(silence * 2, LONGEST_SILENCE_SECONDS)
                    log.warning("database.away", extra={"error": " ".join(str(error).split())})
                self._is_away = True
                self._stop.wait(LOOK_AGAIN_SECONDS)
            else:
                if self._is_away:
                    log.info("database.back")
                self._is_away = True  # from its loss on, and nobody calls before
                return connection
