"""`billing replay`: a customer as it was known at a seq or at a time, from the ledger alone."""

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from billing.days import FOREVER, iso
from billing.explanation import arithmetic
from billing.money import format_minor
from cli.commands.preview import invoice_data
from cli.faults import ExitCode, WrongUseError
from cli.options import JsonOption, TenantOption
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billing.timeline import Timeline
    from projections.replay import AsOf, Replay

app = typer.Typer()


@app.command()
def replay(
    *,
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="The customer.")],
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="SEQ|TIME", help="A fact's seq, an RFC 3339 time, or a day (all of it)."
        ),
    ],
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show services, charges, next invoices and issued documents of a customer as they were known then.

    Everything is folded from the ledger's facts; no read model is asked. Exits with 1 where facts break a
    fold.
    """
    import psycopg

    from cli.tenants import tenant_of
    from projections.replay import replay as fold

    moment = parse_as_of(as_of)
    settings = read_settings()
    connect = partial(psycopg.connect, settings.database(), autocommit=True)
    with connect() as connection:
        tenant_id = tenant_of(connection, tenant)
    found = fold(connect, tenant_id, customer, moment, clock=settings.clock)
    if as_json:
        print_json(_data(found))
    else:
        _print(found)
    if found.set_aside:
        raise typer.Exit(ExitCode.FAILED)


def parse_as_of(text: str) -> "AsOf":
    """Return the seq, the instant or the day that `text` names. Raises WrongUseError."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(2**62)):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-07-02"):
            return date.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = (
            f"--as-of: {text!r} is neither a seq nor a time; write 1042, 2026-07-02 or "
            "2026-07-02T08:00:00+02:00"
        )
        raise WrongUseError(message)
    return moment


def _data(found: "Replay") -> dict[str, object]:
    return {
        "tenant_id": found.tenant_id,
        "customer_id": found.customer_id,
        "seq": found.seq,
        "as_of": found.moment,
        "services": [_service(item) for item in found.timelines],
        "charges": {
            "run_rates": [
                {
                    "service_id": item.service_id,
                    "product_id": item.product_id,
                    "price_id": item.price_id,
                    "quantity": item.quantity,
                    "unit_amount": item.unit_amount,
                    "currency": item.currency,
                    "amount": format_minor(item.amount_minor, item.currency),
                    "interval": item.interval,
                    "timing": item.timing,
                    "starts": item.starts,
                    "ends": item.ends,
                }
                for item in found.run_rates
            ],
            "amounts": [
                {
                    "service_id": item.service_id,
                    "product_id": item.product_id,
                    "price_id": item.price_id,
                    "kind": item.kind,
                    "quantity": item.quantity,
                    "unit_amount": item.unit_amount,
                    "currency": item.currency,
                    "amount": format_minor(item.amount_minor, item.currency),
                    "period_start": item.period_start,
                    "period_end": item.period_end,
                    "due": item.due,
                }
                for item in found.amounts
            ],
        },
        "preview": [invoice_data(item) for item in found.preview],
        "invoices": [
            {
                "number": item.number,
                "kind": item.kind,
                "currency": item.currency,
                "net": format_minor(item.net_minor, item.currency),
                "due_for": item.due_for,
                "issued_on": item.issued_on,
                "seq": item.seq,
                "computed_at_seq": item.computed_at_seq,
                "lines": item.lines,
            }
            for item in found.invoices
        ],
        "anomalies": [
            {"source": item.ref.source, "id": item.ref.id, "code": item.code, "detail": item.detail}
            for item in found.anomalies
        ],
        "set_aside": found.set_aside,
    }


def _service(timeline: "Timeline") -> dict[str, object]:
    return {
        "service_id": timeline.service_id,
        "states": [
            {
                "from": iso(segment.start),
                "to": None if segment.end == FOREVER else iso(segment.end),
                "suspended": segment.suspended,
                "customer_id": segment.customer_id,
                "product_id": segment.product_id,
                "quantity": segment.quantity.text,
                "own_prices": {price_id: amount.text for price_id, amount in segment.own_prices},
                "attributes": segment.attributes,
                "events": [[ref.source, ref.id] for ref in segment.causes],
            }
            for segment in timeline.segments
        ],
        "planned": [
            {
                "from": iso(plan.start),
                "customer_id": plan.customer_id,
                "product_id": plan.product_id,
                "quantity": plan.quantity.text,
                "own_prices": {price_id: amount.text for price_id, amount in plan.own_prices},
                "events": [[ref.source, ref.id] for ref in plan.causes],
            }
            for plan in timeline.plans
        ],
    }


def _print(found: "Replay") -> None:
    print_text(
        f"{found.customer_id} of {found.tenant_id} as known at seq {found.seq}, {found.moment.isoformat()}"
    )
    days = [Column("from"), Column("to")]
    print_table(
        "Services",
        [
            Column("service"),
            *days,
            Column("state"),
            Column("customer"),
            Column("product"),
            _right("quantity"),
        ],
        (row for timeline in found.timelines for row in _states(timeline)),
    )
    money = [_right("quantity"), _right("unit amount"), _right("amount"), Column("currency")]
    print_table(
        "Charged in every full period",
        [Column("service"), Column("price"), Column("each"), *days, *money],
        (
            (
                item.service_id,
                item.price_id,
                item.interval,
                item.starts,
                item.ends,
                item.quantity,
                item.unit_amount,
                format_minor(item.amount_minor, item.currency),
                item.currency,
            )
            for item in found.run_rates
        ),
    )
    print_table(
        "Charged once, or for parts of a period",
        [Column("service"), Column("price"), Column("due"), *days, *money],
        (
            (
                item.service_id,
                item.price_id,
                item.due,
                item.period_start,
                item.period_end,
                item.quantity,
                item.unit_amount,
                format_minor(item.amount_minor, item.currency),
                item.currency,
            )
            for item in found.amounts
        ),
    )
    print_table(
        "Issued by then",
        [Column("number"), Column("due for"), Column("issued on"), _right("net"), Column("currency")],
        (
            (
                item.number,
                item.due_for,
                item.issued_on,
                format_minor(item.net_minor, item.currency),
                item.currency,
            )
            for item in found.invoices
        ),
    )
    for draft in found.preview:
        net = format_minor(draft.net_minor, draft.currency)
        print_table(
            f"Next invoice, for {draft.due_for}: {net} {draft.currency}",
            [Column("service"), Column("price"), _right("amount"), Column("why")],
            (
                (
                    line.service_id,
                    line.price_id,
                    format_minor(line.amount_minor, draft.currency),
                    arithmetic(line, draft.currency),
                )
                for line in draft.lines
            ),
        )
    for item in found.anomalies:
        print_text(f"anomaly: {item.ref.id} of {item.ref.source}: {item.detail} [{item.code}]")
    for name, reason in sorted(found.set_aside.items()):
        print_text(f"can't be told: {name}: {reason}")


def _states(timeline: "Timeline") -> "Iterator[tuple[object, ...]]":
    for segment in timeline.segments:
        yield (
            timeline.service_id,
            iso(segment.start),
            "" if segment.end == FOREVER else iso(segment.end),
            "suspended" if segment.suspended else "active",
            segment.customer_id,
            segment.product_id,
            segment.quantity.text,
        )
    for plan in timeline.plans:
        yield (
            timeline.service_id,
            iso(plan.start),
            "",
            "planned",
            plan.customer_id,
            plan.product_id,
            plan.quantity.text,
        )


def _right(title: str) -> Column:
    return Column(title, "right")
