"""Rejections: which of a tenant's events were refused, and why; found by the event's source and id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import Cursor

from projections import facts
from projections.session import copy_rows
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "rejections",
    (
        Table(
            "rejections_v1",
            """
            CREATE TABLE rejections_v1 (
                tenant_id   text COLLATE "C" NOT NULL,
                seq         bigint NOT NULL,
                recorded_at timestamptz NOT NULL,
                source      text COLLATE "C" NOT NULL,
                event_id    text COLLATE "C" NOT NULL,
                reason      text NOT NULL,
                place       text,
                origin      text NOT NULL,
                PRIMARY KEY (tenant_id, seq)
            );
            CREATE INDEX ON rejections_v1 (tenant_id, event_id, source, seq)""",
        ),
    ),
)
COPY: Final[LiteralString] = """
    COPY rejections_v1 (tenant_id, seq, recorded_at, source, event_id, reason, place, origin)
    FROM STDIN (FORMAT BINARY)"""
TYPES: Final = ("text", "int8", "timestamptz", "text", "text", "text", "text", "text")
OF_EVENT: Final[LiteralString] = """
    SELECT seq, recorded_at, reason, place, origin FROM rejections_v1
    WHERE tenant_id = %(tenant_id)s AND event_id = %(event_id)s AND source = %(source)s
    ORDER BY seq LIMIT 100"""


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """One refusal; `place` is the field that is wrong, where one is, `origin` where the message stood."""

    seq: int
    recorded_at: datetime
    reason: str
    place: str | None
    origin: str


def apply(cursor: Cursor[Any], tenant_id: str, headers: Collection[facts.Header]) -> None:
    """Remember refusals; those of which not even source and id could be read can't be found by them."""
    if not headers:
        return
    moments = {header.seq: header.recorded_at for header in headers}
    rows: list[tuple[object, ...]] = []
    for seq, _, event in facts.at(cursor, tenant_id, list(moments)):
        data = event["data"]
        named = data.get("event", {})
        if "source" in named and "id" in named:
            rows.append(
                (
                    *(tenant_id, seq, moments[seq], named["source"], named["id"]),
                    *(data["reason"], data.get("place"), data["origin"]),
                )
            )
    copy_rows(cursor, COPY, TYPES, rows)


def of_event(cursor: Cursor[Any], tenant_id: str, source: str, event_id: str) -> list[RejectionRow]:
    """Return the refusals of an event, the first hundred."""
    query = {"tenant_id": tenant_id, "source": source, "event_id": event_id}
    return [RejectionRow(*row) for row in cursor.execute(OF_EVENT, query).fetchall()]
