"""What became of an event: booked and where, refused and why, and what makes no sense of it yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from ledger.facts import Fact
from ledger.read import fact_by_event
from ledger.trace import Trace, trace_of
from projections import anomalies, bookmarks, rejections
from projections.anomalies import AnomalyRow
from projections.rejections import RejectionRow


@dataclass(frozen=True, slots=True)
class Fate:
    """`booked` None: only refused; `is_projected`: the read models have taken the fact in.

    `trace` is the one that the message named when it was booked.
    """

    source: str
    event_id: str
    booked: Fact | None
    is_projected: bool
    rejections: Sequence[RejectionRow]
    anomalies: Sequence[AnomalyRow]
    trace: Trace | None

    @property
    def subject(self) -> str | None:
        """The stream that the event is about."""
        return None if self.booked is None else self.booked.stream


def of(cursor: Cursor[Any], tenant_id: str, source: str, event_id: str) -> Fate | None:
    """Return what became of an event, or None where none of this source and id was heard."""
    booked = fact_by_event(cursor.connection, tenant_id, source, event_id)
    refused = rejections.of_event(cursor, tenant_id, source, event_id)
    if booked is None and not refused:
        return None
    found = [] if booked is None else anomalies.of_subject(cursor, tenant_id, booked.stream)
    seen = bookmarks.read(cursor, tenant_id).seq
    return Fate(
        source,
        event_id,
        booked,
        booked is None or booked.seq <= seen,
        refused,
        [one for one in found if (one.source, one.event_id) == (source, event_id)],
        None if booked is None else trace_of(cursor.connection, tenant_id, booked.seq),
    )
