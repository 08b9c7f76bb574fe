"""A sign of life that a loop gives at every turn, and whoever asks about its health reads."""

import time


class Heartbeat:
    """When the loop last turned; one thread writes, others read."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        """Say that we live."""
        self._at = time.monotonic()

    def seconds_since(self) -> float:
        """Return how long ago that was."""
        return time.monotonic() - self._at
