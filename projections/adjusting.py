"""Entering and withdrawing manual adjustments: the checks, and the events that say so."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson
from psycopg import Cursor

from billing.adjustments import ENTERED, VOIDED, Adjustments
from billing.errors import LedgerError
from billing.money import exact, minor_digits
from ledger.facts import SCHEMA_URN
from ledger.read import fact_by_event
from projections import bookmarks, books
from projections.billrun import CustomerUnknownError

SOURCE: Final = "/adjustments"
"""The source of adjustments that are entered here; other systems use their own."""
ID_DIGITS: Final = 32


class AdjustmentInvalidError(LedgerError):
    """An adjustment that no invoice could show: an amount of nothing, or finer than the currency."""

    code = "adjustment_invalid"


class AdjustmentTakenError(LedgerError):
    """The adjustment's id is taken: by other content, or by what was taken back since."""

    code = "adjustment_taken"


class AdjustmentUnknownError(LedgerError):
    """The customer has no adjustment of this id that still counts."""

    code = "adjustment_unknown"


def entering(cursor: Cursor[Any], tenant_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event that enters an adjustment, checked against what is known.

    `data` is that of `adjustment.entered`. What was entered with the same content, and still counts, is the
    same event again: booking it finds the first. Raises CustomerUnknownError, AdjustmentInvalidError,
    AdjustmentTakenError, and InvalidAmountError for what is no amount.
    """
    customer_id = data["customer_id"]
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    known = books.books(cursor, common, [customer_id], bookmark.seq)
    if known.book.terms(customer_id) is None:
        raise CustomerUnknownError(f"tenant {tenant_id!r} has no customer {customer_id!r}")
    currency = data.get("currency", known.book.currency)
    amount = exact(data["amount"])
    if amount.scaled == 0:
        raise AdjustmentInvalidError(f"amount {amount}: an adjustment moves something; write 12.50 or -12.50")
    if amount.scale > minor_digits(currency):
        raise AdjustmentInvalidError(
            f"amount {amount}: {currency} has {minor_digits(currency)} decimals; write no more of them"
        )
    whole = {**data, "currency": currency}
    if "supersedes" not in data:
        _check_id(
            whole, entered_before(cursor, tenant_id, data["adjustment_id"]), known.adjustments_of(customer_id)
        )
    return _event(tenant_id, ENTERED, data["adjustment_id"], whole)


def entered_before(cursor: Cursor[Any], tenant_id: str, adjustment_id: str) -> Mapping[str, Any] | None:
    """Return the data of the event that was entered here under an id, or None where there is none."""
    booked = fact_by_event(cursor.connection, tenant_id, SOURCE, adjustment_id)
    data: Mapping[str, Any] | None = None if booked is None else orjson.loads(booked.payload)["data"]
    return data


def _check_id(data: Mapping[str, Any], before: Mapping[str, Any] | None, known: Adjustments) -> None:
    """Raise AdjustmentTakenError where the id stands for something else, or for nothing any more."""
    of_id = [item for item in known.known if item.adjustment_id == data["adjustment_id"]]
    if before is None and not of_id:
        return
    if before is None:
        how = f"by an event of source {of_id[0].causes[0].source!r}"
    elif different := [name for name in sorted({*before, *data}) if before.get(name) != data.get(name)]:
        how = f"with another {', '.join(different)}"
    elif of_id and not any(item.is_live for item in of_id):
        how = "and taken back since"
    else:
        return
    raise AdjustmentTakenError(
        f"adjustment {data['adjustment_id']!r} was entered already, {how}; take another id"
    )


def withdrawing(
    cursor: Cursor[Any], tenant_id: str, customer_id: str, adjustment_id: str, *, reason: str, author: str
) -> dict[str, Any]:
    """Return the event that takes an adjustment back. Raises AdjustmentUnknownError."""
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    known = books.books(cursor, common, [customer_id], bookmark.seq).adjustments_of(customer_id).known
    live = next((item for item in known if item.is_live and item.adjustment_id == adjustment_id), None)
    if live is None:
        raise AdjustmentUnknownError(
            f"customer {customer_id!r} has no adjustment {adjustment_id!r} that still counts; "
            f"see: billing adjustments list --customer {customer_id}"
        )
    source, event_id = live.causes[0]
    data = {
        "customer_id": customer_id,
        "supersedes": {"source": source, "id": event_id},
        "reason": reason,
        "author": author,
    }
    return _event(tenant_id, VOIDED, _withdrawal_id(source, event_id), data)


def _withdrawal_id(source: str, event_id: str) -> str:
    """Return the same id for the same event, however often it is taken back: an id is its source's own."""
    return f"withdrawal-{sha256(orjson.dumps([source, event_id])).hexdigest()[:ID_DIGITS]}"


def _event(tenant_id: str, kind: str, event_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": kind,
        "tenantid": tenant_id,
        "subject": data["customer_id"],
        "dataschema": f"{SCHEMA_URN}:{kind}:1",
        "data": dict(data),
    }
