"""Events and facts that the ledger's tests append; ways to connect and to append them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import psycopg

from ledger.accounts import BoundLines, Issue, bind_lines
from ledger.append import append
from ledger.canonical import canonical
from ledger.facts import NewFact, Outcome, heard_fact

MOMENT = datetime(2026, 7, 2, 8, 0, 0, 123456, tzinfo=UTC)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


def event(event_id: str, kind: str, data: dict[str, Any], tenant: str = "acme") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": "/fulfilment/eu-1", "type": kind,
        "tenantid": tenant, "data": data,
    }  # fmt: skip


def service(event_id: str, service_id: str = "svc-1", tenant: str = "acme", **data: Any) -> NewFact:
    """A lifecycle event of a service of customer c-1, as it is heard."""
    content = {"service_id": service_id, "customer_id": "c-1", "effective": "2026-06-24", **data}
    return heard(event(event_id, "service.activated", content, tenant))


def heard(cloud_event: dict[str, Any], origin: str = "kafka:billing.events/0/7") -> NewFact:
    return heard_fact(cloud_event, origin=origin)


def opening(tenant: str = "acme", event_id: str = "opened", **data: Any) -> NewFact:
    """The event that opens a tenant's ledger."""
    content = {"tenant_id": tenant, "name": "Acme", "currency": "CHF", "timezone": "Europe/Zurich", **data}
    return heard(event(event_id, "tenant.configured", content, tenant))


def book(
    connection: psycopg.Connection, facts: Sequence[NewFact], tenant: str = "acme", at: datetime = MOMENT
) -> tuple[Outcome, ...]:
    """Append facts of one tenant in a transaction of their own."""
    with connection.transaction():
        return append(connection, {tenant: facts}, clock=lambda: at)[tenant]


def issue(number: str, due_for: str = "2026-07-01", lines: BoundLines | None = None) -> Issue:
    """A document ready to be issued, of two lines unless given."""
    lines = lines or bind_lines([{"line": 1, "amount": "12.30"}, {"line": 2, "amount": "-1.00"}])
    document = {
        "customer_id": "c-1", "seller": {"name": "Acme"}, "buyer": {"name": "personal:sha256:00"},
        "currency": "CHF", "due_for": due_for, "net": "11.30", "tax_groups": [],
        "line_count": len(lines.lines), "lines_root": lines.root, "parts": lines.parts,
    }  # fmt: skip
    return Issue(
        number=number, series="INV-", kind="invoice", issued_on=date.fromisoformat(due_for),
        due_for=date.fromisoformat(due_for), computed_at_seq=1, engine="1", document=canonical(document),
        lines=lines,
    )  # fmt: skip
