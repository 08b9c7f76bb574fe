"""Parked: services, customers and products whose facts break a projection, with the reason."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Cursor

from projections.tables import ReadModel, Table

MODEL: Final = ReadModel(
    "parked",
    (
        Table(
            "parked_v1",
            """
            CREATE TABLE parked_v1 (
                tenant_id    text COLLATE "C" NOT NULL,
                subject      text COLLATE "C" NOT NULL,
                customer_ids text[] NOT NULL,
                reason       text NOT NULL,
                seq          bigint NOT NULL,
                PRIMARY KEY (tenant_id, subject)
            )""",
        ),
    ),
)

PARK: Final[LiteralString] = """
    INSERT INTO parked_v1 (tenant_id, subject, customer_ids, reason, seq)
    VALUES (%(tenant_id)s, %(subject)s, %(customers)s, %(reason)s, %(seq)s)
    ON CONFLICT (tenant_id, subject) DO UPDATE
    SET customer_ids = excluded.customer_ids, reason = excluded.reason, seq = excluded.seq"""
RELEASE: Final[LiteralString] = """
    DELETE FROM parked_v1 WHERE tenant_id = %(tenant_id)s AND subject = ANY(%(subjects)s) RETURNING subject"""
LIST: Final[LiteralString] = """
    SELECT subject, customer_ids, reason, seq FROM parked_v1
    WHERE tenant_id = %(tenant_id)s ORDER BY subject"""


@dataclass(frozen=True, slots=True)
class Parked:
    """One subject (`service/…`, `customer/…`, `product/…`, `account/…`), whom it holds up, and why."""

    subject: str
    customer_ids: tuple[str, ...]
    reason: str
    seq: int


def reason_of(error: Exception) -> str:
    """Return what to tell about an error that a fold raised."""
    return f"{type(error).__name__}: {error}"


def park(
    cursor: Cursor[Any],
    tenant_id: str,
    subject: str,
    customer_ids: Collection[str],
    reason: str,
    *,
    seq: int,
) -> None:
    """Set a subject aside, known facts up to `seq`; its customers are not billed meanwhile."""
    query = {"tenant_id": tenant_id, "subject": subject, "customers": sorted(customer_ids)}
    cursor.execute(PARK, {**query, "reason": reason, "seq": seq})


def release(cursor: Cursor[Any], tenant_id: str, subjects: Collection[str]) -> set[str]:
    """Take subjects back; return those that were parked."""
    if not subjects:
        return set()
    cursor.execute(RELEASE, {"tenant_id": tenant_id, "subjects": list(subjects)})
    return {subject for (subject,) in cursor.fetchall()}


def parked(cursor: Cursor[Any], tenant_id: str) -> list[Parked]:
    """Return what is parked, by subject."""
    cursor.execute(LIST, {"tenant_id": tenant_id})
    return [Parked(subject, tuple(names), reason, seq) for subject, names, reason, seq in cursor.fetchall()]


def held_up(parked_subjects: Collection[Parked]) -> Mapping[str, str]:
    """Return the reason for each customer that something parked holds up."""
    return {
        customer_id: f"{item.subject} is parked: {item.reason}"
        for item in parked_subjects
        for customer_id in item.customer_ids
    }
