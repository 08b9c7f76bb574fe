"""The filters on issued documents, the same for the list of them and for its totals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query

from api.access import View
from api.errors import InvalidRequestError
from api.fields import QueryAmount, QueryId, QueryMonth, first_of
from billing.money import parse_minor
from projections import catalog

Kind = Literal["invoice", "credit_note"]
SERVICE_TYPE: Final = "service_type"


@dataclass(frozen=True, slots=True)
class InvoiceFilters:
    """What is asked of documents; all that is given must hold, None asks nothing."""

    customer_id: QueryId = None
    service_id: Annotated[QueryId, Query(description="Those with a line of the service.")] = None
    product_id: Annotated[QueryId, Query(description="Those with a line of the product.")] = None
    service_type: Annotated[QueryId, Query(description="Those with a line of such a product.")] = None
    kind: Kind | None = None
    period: Annotated[QueryMonth | None, Query(description="Billing period: the month of due_for.")] = None
    currency: Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")] = None
    net_from: Annotated[QueryAmount | None, Query(description="At least; needs currency.")] = None
    net_to: Annotated[QueryAmount | None, Query(description="At most; needs currency.")] = None

    def question(self) -> dict[str, Any]:
        """Return the filters with their values as the read model has them; amounts in minor units.

        Raises InvalidRequestError for an amount without a currency, InvalidAmountError.
        """
        return {
            "customer_id": self.customer_id,
            "service_id": self.service_id,
            "product_id": self.product_id,
            SERVICE_TYPE: self.service_type,
            "kind": self.kind,
            "currency": self.currency,
            "period": None if self.period is None else first_of(self.period),
            "net_from": _minor("net_from", self.net_from, self.currency),
            "net_to": _minor("net_to", self.net_to, self.currency),
        }


Filtered = Annotated[InvoiceFilters, Depends()]


def known(view: View, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question as `invoices.LISTING` takes it: a service type is the products that have it."""
    found = {name: value for name, value in question.items() if name != SERVICE_TYPE}
    service_type = question.get(SERVICE_TYPE)
    if service_type is not None:
        found["product_ids"] = catalog.products_of_type(view.cursor, view.tenant_id, service_type)
    return found


def _minor(name: str, amount: str | None, currency: str | None) -> int | None:
    if amount is None:
        return None
    if currency is None:
        raise InvalidRequestError(f"{name}: an amount is of one currency; name it with currency=EUR")
    return parse_minor(amount, currency)
