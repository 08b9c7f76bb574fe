"""What a bill run writes to the log, by whatever door it was started."""

import logging
import time
from collections.abc import Mapping
from datetime import date

log = logging.getLogger(__name__)


class RunLines:
    """One run: when it began and, once told, what it came to. `run_id` where it was ordered."""

    def __init__(self, tenant_id: str, issue_date: date, *, dry_run: bool, run_id: str | None = None) -> None:
        self._began = time.monotonic()
        self._dry_run = dry_run
        self._named = {"tenant": tenant_id, "date": issue_date.isoformat()}
        if run_id is not None:
            self._named["run"] = run_id
        log.debug("run.started", extra=self._named)

    def completed(
        self, *, customers: int, documents: int, set_aside: Mapping[str, str], seq: int | None
    ) -> float:
        """Write the lines of a run that is over, and return how many seconds it took.

        `set_aside` is why, by customer; `seq` is the last fact that was seen.
        """
        seconds = time.monotonic() - self._began
        for customer_id, reason in sorted(set_aside.items()):
            log.warning("customer.set_aside", extra=self._named | {"customer": customer_id, "reason": reason})
        counted: dict[str, object] = {
            "dry_run": self._dry_run,
            "customers": customers,
            "documents": documents,
            "set_aside": len(set_aside),
            "seq": seq,
            "seconds": round(seconds, 3),
        }
        log.info("run.completed", extra=self._named | counted)
        return seconds

    def refused(self, *, code: str, error: str) -> None:
        """Write the line of a run that could not be done as it was ordered."""
        log.warning("run.refused", extra=self._named | {"code": code, "error": error})
