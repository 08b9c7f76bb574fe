"""Entering and withdrawing manual adjustments: the checks, and the events that say so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import Cursor

from billing.adjustments import ENTERED, VOIDED, Adjustment
from billing.days import iso
from billing.errors import LedgerError
from billing.line import NO_SERVICE
from billing.money import exact, minor_digits
from ledger.facts import SCHEMA_URN
from projections import bookmarks, books
from projections.billrun import CustomerUnknownError
from projections.books import Books

SOURCE: Final = "/adjustments"
"""The source of adjustments that are entered here; other systems use their own."""
MAX_EVENT_ID: Final = 200


class AdjustmentInvalidError(LedgerError):
    """An adjustment that no invoice could show: an amount of nothing, or finer than the currency."""

    code = "adjustment_invalid"


class AdjustmentUnknownError(LedgerError):
    """The customer has no adjustment of this id that still counts."""

    code = "adjustment_unknown"


def entering(
    cursor: Cursor[Any], tenant_id: str, data: Mapping[str, Any], *, moment: datetime
) -> dict[str, Any]:
    """Return the event that enters an adjustment, checked against what is known.

    `data` is that of `adjustment.entered`; without `effective` it counts from the customer's day at `moment`.
    What was entered already comes back as it was: the ledger takes it for a duplicate. Raises
    CustomerUnknownError, AdjustmentInvalidError, and InvalidAmountError for what is no amount.
    """
    customer_id, adjustment_id = data["customer_id"], data["adjustment_id"]
    known = _books(cursor, tenant_id, customer_id)
    terms = known.book.terms(customer_id)
    if terms is None:
        raise CustomerUnknownError(f"tenant {tenant_id!r} has no customer {customer_id!r}")
    today = moment.astimezone(terms.zone).date().isoformat()
    whole = {"effective": today, "currency": known.book.currency, **data}
    _check_amount(whole["amount"], whole["currency"])
    event = _event(tenant_id, ENTERED, f"{customer_id}/{adjustment_id}", whole)
    others = [item for item in _entries(known, customer_id, adjustment_id) if not _says(item, whole)]
    gone = [item for item in _entries(known, customer_id, adjustment_id) if not item.is_live]
    if others or gone:
        raise AdjustmentInvalidError(
            f"adjustment {adjustment_id!r} of customer {customer_id!r} was entered already; take another id, "
            "or change the earlier one: billing adjustments correct"
        )
    return event


def correcting(
    cursor: Cursor[Any],
    tenant_id: str,
    customer_id: str,
    adjustment_id: str,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the event that enters an adjustment anew in place of the one that counts.

    `changes` has members of `adjustment.entered`, `reason` and `author` among them; of the others, what is
    not named stays. The currency never changes. Raises AdjustmentUnknownError, AdjustmentInvalidError, and
    InvalidAmountError.
    """
    known = _books(cursor, tenant_id, customer_id)
    live = _live(known, customer_id, adjustment_id)
    currency = known.adjustments_of(customer_id).currency_of(adjustment_id)
    source, event_id = live.causes[0]
    data = {
        "adjustment_id": adjustment_id,
        "customer_id": customer_id,
        "amount": live.amount.text,
        "currency": currency,
        "effective": iso(live.day),
        **({} if live.service_id == NO_SERVICE else {"service_id": live.service_id}),
        **({} if live.entered.text == live.entered.reason else {"text": live.entered.text}),
        **changes,
        "supersedes": {"source": source, "id": event_id},
    }
    _check_amount(data["amount"], currency)
    again = len(_entries(known, customer_id, adjustment_id))
    return _event(tenant_id, ENTERED, f"{customer_id}/{adjustment_id}/{again + 1}", data)


def withdrawing(
    cursor: Cursor[Any], tenant_id: str, customer_id: str, adjustment_id: str, *, reason: str, author: str
) -> dict[str, Any]:
    """Return the event that takes an adjustment back. Raises AdjustmentUnknownError."""
    live = _live(_books(cursor, tenant_id, customer_id), customer_id, adjustment_id)
    source, event_id = live.causes[0]
    data = {
        "customer_id": customer_id,
        "supersedes": {"source": source, "id": event_id},
        "reason": reason,
        "author": author,
    }
    return _event(tenant_id, VOIDED, f"{event_id}/withdrawn", data)


def _books(cursor: Cursor[Any], tenant_id: str, customer_id: str) -> Books:
    bookmark = bookmarks.read(cursor, tenant_id)
    common = books.shared(cursor, tenant_id, bookmark)
    return books.books(cursor, common, [customer_id], bookmark.seq)


def _entries(known: Books, customer_id: str, adjustment_id: str) -> list[Adjustment]:
    found = known.adjustments_of(customer_id).known
    return [item for item in found if item.adjustment_id == adjustment_id]


def _live(known: Books, customer_id: str, adjustment_id: str) -> Adjustment:
    for item in _entries(known, customer_id, adjustment_id):
        if item.is_live:
            return item
    raise AdjustmentUnknownError(
        f"customer {customer_id!r} has no adjustment {adjustment_id!r} that still counts; "
        f"see: billing adjustments list --customer {customer_id}"
    )


def _says(item: Adjustment, data: Mapping[str, Any]) -> bool:
    """Tell whether an adjustment that is known says what is entered."""
    entered = (data.get("text") or data["reason"], data["reason"], data["author"])
    return (tuple(item.entered), item.amount, iso(item.day), item.service_id) == (
        entered,
        exact(data["amount"]),
        data["effective"],
        data.get("service_id", NO_SERVICE),
    )


def _check_amount(text: str, currency: str) -> None:
    amount = exact(text)
    if amount.scaled == 0:
        raise AdjustmentInvalidError(f"amount {amount}: an adjustment moves something; write 12.50 or -12.50")
    if amount.scale > minor_digits(currency):
        raise AdjustmentInvalidError(
            f"amount {amount}: {currency} has {minor_digits(currency)} decimals; write no more of them"
        )


def _event(tenant_id: str, kind: str, event_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
    if len(event_id) > MAX_EVENT_ID:
        raise AdjustmentInvalidError(
            f"adjustment id: with its customer's id it makes an event id of {len(event_id)} characters, "
            f"and at most {MAX_EVENT_ID} fit; take a shorter one"
        )
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
