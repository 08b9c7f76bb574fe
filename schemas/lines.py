"""A line of an issued document as it travels in `invoice.lines`."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from schemas.fields import STRICT, Day, Identifier, Money, Quantity, Rounding, Text

Fraction = Annotated[str, Field(pattern=r"^-?[0-9]+/[0-9]+$", description="In lowest terms")]
Event = Annotated[list[str], Field(min_length=2, max_length=2, description="Source and id of an event")]


class LineRef(TypedDict):
    """A line of an issued document, counted from 1."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    document: Identifier
    line: Annotated[int, Field(ge=1)]


class Standing(TypedDict):
    """What stands of an adjusted line afterwards."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    period_start: Day
    period_end: Day
    amount: Money


class Entered(TypedDict):
    """What was said of a manual adjustment: its words on the invoice, why it was made, and by whom."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    text: Text
    reason: Text
    author: Text


class Explanation(TypedDict):
    """What produced the amount: the rounded fraction, less what was invoiced before."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    charged_from: NotRequired[
        Annotated[Day, Field(description="A backdated activation keeps earlier days from being charged")]
    ]
    entered: NotRequired[Entered]
    events: list[Event]
    price_source: Literal["catalog", "customer price", "own price", "adjustment", "invoiced"]
    price_version: Event | None
    rule: Literal["actual", "fixed_30", "thirty_360", "none", "one_time", "reversal"]
    served_days: Annotated[int, Field(ge=0)]
    full_days: Annotated[int, Field(ge=0)]
    share: Fraction
    exact_minor: Fraction
    rounding: Rounding
    invoiced: Money


class Line(TypedDict):
    """One charge, credit or correction; periods are half-open."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    service_id: Annotated[Identifier | None, Field(description="Null: an adjustment about no service")]
    product_id: Annotated[Identifier | None, Field(description="Null: an adjustment")]
    price_id: Annotated[Identifier, Field(description="Of an adjustment: its own id")]
    kind: Literal["recurring", "one_time", "adjustment"]
    quantity: Quantity
    unit_amount: Money
    period_start: Day
    period_end: Day
    full_start: Day | None
    full_end: Day | None
    amount: Money
    reverses: LineRef | None
    adjusts: LineRef | None
    result: Standing | None
    explanation: Explanation
