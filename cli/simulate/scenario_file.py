"""What a scenario file may say (BILLING.md §10)."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from billing.account_credit import AccountCredit
from billing.catalog import Applies, Proration, Timing, TriggerName
from billing.days import day
from billing.errors import LedgerError
from billing.facts import effective_of
from billing.money import Rounding, exact
from billing.periods import Alignment, Interval

Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Amount = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,12})?$")]
Decimals = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}(\.[0-9]{1,12})?$")]
WholeNumber = Annotated[int, Field(strict=True, ge=0, le=999_999_999_999_999)]
Quantity = WholeNumber | Decimals
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
BillingDay = Annotated[int, Field(strict=True, ge=1, le=31)]
EventType = Literal[
    "service.scheduled",
    "service.activated",
    "service.changed",
    "service.suspended",
    "service.resumed",
    "service.deactivated",
    "service.returned",
    "service.voided",
]


def _is_day(text: str) -> str:
    try:
        day(text)
    except LedgerError as error:
        raise ValueError(str(error)) from error
    return text


def _is_effective(text: str) -> str:
    try:
        effective_of(text)
    except LedgerError as error:
        raise ValueError(str(error)) from error
    return text


def _is_instant(text: str) -> str:
    if len(text) == len("2026-06-24"):
        raise ValueError(f"{text!r} is no instant; write it like 2026-06-24T08:00:00Z")
    return _is_effective(text)


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone; write it like Europe/Zurich") from error
    return name


DayText = Annotated[str, AfterValidator(_is_day), Field(json_schema_extra={"format": "date"})]
Effective = Annotated[
    str,
    AfterValidator(_is_effective),
    Field(json_schema_extra={"anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]
Instant = Annotated[str, AfterValidator(_is_instant), Field(json_schema_extra={"format": "date-time"})]
Zone = Annotated[str, AfterValidator(_is_zone)]
ProductPrices = dict[Name, dict[Name, Amount | None]]


class Part(BaseModel):
    """A part of a scenario; what it doesn't know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tenant(Part):
    """The seller."""

    tenant_id: Name
    currency: Currency
    timezone: Zone


class PolicyValues(Part):
    """Policy values; in a dated change, and for a customer, null is back to the tenant's value."""

    alignment: Alignment | None = None
    billing_day: BillingDay | None = None
    proration: Proration | None = None
    stop_day: Literal["free", "billed"] | None = None
    rounding: Rounding | None = None
    credit_on_stop: Literal["credit", "none"] | None = None
    account_credit: AccountCredit | None = None


class Price(Part):
    """A recurring price has interval and timing, a one-time price has a trigger."""

    price_id: Name
    name: str | None = None
    kind: Literal["recurring", "one_time"]
    amount: Amount
    interval: Interval | None = None
    timing: Timing | None = None
    trigger: TriggerName | None = None
    proration: Proration | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "recurring" and (self.interval is None or self.timing is None or self.trigger):
            raise ValueError("a recurring price has an interval and a timing, and no trigger")
        if self.kind == "one_time" and (
            self.trigger is None or self.interval or self.timing or self.proration
        ):
            raise ValueError("a one-time price has a trigger, and no interval, timing or proration")
        return self


class Product(Part):
    """What the catalog sells."""

    product_id: Name
    name: str | None = None
    service_type: str | None = None
    currency: Currency | None = None
    prices: list[Price]

    @model_validator(mode="after")
    def _prices_are_unique(self) -> Self:
        _unique("price_id", [price.price_id for price in self.prices])
        return self


class Customer(PolicyValues):
    """Who is billed; any policy value may be the customer's own."""

    customer_id: Name
    timezone: Zone | None = None
    price_overrides: ProductPrices = Field(default_factory=dict)


class PriceVersion(Part):
    """A later version of a price."""

    product_id: Name
    price_id: Name
    amount: Amount
    effective: DayText
    applies: Applies
    heard: DayText | None = None


class PolicyChange(PolicyValues):
    """Policy values that count from a day on, of one customer or of the tenant."""

    customer_id: Name | None = None
    effective: DayText
    heard: DayText | None = None
    price_overrides: ProductPrices = Field(default_factory=dict)

    @model_validator(mode="after")
    def _overrides_are_a_customers(self) -> Self:
        if self.price_overrides and self.customer_id is None:
            raise ValueError("price_overrides are a customer's; name the customer_id")
        return self


class Event(Part):
    """A lifecycle event; what is left out is not named by it."""

    type: EventType
    service_id: Name
    effective: Effective
    event_id: Name | None = None
    occurred_at: Instant | None = None
    heard: DayText | None = None
    customer_id: Name | None = None
    product_id: Name | None = None
    quantity: Quantity | None = None
    price_overrides: dict[Name, Amount | None] = Field(default_factory=dict)
    attributes: dict[str, Any] = Field(default_factory=dict)
    supersedes: Name | None = None
    already_billed_through: DayText | None = None
    free_until: DayText | None = None

    @model_validator(mode="after")
    def _voids_something(self) -> Self:
        if self.type == "service.voided" and self.supersedes is None:
            raise ValueError("service.voided names the event that never happened, in supersedes")
        return self

    @model_validator(mode="after")
    def _only_an_activation_has_a_past(self) -> Self:
        past = {"already_billed_through", "free_until"} & self.model_fields_set
        if past and self.type != "service.activated":
            raise ValueError(f"only service.activated takes {' and '.join(sorted(past))}")
        return self


class Adjustment(Part):
    """A manual adjustment: a charge, or a credit where the amount is negative."""

    customer_id: Name
    amount: Amount
    effective: Effective
    adjustment_id: Annotated[Name | None, Field(description="Keys its line; default: by position")] = None
    event_id: Annotated[Name | None, Field(description="Default: the adjustment_id")] = None
    supersedes: Annotated[
        Name | None, Field(description="The event id of the adjustment that it corrects")
    ] = None
    currency: Currency | None = None
    heard: DayText | None = None
    withdrawn: Annotated[
        DayText | None, Field(description="When it is heard that the adjustment is taken back")
    ] = None
    service_id: Name | None = None
    text: Name | None = None
    reason: Name = "adjustment"
    author: Name = "finance"

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        if exact(self.amount).scaled == 0:
            raise ValueError("an adjustment of nothing; write an amount that is not zero")
        return self

    def adjustment_at(self, place: int) -> str:
        """Return the id of the adjustment that stands at a place, counted from 1."""
        return self.adjustment_id or f"adjustment-{place}"

    def event_at(self, place: int) -> str:
        """Return the id of the event that enters it."""
        return self.event_id or self.adjustment_at(place)


class Step(Part):
    """Issue what is due on a day, or on every billing day until one; or take back a whole document."""

    issue: DayText | None = None
    run_until: DayText | None = None
    credit: DayText | None = None
    invoice: Annotated[
        int | None, Field(ge=1, description="The document that is taken back, by its place in the list")
    ] = None
    customer_id: Name | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if sum(what is not None for what in (self.issue, self.run_until, self.credit)) != 1:
            raise ValueError("a step has either issue or run_until, or credit")
        if (self.credit is None) != (self.invoice is None):
            raise ValueError("credit names the day, and in invoice the document that is taken back")
        return self

    @property
    def day(self) -> str:
        """The day that the step is dated."""
        return self.issue or self.run_until or self.credit or ""


class ExpectedLine(Part):
    """The sum of the lines of one service and price."""

    service_id: Annotated[Name | None, Field(description="Null: an adjustment about no service")]
    price_id: Name
    amount: Amount


class ExpectedCredit(Part):
    """What a document does to the account's credit; what is left out is not compared."""

    brought_forward: Amount | None = None
    applied: Amount | None = None
    paid_out: Amount | None = None
    carried_forward: Amount | None = None


class ExpectedInvoice(Part):
    """One invoice or credit note."""

    customer_id: Name
    issue_date: DayText
    currency: Currency | None = None
    net: Amount
    account_credit: ExpectedCredit | None = None
    amount_due: Amount | None = None
    lines: list[ExpectedLine] | None = None


class Expected(Part):
    """The complete list of invoices."""

    invoices: list[ExpectedInvoice]


class Scenario(Part):
    """A small world, what is done in it, and what should come of it."""

    scenario: Literal[1]
    name: str
    tenant: Tenant
    policy: PolicyValues = PolicyValues()
    products: list[Product]
    customers: list[Customer]
    price_versions: list[PriceVersion] = Field(default_factory=list)
    policy_changes: list[PolicyChange] = Field(default_factory=list)
    events: list[Event]
    adjustments: list[Adjustment] = Field(default_factory=list)
    steps: list[Step]
    expected: Expected | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        _unique("product_id", [product.product_id for product in self.products])
        _unique("customer_id", [customer.customer_id for customer in self.customers])
        for place, customer_id in self._customers_named():
            if customer_id not in {customer.customer_id for customer in self.customers}:
                raise ValueError(f"{place}.customer_id: {customer_id!r} is not among the customers")
        prices = {
            product.product_id: {price.price_id for price in product.prices} for product in self.products
        }
        for place, product_id, price_id in self._prices_named():
            if product_id not in prices:
                raise ValueError(f"{place}: product {product_id!r} is not among the products")
            if price_id is not None and price_id not in prices[product_id]:
                raise ValueError(f"{place}: product {product_id!r} has no price {price_id!r}")
        _unique("event_id", [item.event_at(place) for place, item in enumerate(self.adjustments, 1)])
        self._check_event_ids()
        self._check_steps()
        return self

    @property
    def shows_credit(self) -> bool:
        """Whether what its documents leave on the account is told in the output."""
        values = [self.policy, *self.customers, *self.policy_changes]
        return bool(self.adjustments) or any("account_credit" in item.model_fields_set for item in values)

    def _customers_named(self) -> Iterator[tuple[str, str]]:
        named: dict[str, Sequence[Event | Adjustment | Step | PolicyChange]] = {
            "events": self.events,
            "adjustments": self.adjustments,
            "steps": self.steps,
            "policy_changes": self.policy_changes,
        }
        for part, items in named.items():
            for index, item in enumerate(items):
                if item.customer_id is not None:
                    yield f"{part}[{index}]", item.customer_id

    def _prices_named(self) -> Iterator[tuple[str, str, str | None]]:
        for index, event in enumerate(self.events):
            if event.product_id is not None:
                yield f"events[{index}].product_id", event.product_id, None
        for index, version in enumerate(self.price_versions):
            yield f"price_versions[{index}]", version.product_id, version.price_id
        owners: list[tuple[str, ProductPrices]] = [
            *((f"customers[{i}]", customer.price_overrides) for i, customer in enumerate(self.customers)),
            *(
                (f"policy_changes[{i}]", change.price_overrides)
                for i, change in enumerate(self.policy_changes)
            ),
        ]
        for place, overrides in owners:
            for product_id, amounts in overrides.items():
                yield f"{place}.price_overrides", product_id, None
                for price_id in amounts:
                    yield f"{place}.price_overrides", product_id, price_id

    def _check_event_ids(self) -> None:
        """Refuse one id with two contents; the same content again, whenever heard, is the same fact."""
        known: dict[str, dict[str, Any]] = {}
        for index, event in enumerate(self.events):
            event_id = event.event_id or default_event_id(index)
            content = event.model_dump(exclude={"heard", "event_id"}, exclude_unset=True)
            if known.setdefault(event_id, content) != content:
                raise ValueError(f"events[{index}]: event_id {event_id!r} was used with other content")

    def _check_steps(self) -> None:
        last: dict[str, str] = {}
        for index, step in enumerate(self.steps):
            for customer in self.customers:
                customer_id = customer.customer_id
                if step.customer_id in (None, customer_id):
                    if step.day < last.get(customer_id, ""):
                        raise ValueError(
                            f"steps[{index}]: {step.day} is before the step of {last[customer_id]} "
                            f"for customer {customer_id!r}; put the steps in order"
                        )
                    last[customer_id] = step.day


def default_event_id(index: int) -> str:
    """Return the id of the event at a place that names none."""
    return f"e{index + 1:04d}"


def _unique(what: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{what} {value!r} is there twice")
