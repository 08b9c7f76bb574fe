"""The ledger's facts as they stand, for who trusts nobody: payloads, hashes, places."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from api.access import GuardedRoute, View, Viewing, door
from api.errors import FactUnknownError
from api.fields import QueryId, Seq
from api.lists import Asked, Fetched, Listed, Page, answer, list_door
from projections import pages
from projections.pages import Order, Wanted

router = APIRouter(route_class=GuardedRoute, tags=["ledger"])
LARGEST_SEQ: Final = 2**63 - 1

QuerySeq = Annotated[int | None, Query(ge=1, le=LARGEST_SEQ)]


class Fact(BaseModel):
    """One row of the tenant's ledger. Personal values stand in the payload as commitments."""

    seq: Seq
    recorded_at: datetime
    source: str = Field(examples=["/fulfilment/eu-1"])
    event_id: str = Field(examples=["01JZ8Q4T"])
    type: str = Field(examples=["service.activated"])
    schema_version: int
    stream: str = Field(examples=["service/svc-1001"])
    version: int = Field(description="Its place in the stream; of a heard fact the same as seq.")
    origin: str = Field(
        description="kafka:TOPIC/PARTITION/OFFSET, import:NAME/LINE, http:KEY; empty for the ledger's own.",
        examples=["kafka:billing.events/3/1042"],
    )
    leaf: str = Field(description="SHA-256 in hex: the leaf of the tenant's Merkle tree.")
    payload: dict[str, Any] = Field(description="The CloudEvent as it is hashed.")


def _fetch(view: View, wanted: Wanted) -> list[Fetched[Fact]]:
    found = pages.page(view.cursor, view.tenant_id, FACTS_LISTING, wanted)
    return [(_fact(one.row), one.key) for one in found]


FACTS_LISTING: Final = pages.Listing(
    "seq, recorded_at, source, event_id, type, schema_version, stream, version, origin, leaf, payload",
    "ledger.fact",
    {"seq": Order(("seq",), ("bigint",))},
    {
        "from_seq": "seq >= %(from_seq)s",
        "to_seq": "seq <= %(to_seq)s",
        "stream": "stream = %(stream)s",
        "customer_id": "customer_id = %(customer_id)s",
    },
)
FACTS: Final = Listed("facts", Fact, FACTS_LISTING.orders, _fetch)


@router.get(
    "/facts",
    operation_id="list_facts",
    summary="List facts",
    response_model=Page[Fact],
    **list_door("auditor", "admin", item=Fact),
)
def list_facts(
    asked: Asked,
    from_seq: QuerySeq = None,
    to_seq: QuerySeq = None,
    stream: Annotated[QueryId, Query(examples=["service/svc-1001"])] = None,
    customer_id: Annotated[QueryId, Query(description="Those that name the customer.")] = None,
    sort: Literal["seq", "-seq"] = "seq",
) -> Response:
    """List facts in the order in which the ledger holds them; `from_seq` and `to_seq` are both included."""
    filters = {"from_seq": from_seq, "to_seq": to_seq, "stream": stream, "customer_id": customer_id}
    return answer(FACTS, asked, sort, filters)


@router.get(
    "/facts/{seq}",
    operation_id="get_fact",
    summary="Show a fact",
    **door("auditor", "admin", errors=("fact_unknown",)),
)
def get_fact(view: Viewing, seq: Annotated[int, Path(ge=1, le=LARGEST_SEQ)]) -> Fact:
    """Show one fact as it is hashed."""
    wanted = Wanted("seq", 1, filters={"from_seq": seq, "to_seq": seq})
    for fact, _ in _fetch(view, wanted):
        return fact
    raise FactUnknownError(f"the ledger has no fact {seq}; see /v1/facts?sort=-seq&limit=1 for the last")


def _fact(row: tuple[Any, ...]) -> Fact:
    seq, recorded_at, source, event_id, kind, schema_version, stream, version, origin, leaf, payload = row
    return Fact(
        seq=seq,
        recorded_at=recorded_at,
        source=source,
        event_id=event_id,
        type=kind,
        schema_version=schema_version,
        stream=stream,
        version=version,
        origin=origin,
        leaf=leaf.hex(),
        payload=orjson.loads(payload),
    )
