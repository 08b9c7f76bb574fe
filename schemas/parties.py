"""Events about who sells and who is billed: tenants and customers (BILLING.md §1, §6)."""

from typing import Annotated, Any, Final, Literal, Required

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from schemas.envelope import Envelope, Supersedes
from schemas.fields import (
    STRICT,
    AccountCredit,
    Alignment,
    BillingDay,
    Country,
    CreditOnStop,
    Currency,
    Effective,
    Email,
    Identifier,
    JsonForm,
    Language,
    Money,
    Phone,
    PriceOverrides,
    Proration,
    Remedy,
    Rounding,
    StopDay,
    TenantId,
    Text,
    Zone,
)

POLICY_KEYS: Final = (
    "alignment",
    "billing_day",
    "proration",
    "stop_day",
    "rounding",
    "credit_on_stop",
    "account_credit",
)
CUSTOMER_CHANGEABLE: Final = (
    "name",
    "address",
    "email",
    "phone",
    "language",
    *POLICY_KEYS,
    "price_overrides",
)


class Address(TypedDict, total=False):
    """A postal address."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    lines: Required[Annotated[list[Text], Field(min_length=1, max_length=8)]]
    postal_code: Annotated[Text, Field(max_length=20)]
    city: Annotated[Text, Field(max_length=200)]
    country: Required[Country]


class Policy(TypedDict, total=False):
    """How periods lie and amounts are rounded; what is not named stays as it was."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    alignment: Alignment
    billing_day: BillingDay
    proration: Proration
    stop_day: StopDay
    rounding: Rounding
    credit_on_stop: CreditOnStop
    account_credit: AccountCredit


class Customer(Policy, total=False):
    """Who is billed, from always."""

    customer_id: Required[Identifier]
    name: Required[Text]
    address: Address
    email: Email
    phone: Phone
    timezone: Zone
    language: Language
    price_overrides: Annotated[
        dict[Identifier, PriceOverrides],
        Field(description="The customer's unit amounts by product and price id"),
    ]


class CustomerChange(TypedDict, total=False):
    """What changes on a day; null goes back to the tenant's policy, or to the catalog's price."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    customer_id: Required[Identifier]
    effective: Required[Effective]
    name: Text
    address: Address
    email: Email
    phone: Phone
    language: Language
    alignment: Alignment | None
    billing_day: BillingDay | None
    proration: Proration | None
    stop_day: StopDay | None
    rounding: Rounding | None
    credit_on_stop: CreditOnStop | None
    account_credit: AccountCredit | None
    price_overrides: Annotated[
        dict[Identifier, dict[Identifier, Money | None]],
        Field(description="Unit amounts by product and price id; null removes one"),
    ]
    supersedes: Supersedes


class NumberPrefix(TypedDict, total=False):
    """What stands before the numbers of documents."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    invoice: Annotated[str, Field(max_length=20, pattern=r"^[A-Za-z0-9._/-]*$")]
    credit_note: Annotated[str, Field(max_length=20, pattern=r"^[A-Za-z0-9._/-]*$")]


class Tenant(Policy, total=False):
    """The seller. The first one opens the ledger and counts from always."""

    tenant_id: Required[TenantId]
    name: Required[Text]
    currency: Required[Currency]
    timezone: Required[Zone]
    address: Address
    email: Email
    legal: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=100)], Text],
        Field(
            max_length=50,
            description="Tax ids, bank account, footer: texts that stand on the documents",
            examples=[{"vat_id": "CHE-123.456.789 MWST", "iban": "CH93 0076 2011 6238 5295 7"}],
        ),
        Remedy("write an object of texts"),
    ]
    personal_attributes: Annotated[
        list[Identifier], Field(max_length=200, description="Service attributes that are personal data")
    ]
    number_prefix: NumberPrefix
    effective: Annotated[
        Effective, Field(description="From when a later policy counts; needed when it changes")
    ]


def _changes_something(data: dict[str, Any]) -> dict[str, Any]:
    if not any(name in data for name in CUSTOMER_CHANGEABLE):
        raise PydanticCustomError("remedy", f"name at least one of {', '.join(CUSTOMER_CHANGEABLE)}")
    return data


def _same_tenant(event: dict[str, Any]) -> dict[str, Any]:
    if event["data"]["tenant_id"] != event["tenantid"]:
        raise PydanticCustomError("remedy", "write the same tenant in tenantid and in data.tenant_id")
    return event


class CustomerRegistered(Envelope, total=False):
    """A customer is known."""

    type: Required[Literal["customer.registered"]]
    dataschema: Literal["urn:billing-ledger:customer.registered:1"]
    data: Required[Customer]


class CustomerChanged(Envelope, total=False):
    """A customer's name, address, policy or prices change."""

    type: Required[Literal["customer.changed"]]
    dataschema: Literal["urn:billing-ledger:customer.changed:1"]
    data: Required[
        Annotated[
            CustomerChange,
            AfterValidator(_changes_something),
            JsonForm({"anyOf": [{"required": [name]} for name in CUSTOMER_CHANGEABLE]}),
        ]
    ]


class TenantConfiguredEnvelope(Envelope, total=False):
    """A tenant is opened or configured anew. Only sources that the operator allows may send it."""

    type: Required[Literal["tenant.configured"]]
    dataschema: Literal["urn:billing-ledger:tenant.configured:1"]
    data: Required[Tenant]


TenantConfigured = Annotated[TenantConfiguredEnvelope, AfterValidator(_same_tenant)]
