"""`billing adjustments`: one-off charges and credits that a person enters, lists and takes back."""

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli.faults import WrongUseError
from cli.options import CustomerOption, JsonOption, TenantOption, parse_date
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from projections.adjustments import AdjustmentRow

app = typer.Typer(help="Enter, list and withdraw manual adjustments.")
Customer = Annotated[str, typer.Option("--customer", metavar="ID", help="Who is charged, or credited.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It stays in the ledger.")]
Author = Annotated[str, typer.Option("--author", metavar="ID", help="Who decides it: a user's id.")]


@app.command()
def enter(  # noqa: PLR0913 - each is a member of the event
    *,
    customer: Customer,
    amount: Annotated[str, typer.Option("--amount", metavar="DECIMAL", help="A credit is negative.")],
    reason: Reason,
    author: Author,
    effective: Annotated[
        str | None, typer.Option("--effective", metavar="YYYY-MM-DD", help="When it is due. Default: today.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Default: the tenant's.")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="ID", help="The service that it is about.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="What the invoice says. Default: the reason.")
    ] = None,
    adjustment_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Makes entering it twice harmless. Default: a new one."),
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enter a one-off charge or credit; it stands on the customer's next invoice."""
    from projections.adjusting import entering

    data = {
        "adjustment_id": adjustment_id or f"adj-{uuid4().hex[:12]}",
        "customer_id": customer,
        "amount": amount,
        "effective": (_today() if effective is None else parse_date(effective, "--effective")).isoformat(),
        "reason": reason,
        "author": author,
    }
    more = {"currency": currency, "service_id": service, "text": text}
    data |= {name: value for name, value in more.items() if value is not None}
    done = _append(tenant, lambda cursor, tenant_id: entering(cursor, tenant_id, data))
    if as_json:
        print_json({"adjustment_id": data["adjustment_id"], **done})
    else:
        print_text(f"adjustment {data['adjustment_id']} of {amount} for {customer}: seq {done['seq']}")


@app.command()
def withdraw(
    adjustment_id: Annotated[str, typer.Argument(metavar="ID", help="The adjustment's id.")],
    *,
    customer: Customer,
    reason: Reason,
    author: Author,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an adjustment back; what was invoiced for it is reversed on the next invoice."""
    from projections.adjusting import withdrawing

    done = _append(
        tenant,
        lambda cursor, tenant_id: withdrawing(
            cursor, tenant_id, customer, adjustment_id, reason=reason, author=author
        ),
    )
    if as_json:
        print_json({"adjustment_id": adjustment_id, **done})
    else:
        print_text(f"adjustment {adjustment_id} of {customer} is withdrawn: seq {done['seq']}")


@app.command("list")
def list_(
    *, customer: CustomerOption = None, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """List adjustments, the last entered first, with the documents that have them."""
    from projections.adjustments import adjustments
    from projections.session import reading

    with _connected(tenant) as (connection, tenant_id), reading(connection, tenant_id) as cursor:
        found = adjustments(cursor, tenant_id, customer_id=customer)
    if as_json:
        print_json([_data(item) for item in found])
        return
    columns = [
        Column("adjustment"),
        Column("customer"),
        Column("service"),
        Column("effective"),
        Column("amount", "right"),
        Column("currency"),
        Column("text"),
        Column("author"),
        Column("documents"),
    ]
    rows = [
        (
            item.adjustment_id + ("" if item.is_live else " (counts no more)"),
            item.customer_id,
            item.service_id,
            item.effective,
            item.amount,
            item.currency,
            item.text,
            item.author,
            ", ".join(item.numbers),
        )
        for item in found
    ]
    print_table(f"Adjustments of {tenant_id}", columns, rows)


def _data(item: "AdjustmentRow") -> dict[str, object]:
    return {
        "adjustment_id": item.adjustment_id,
        "customer_id": item.customer_id,
        "service_id": item.service_id or None,
        "effective": item.effective,
        "amount": item.amount,
        "currency": item.currency,
        "text": item.text,
        "reason": item.reason,
        "author": item.author,
        "event": {"source": item.source, "id": item.event_id},
        "seq": item.heard,
        "withdrawn": not item.is_live,
        "ended_by": None if item.ended_id is None else {"source": item.ended_source, "id": item.ended_id},
        "documents": list(item.numbers),
    }


def _append(tenant: str | None, decide: "Callable[[Any, str], dict[str, Any]]") -> dict[str, Any]:
    """Append the event that `decide` makes, and say at which seq it stands."""
    import orjson

    from consumers.receive import Receiver
    from projections.runner import Runner
    from projections.session import reading

    settings = read_settings()
    with _connected(tenant) as (connection, tenant_id):
        runner = Runner(connection)
        runner.prepare()
        runner.catch_up(tenant_id)
        with reading(connection, tenant_id) as cursor:
            event = decide(cursor, tenant_id)
        receiver = Receiver(tenant_id, "", settings.allowed_tenant_sources(), settings.clock)
        (received,) = receiver.receive(connection, [orjson.dumps(event)])
    if received.unreadable is not None:
        refused = received.unreadable
        raise WrongUseError(f"{refused.place or 'event'}: {refused.detail}")
    return {"outcome": received.fate, "seq": received.seq}


def _today() -> date:
    return read_settings().clock().date()


@contextmanager
def _connected(tenant: str | None) -> "Iterator[tuple[Connection[Any], str]]":
    import psycopg

    from cli.tenants import tenant_of

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        yield connection, tenant_of(connection, tenant)
