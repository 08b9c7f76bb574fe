"""Customers: who is billed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.access import READERS, GuardedRoute, View, Viewing, door
from api.fields import PathId, QueryId
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from ledger.personal import is_commitment, reveal
from projections import customers
from projections.billrun import CustomerUnknownError
from projections.pages import Order, Wanted

router = APIRouter(route_class=GuardedRoute, tags=["customers"])


class Customer(BaseModel):
    """A customer as it is today; a personal value that was erased, or never sent, is null."""

    customer_id: str = Field(examples=["c-17"])
    name: str | None = Field(examples=["Nordwind GmbH"])
    email: str | None = Field(examples=["invoices@nordwind.example"])
    phone: str | None = None
    language: str | None = Field(description="BCP 47; documents are written in it.", examples=["de"])
    address: dict[str, Any] | None = Field(
        examples=[{"lines": ["Hafenstrasse 4"], "postal_code": "20457", "city": "Hamburg", "country": "DE"}]
    )


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Customer]]:
    given = wanted.filters or {}
    names = customers.customer_ids(
        view.cursor,
        view.tenant_id,
        limit=wanted.limit,
        after="" if wanted.after is None else str(wanted.after[0]),
        prefix=str(given.get("prefix") or ""),
    )
    return [(item, (item.customer_id,)) for item in shown(view, names)]


CUSTOMERS: Final = Listed("customers", Customer, {"customer_id": Order(("customer_id",), ("text",))}, _fetch)


@router.get(
    "/customers",
    operation_id="list_customers",
    summary="List customers",
    response_model=Page[Customer],
    **list_door(*READERS, item=Customer),
)
def list_customers(
    asked: Asked, prefix: QueryId = None, sort: Literal["customer_id"] = "customer_id"
) -> Response:
    """All customers of the tenant, by id; `prefix` narrows to ids that begin so."""
    return answer(CUSTOMERS, asked, sort, {"prefix": prefix})


@router.get(
    "/customers/{customer_id}",
    operation_id="get_customer",
    summary="Show a customer",
    **door(*READERS, errors=("customer_unknown",)),
)
def get_customer(view: Viewing, customer_id: PathId) -> Customer:
    """One customer as it is today."""
    found = shown(view, [customer_id])
    if not found:
        raise CustomerUnknownError(f"there is no customer {customer_id!r}; see /v1/customers")
    return found[0]


def shown(view: View, customer_ids: Sequence[str]) -> list[Customer]:
    """Return customers with their personal values, in the order asked for; unknown ones are left out."""
    known = customers.of_customers(view.cursor, view.tenant_id, list(customer_ids))
    today = view.today()
    parties = {name: customers.in_force(known[name], today) for name in customer_ids if name in known}
    commitments = {value for party in parties.values() for value in party.values() if is_commitment(value)}
    values = reveal(view.cursor.connection, view.tenant_id, commitments)
    return [_customer(name, party, values) for name, party in parties.items()]


def _customer(customer_id: str, party: Mapping[str, Any], values: Mapping[str, Any]) -> Customer:
    plain = {field: values.get(value) if is_commitment(value) else value for field, value in party.items()}
    return Customer(customer_id=customer_id, **{field: plain.get(field) for field in customers.FIELDS})
