"""Values as they stand in requests and answers, each described and bounded in one place."""

import re
from datetime import date
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, Field

from api.segments import as_sent

MOST_CHARACTERS: Final = 600
SPOKEN: Final = r"^[^\x00]+$"
"""PostgreSQL's text holds no NUL."""

AMOUNT: Final = r"^-?\d{1,15}(\.\d{1,4})?$"
"""What may be sent."""
ANY_AMOUNT: Final = r"^-?\d+(\.\d{1,4})?$"
"""What is answered: sums have more digits than what they are made of."""
MONTH: Final = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


def _month(text: str) -> str:
    if not re.fullmatch(MONTH, text) or text.startswith("0000"):
        raise ValueError(f"{text!r} is no month; write 2026-07")
    return text


PathId = Annotated[
    str, Path(min_length=1, max_length=MOST_CHARACTERS, pattern=SPOKEN), AfterValidator(as_sent)
]
QueryId = Annotated[str | None, Query(min_length=1, max_length=MOST_CHARACTERS, pattern=SPOKEN)]
QueryMonth = Annotated[str, Field(pattern=MONTH, examples=["2026-07"]), AfterValidator(_month)]
QueryAmount = Annotated[str, Field(pattern=AMOUNT, examples=["100.00"])]

Money = Annotated[
    str, Field(description="Exact, with the currency's decimals.", pattern=ANY_AMOUNT, examples=["136.00"])
]
Currency = Annotated[str, Field(description="ISO 4217.", pattern=r"^[A-Z]{3}$", examples=["EUR"])]
Seq = Annotated[int, Field(description="The fact's place in the tenant's ledger.", ge=1, examples=[42])]


class EventRef(BaseModel):
    """What names an event: its source, and its id there. `GET /v1/events` says what became of it."""

    source: str = Field(examples=["/fulfilment/eu-1"])
    id: str = Field(examples=["01JZ8Q4T"])


def event_ref(source: str, event_id: str) -> EventRef:
    """Return the name of an event."""
    return EventRef(source=source, id=event_id)


def first_of(month: str) -> date:
    """Return the first day of a month that is written 2026-07."""
    return date.fromisoformat(f"{month}-01")
