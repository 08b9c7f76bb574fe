"""Which tenant a command is about, where its name may be left out."""

from typing import Any

from psycopg import Connection

from cli.faults import WrongUseError
from ledger.errors import TenantNotOpenError
from ledger.facts import SYSTEM_TENANT
from projections import bookmarks
from projections.session import writing


def tenant_of(connection: Connection[Any], tenant: str | None) -> str:
    """Return `tenant` if it has a ledger, or the only one where None is given.

    Raises TenantNotOpenError for one without a ledger, WrongUseError where there are several to choose from.
    """
    with writing(connection) as cursor:
        known = [tenant_id for tenant_id in bookmarks.tenants(cursor) if tenant_id != SYSTEM_TENANT]
    if tenant is not None:
        if tenant not in known:
            raise TenantNotOpenError(f"tenant {tenant!r} has no ledger; send its tenant.configured")
        return tenant
    if not known:
        raise TenantNotOpenError("no tenant has a ledger yet; send a tenant.configured")
    if len(known) > 1:
        raise WrongUseError(f"--tenant is missing; there are {', '.join(known)}")
    return known[0]
