"""`billing keys`: make, list and revoke the keys of the HTTP doors."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.faults import WrongUseError
from cli.options import JsonOption, TenantOption, parse_date
from cli.output import Column, print_json, print_table, print_text
from cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from ledger.keys import ApiKey, KeyRole

app = typer.Typer(help="Make, list and revoke the keys of the HTTP doors.")


@app.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Who holds it, for the list.")],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="publisher, finance, auditor or admin.")
    ],
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="YYYY-MM-DD", help="The first day (UTC) on which it opens nothing."
        ),
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once: only a hash of it is kept."""
    from cli.tenants import tenant_of
    from ledger.keys import create as make

    clock = read_settings().clock
    until = None if expires is None else _midnight(parse_date(expires, "--expires"))
    if not name.strip():
        message = "--name is empty; say who will hold the key, for example: warehouse"
        raise WrongUseError(message)
    with _connected() as connection:
        key, token = make(
            connection,
            tenant_of(connection, tenant),
            name=name.strip(),
            role=_role(role),
            clock=clock,
            expires_at=until,
        )
    if as_json:
        print_json({**_shown(key), "key": token})
        return
    print_text(token)
    lasts = "until it is revoked" if until is None else f"until {until.isoformat()}"
    print_text(f"a key of {key.tenant_id} in the role {key.role}, {lasts}; it is not shown again")


@app.command("list")
def list_(*, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the keys of a tenant, or of all; never their secrets."""
    from ledger.keys import keys

    clock = read_settings().clock
    with _connected() as connection:
        found = keys(connection, tenant)
    now = clock()
    if as_json:
        print_json([{**_shown(key), "state": key.state(now)} for key in found])
        return
    columns = [
        Column("id"),
        Column("tenant"),
        Column("role"),
        Column("name"),
        Column("state"),
        Column("expires"),
        Column("last used"),
    ]
    rows = [
        (key.key_id, key.tenant_id, key.role, key.name, key.state(now), key.expires_at, key.last_used_at)
        for key in found
    ]
    print_table("Keys", columns, rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `list` shows it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Take a key back, from now on and for good."""
    from ledger.keys import revoke as take_back

    clock = read_settings().clock
    with _connected() as connection:
        key = take_back(connection, key_id, clock=clock)
    if as_json:
        print_json(_shown(key))
    else:
        print_text(f"key {key.key_id} ({key.name}) of {key.tenant_id} opens nothing any more")


@contextmanager
def _connected() -> "Iterator[Connection[Any]]":
    import psycopg

    with psycopg.connect(read_settings().database(), autocommit=True) as connection:
        yield connection


def _role(text: str) -> "KeyRole":
    from ledger.keys import KEY_ROLES

    for role in KEY_ROLES:
        if role == text:
            return role
    message = f"--role: {text!r} is no role; write one of {', '.join(KEY_ROLES)}"
    raise WrongUseError(message)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _shown(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.key_id,
        "tenant": key.tenant_id,
        "role": key.role,
        "name": key.name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
