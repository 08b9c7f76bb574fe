"""Anomalies: facts that can't be rated or make no sense yet; they go when later facts make sense of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Cursor

from billing.facts import Anomaly, EventRef
from projections import arrays
from projections.pages import Listing, Order, Wanted, page
from projections.session import copy_rows
from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "anomalies",
    (
        Table(
            "anomalies_v2",
            """
            CREATE TABLE anomalies_v2 (
                tenant_id text COLLATE "C" NOT NULL,
                subject   text COLLATE "C" NOT NULL,
                ordinal   integer NOT NULL,
                code      text NOT NULL,
                source    text NOT NULL,
                event_id  text NOT NULL,
                detail    text NOT NULL,
                PRIMARY KEY (tenant_id, subject, ordinal)
            );
            CREATE INDEX ON anomalies_v2 (tenant_id, code, subject, ordinal)""",
        ),
    ),
)

FORGET: Final[LiteralString] = (
    "DELETE FROM anomalies_v2 WHERE tenant_id = %(tenant_id)s AND subject = ANY(%(subjects)s::text[])"
)
COPY: Final[LiteralString] = """
    COPY anomalies_v2 (tenant_id, subject, ordinal, code, source, event_id, detail)
    FROM STDIN (FORMAT BINARY)"""
MOST_OF_SUBJECT: Final = 10_000
TYPES: Final = ("text", "text", "int4", "text", "text", "text", "text")
LIST: Final[LiteralString] = """
    SELECT subject, code, source, event_id, detail FROM anomalies_v2
    WHERE tenant_id = %(tenant_id)s ORDER BY subject, ordinal"""

LISTING: Final = Listing(
    "subject, code, source, event_id, detail",
    "anomalies_v2",
    {"subject": Order(("subject", "ordinal"), ("text", "integer"))},
    {"code": "code = %(code)s", "subject": "subject = %(subject)s"},
)


@dataclass(frozen=True, slots=True)
class AnomalyRow:
    """One finding; `subject` is the stream that it is about."""

    subject: str
    code: str
    source: str
    event_id: str
    detail: str


def replace(
    cursor: Cursor[Any],
    tenant_id: str,
    found: Mapping[str, Collection[Anomaly]],
    *,
    written: Collection[str] | None = None,
) -> None:
    """Write what is found about each subject, in the place of what was `written` before (None: of all)."""
    known = found if written is None else written
    if known:
        cursor.execute(FORGET, {"tenant_id": tenant_id, "subjects": arrays.texts(known)})
    rows: list[tuple[object, ...]] = []
    for subject, findings in found.items():
        if not findings:
            continue
        rows.extend(
            (tenant_id, subject, ordinal, item.code, item.ref.source, item.ref.id, item.detail)
            for ordinal, item in enumerate(sorted(set(findings), key=_order), start=1)
        )
    copy_rows(cursor, COPY, TYPES, rows)


def anomalies(cursor: Cursor[Any], tenant_id: str) -> list[AnomalyRow]:
    """Return every finding of a tenant, by subject."""
    return [AnomalyRow(*row) for row in cursor.execute(LIST, {"tenant_id": tenant_id}).fetchall()]


def of_subject(cursor: Cursor[Any], tenant_id: str, subject: str) -> list[AnomalyRow]:
    """Return what is found about one stream."""
    wanted = Wanted("subject", MOST_OF_SUBJECT, filters={"subject": subject})
    return [AnomalyRow(*found.row) for found in page(cursor, tenant_id, LISTING, wanted)]


def _order(item: Anomaly) -> tuple[EventRef, str, str]:
    return (item.ref, item.code, item.detail)
