"""The CloudEvents 1.0 attributes that every event has."""

from typing import Annotated, Final, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from schemas.fields import STRICT, Identifier, Instant, Remedy, Source, TenantId

OWN_SOURCE: Final = "urn:billing-ledger"
"""The source of the facts that the ledger itself writes; no producer may use it."""

DROPPED_ATTRIBUTES: Final = ("datacontenttype", "traceparent", "tracestate", "partitionkey")
"""Attributes of the transport: accepted, and no part of the fact. Data is always application/json."""


class Supersedes(TypedDict, total=False):
    """Names an earlier event that no longer counts (BILLING.md §2)."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    source: Annotated[Source, Field(description="Default: the source of the event that says so")]
    id: Required[Identifier]


class Envelope(TypedDict, total=False):
    """What is said about an event; `type`, `dataschema` and `data` are added by each event."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # pydantic reads it from the class

    specversion: Required[Annotated[Literal["1.0"], Remedy('write "1.0": this is CloudEvents 1.0')]]
    id: Required[Annotated[Identifier, Field(description="Unique per source; makes resending harmless")]]
    source: Required[Source]
    time: Annotated[Instant, Field(description="When it happened (occurred_at)")]
    tenantid: Required[Annotated[TenantId, Field(description="Whose ledger the event belongs to")]]
    subject: Identifier
    datacontenttype: Annotated[
        Literal["application/json"], Remedy('leave it out, or write "application/json"')
    ]
    traceparent: Annotated[str, Field(max_length=100)]
    tracestate: Annotated[str, Field(max_length=1000)]
    partitionkey: Annotated[str, Field(max_length=500)]
