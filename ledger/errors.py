"""What a caller of the ledger can run into, each with its stable code."""

from collections.abc import Sequence

from billing.errors import LedgerError as LedgerError  # noqa: PLC0414 - consumers know it from here


class ConcurrencyError(LedgerError):
    """A decision was made on a version that is not the last one any more: read again, decide again.

    Nothing of the batch was written; `streams` names, with their tenants, those that went on.
    """

    code = "version_conflict"

    def __init__(self, streams: Sequence[tuple[str, str]]) -> None:
        names = ", ".join(f"{tenant_id} {stream}" for tenant_id, stream in streams[:5])
        more = f" and {len(streams) - 5} more" if len(streams) > 5 else ""  # noqa: PLR2004 - enough to look at
        super().__init__(f"went on meanwhile: {names}{more}; read again and decide again")
        self.streams = tuple(streams)


class TenantNotOpenError(LedgerError):
    """The tenant has no ledger: a `tenant.configured` event of an allowed source opens it."""

    code = "tenant_unknown"


class KeyTooLongError(LedgerError):
    """An event's id, source or subject is longer than an index can hold."""

    code = "key_too_long"


class OffsetFencedError(LedgerError):
    """Another consumer claimed the partition, or already moved its offset: this one must let go of it."""

    code = "offset_fenced"


class IssueDateError(LedgerError):
    """Numbers of a series would be drawn for an earlier date than its last one."""

    code = "issue_date_descends"


class DueDateError(LedgerError):
    """A document would be issued for a day before that of the account's last one."""

    code = "due_date_descends"


class MigrationError(LedgerError):
    """The database's migrations are not the ones of this program."""

    code = "migration_mismatch"
