"""Entering a price or a policy: show what it would move, ask, then book it (BILLING.md §1)."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from billing.errors import LedgerError
from billing.money import format_minor
from cli.faults import WrongUseError
from cli.output import Column, console, print_json, print_table, print_text, progress
from cli.settings import read_settings

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

    from consumers.receive import Received, Receiver
    from projections.impact import Impact

SOURCE: Final = "/billing"
"""The source of prices and policies that are entered here; other systems use their own."""
MOST_DAYS: Final = 3
Build = Callable[["Cursor[Any]", str], dict[str, Any]]
"""Makes the event's type and data from what is known of a tenant; raises where that can't be."""

YesOption = Annotated[bool, typer.Option("--yes", help="Don't ask; for scripts.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what it would move, enter nothing.")]
IdOption = Annotated[
    str | None,
    typer.Option("--id", metavar="ID", help="The event's id; makes entering it twice harmless."),
]
SupersedesOption = Annotated[
    str | None,
    typer.Option(
        "--supersedes", metavar="[SOURCE#]ID", help="An earlier event of the same kind that no longer counts."
    ),
]


class ConfirmationNeededError(LedgerError):
    """What would be entered moves something, and there is nobody to ask; nothing was entered."""

    code = "confirmation_needed"


def change(
    build: Build,
    *,
    tenant: str | None,
    event_id: str | None,
    is_sure: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Show what an event would move, ask where that must be, and book it."""
    import psycopg

    from cli.tenants import tenant_of
    from projections.runner import Runner

    settings = read_settings()
    with psycopg.connect(settings.database(), autocommit=True) as connection:
        tenant_id = tenant_of(connection, tenant)
        runner = Runner(connection)
        runner.prepare()
        runner.catch_up(tenant_id)
        event, found = _foreseen(connection, tenant_id, build, event_id)
        if not as_json:
            show(found)
        if dry_run:
            done: dict[str, object] = {"outcome": "not entered: a dry run", "seq": None}
        else:
            _confirm(found, is_sure=is_sure, as_json=as_json)
            done = _book(connection, tenant_id, event, found, runner)
    if as_json:
        print_json({"event": {"source": event["source"], "id": event["id"]}, **impact_data(found), **done})
    else:
        print_text(f"{event['type']} {event['id']}: {done['outcome']}" + _at(done["seq"]))


def _foreseen(
    connection: "Connection[Any]", tenant_id: str, build: Build, event_id: str | None
) -> "tuple[dict[str, Any], Impact]":
    """Return the event, known to be one that would be booked, and what it would move."""
    from projections.impact import impact
    from projections.session import reading

    settings = read_settings()
    with reading(connection, tenant_id) as cursor:
        event = _event(tenant_id, event_id, build(cursor, tenant_id))
    _receive(_receiver(tenant_id), connection, event, dry_run=True)
    with reading(connection, tenant_id) as cursor, progress("next invoices") as bar:
        return event, impact(cursor, tenant_id, event, clock=settings.clock, progress=bar)


def _book(
    connection: "Connection[Any]", tenant_id: str, event: dict[str, Any], found: "Impact", runner: Any
) -> dict[str, object]:
    """Book the event if the ledger still is where the impact was computed; else say so."""
    from ledger.append import lock_heads
    from ledger.read import head

    with connection.transaction():
        lock_heads(connection, [tenant_id])
        known = head(connection, tenant_id)
        assert known is not None, tenant_id
        if known.size != found.seq:
            raise ConfirmationNeededError(
                f"{known.size - found.seq} facts were heard meanwhile, so that it may move something else; "
                "nothing was entered: call again"
            )
        received = _receive(_receiver(tenant_id), connection, event)
    runner.catch_up(tenant_id)
    return {"outcome": received.fate, "seq": received.seq}


def _receiver(tenant_id: str) -> "Receiver":
    from consumers.receive import Receiver

    return Receiver(tenant_id, "", frozenset({SOURCE}), read_settings().clock)


def _receive(
    receiver: "Receiver", connection: "Connection[Any]", event: Mapping[str, Any], *, dry_run: bool = False
) -> "Received":
    import orjson

    (received,) = receiver.receive(connection, [orjson.dumps(event)], dry_run=dry_run)
    if received.unreadable is not None:
        raise WrongUseError(f"{received.unreadable.place or 'event'}: {received.unreadable.detail}")
    return received


def _event(tenant_id: str, event_id: str | None, made: Mapping[str, Any]) -> dict[str, Any]:
    from uuid import uuid4

    return {
        "specversion": "1.0",
        "id": event_id or uuid4().hex,
        "source": SOURCE,
        "tenantid": tenant_id,
        "dataschema": f"urn:billing-ledger:{made['type']}:1",
        **made,
    }


def superseding(text: str | None) -> dict[str, Any]:
    """Return the member `supersedes` that an option names, if it names one."""
    if text is None:
        return {}
    source, mark, event_id = text.rpartition("#")
    return {"supersedes": {"source": source, "id": event_id} if mark else {"id": event_id}}


def _confirm(found: "Impact", *, is_sure: bool, as_json: bool) -> None:
    """Ask, where something would be moved. Raises ConfirmationNeededError where nobody agrees."""
    if is_sure or not found.must_be_confirmed:
        return
    if as_json or not sys.stdin.isatty():
        raise ConfirmationNeededError(
            f"it {_reasons(found)}; nothing was entered: look with --dry-run, then call with --yes"
        )
    if not typer.confirm("Enter it?"):
        raise ConfirmationNeededError("nothing was entered")


def _reasons(found: "Impact") -> str:
    """Return why somebody has to agree, in words that are true of this event."""
    reasons = []
    if found.customers:
        reasons.append("moves invoices")
    if found.is_past:
        reasons.append("counts from a day that has passed")
    if found.set_aside:
        reasons.append(f"may move customers that could not be computed ({len(found.set_aside)})")
    if not reasons:
        reasons.append(f"reaches running services, on invoices after {found.until}")
    return " and ".join(reasons)


def show(found: "Impact") -> None:
    """Print what would be moved, for the person who decides."""
    past = ", which has passed" if found.is_past else ""
    print_text(f"counts from {found.effective}{past}; computed with facts up to {found.seq}")
    if not found.customers:
        later = "; later ones may not" if found.reaches_running else ""
        whose = f"{found.asked} customer{'s' * (found.asked != 1)}"
        print_text(f"the invoices of {whose} till {found.until} stay as they are{later}")
    else:
        print_text(
            f"moves the next invoices of {found.customers} of {found.asked} customers, "
            f"{found.services} services"
        )
        print_table(
            "Next invoices, all moved customers",
            [
                Column("currency"),
                *_figures("customers"),
            ],
            [
                (currency, total.customers, *_amounts(total.before_minor, total.after_minor, currency))
                for currency, total in sorted(found.totals.items())
            ],
        )
        print_table(
            f"Moved most (at most {len(found.largest)})",
            [
                Column("customer"),
                Column("invoices"),
                Column("currency"),
                *_figures("services"),
            ],
            [
                (
                    item.customer_id,
                    _days(item.days),
                    item.currency,
                    item.services,
                    *_amounts(item.before_minor, item.after_minor, item.currency),
                )
                for item in found.largest
            ],
        )
    for name, reason in found.set_aside.items():
        console(stderr=True).print(f"can't be told: {name}: {reason}")


def impact_data(found: "Impact") -> dict[str, object]:
    """Return what would be moved as JSON data."""
    return {
        "effective": found.effective,
        "is_past": found.is_past,
        "computed_at_seq": found.seq,
        "customers_asked": found.asked,
        "customers_moved": found.customers,
        "services_moved": found.services,
        "totals": [
            {
                "currency": currency,
                "customers": total.customers,
                **_named(total.before_minor, total.after_minor, currency),
            }
            for currency, total in sorted(found.totals.items())
        ],
        "largest": [
            {
                "customer_id": item.customer_id,
                "currency": item.currency,
                "invoices": list(item.days),
                "services": item.services,
                **_named(item.before_minor, item.after_minor, item.currency),
            }
            for item in found.largest
        ],
        "set_aside": [{"customer_id": name, "reason": why} for name, why in found.set_aside.items()],
    }


def _figures(counted: str) -> list[Column]:
    return [Column(name, "right") for name in (counted, "before", "after", "moved")]


def _named(before: int, after: int, currency: str) -> dict[str, str]:
    return dict(zip(("before", "after", "moved"), _amounts(before, after, currency), strict=True))


def _amounts(before: int, after: int, currency: str) -> tuple[str, str, str]:
    return (
        format_minor(before, currency),
        format_minor(after, currency),
        format_minor(after - before, currency),
    )


def _days(days: tuple[Any, ...]) -> str:
    """Return the days of invoices; of many the first and the last one, which is moved."""
    if len(days) <= MOST_DAYS:
        return ", ".join(str(day) for day in days)
    return f"{days[0]} … {days[-1]} ({len(days)})"


def _at(seq: object) -> str:
    return "" if seq is None else f" at seq {seq}"
