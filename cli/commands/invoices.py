"""`billing invoices`: issued invoices and credit notes."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from billing.money import format_minor
from cli.options import CustomerOption, JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projections.invoices import InvoiceRow, IssuedDocument

app = typer.Typer(help="List issued invoices and credit notes, or show one.")


@app.command("list")
def list_(
    *, customer: CustomerOption = None, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """List issued documents in the order in which they were issued."""
    from projections.invoices import invoices

    with _reading(tenant) as (cursor, tenant_id):
        found = invoices(cursor, tenant_id, customer)
    if as_json:
        print_json([_row(item) for item in found])
        return
    columns = [
        Column("number"),
        Column("customer"),
        Column("issued on"),
        Column("due for"),
        Column("lines", "right"),
        Column("net", "right"),
        Column("currency"),
    ]
    rows = [
        (
            item.number,
            item.customer_id,
            item.issued_on,
            item.due_for,
            item.line_count,
            format_minor(item.net_minor, item.currency),
            item.currency,
        )
        for item in found
    ]
    print_table(f"Documents of {tenant_id}", columns, rows)


@app.command()
def show(
    number: str = typer.Argument(help="The document's number."),
    *,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one document with its lines; the explanation of each line is in the JSON."""
    from projections.invoices import document

    with _reading(tenant) as (cursor, tenant_id):
        found = document(cursor, tenant_id, number)
    if as_json:
        print_json({**found.issued, "lines": found.lines, "seq": found.row.seq, "leaf": found.leaf.hex()})
    else:
        _print(found)


@app.command()
def credit(
    number: Annotated[str, typer.Argument(help="The number of the document that is taken back.")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It stays in the ledger.")],
    author: Annotated[str, typer.Option("--author", metavar="ID", help="Who decides it: a user's id.")],
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back a whole document by another over its lines; what is still entitled is due again."""
    from functools import partial

    import psycopg

    from cli.tenants import tenant_of
    from ledger.accounts import CreditedDocument
    from projections.crediting import credit as take_back

    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    with connect() as connection:
        issued = take_back(
            connection,
            connect,
            tenant_of(connection, tenant),
            CreditedDocument(number, reason, author),
            clock=settings.clock,
        )
    document = issued.document
    net = format_minor(document.net_minor, document.currency)
    if as_json:
        print_json(
            {"number": issued.number, "kind": document.kind, "credits": number, "net": net,
             "currency": document.currency, "customer_id": document.customer_id}
        )  # fmt: skip
    else:
        kind = document.kind.replace("_", " ")
        print_text(f"{kind} {issued.number} takes back {number}: {net} {document.currency}")


@contextmanager
def _reading(tenant: str | None) -> "Iterator[tuple[Any, str]]":
    import psycopg

    from cli.tenants import tenant_of
    from projections.session import reading

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        tenant_id = tenant_of(connection, tenant)
        with reading(connection, tenant_id) as cursor:
            yield cursor, tenant_id


def _row(item: "InvoiceRow") -> dict[str, object]:
    return {
        "number": item.number,
        "kind": item.kind,
        "customer_id": item.customer_id,
        "currency": item.currency,
        "net": format_minor(item.net_minor, item.currency),
        "due_for": item.due_for,
        "issued_on": item.issued_on,
        "lines": item.line_count,
        "seq": item.seq,
        "computed_at_seq": item.computed_at_seq,
        "recorded_at": item.recorded_at,
    }


def _print(found: "IssuedDocument") -> None:
    row = found.row
    title = row.kind.replace("_", " ")
    print_text(f"{title} {row.number} for {row.customer_id}, issued on {row.issued_on} for {row.due_for}")
    columns = [
        Column("line", "right"),
        Column("service"),
        Column("price"),
        Column("from"),
        Column("to"),
        Column("quantity", "right"),
        Column("unit amount", "right"),
        Column("amount", "right"),
        Column("corrects"),
    ]
    rows = [
        (
            place,
            line["service_id"] or "",
            line["price_id"],
            line["period_start"],
            line["period_end"],
            line["quantity"],
            line["unit_amount"],
            line["amount"],
            _corrects(line),
        )
        for place, line in enumerate(found.lines, start=1)
    ]
    print_table(f"Lines, in {row.currency}", columns, rows)
    print_text(f"net {format_minor(row.net_minor, row.currency)} {row.currency}")
    document = found.issued["document"]
    credit = document["account_credit"]
    for what, amount in (
        ("account credit set off", credit["applied"]),
        ("paid out", credit["paid_out"]),
        ("left on the account", credit["carried_forward"]),
        ("amount due", document["amount_due"]),
    ):
        if what == "amount due" or any(digit in "123456789" for digit in amount):
            print_text(f"{what} {amount} {row.currency}")


def _corrects(line: "Mapping[str, Any]") -> str:
    target = line.get("reverses") or line.get("adjusts")
    return "" if target is None else f"{target['document']} line {target['line']}"
