"""All event types and versions, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator

from schemas import adjustments, catalog, own, parties, services


@dataclass(frozen=True, slots=True)
class EventSchema:
    """One version of one event type.

    `stream_kind` and `stream_key` (a member of data) say which stream a fact of this type belongs to.
    """

    type: str
    version: int
    adapter: TypeAdapter[dict[str, Any]] = field(repr=False)
    validator: SchemaValidator = field(repr=False)
    stream_kind: str
    stream_key: str | None
    heard: bool
    summary: str

    @property
    def name(self) -> str:
        """The name of its files: `service.activated.v1`."""
        return f"{self.type}.v{self.version}"

    @property
    def dataschema(self) -> str:
        """The URI that stands in the event."""
        return f"urn:billing-ledger:{self.type}:{self.version}"

    def stream(self, data: Mapping[str, Any]) -> str:
        """Return the stream of a fact with this data, such as `service/svc-1001`."""
        return self.stream_kind if self.stream_key is None else f"{self.stream_kind}/{data[self.stream_key]}"


def _schema(model: Any, kind: str, key: str | None, *, heard: bool = True) -> EventSchema:
    adapter = TypeAdapter[dict[str, Any]](model)
    members = adapter.json_schema()
    validator = adapter.validator
    assert isinstance(validator, SchemaValidator), validator
    return EventSchema(
        type=members["properties"]["type"]["const"],
        version=int(members["properties"]["dataschema"]["const"].rsplit(":", 1)[1]),
        adapter=adapter,
        validator=validator,
        stream_kind=kind,
        stream_key=key,
        heard=heard,
        summary=members["description"],
    )


ALL: Final[tuple[EventSchema, ...]] = (
    _schema(services.ServiceScheduled, "service", "service_id"),
    _schema(services.ServiceActivated, "service", "service_id"),
    _schema(services.ServiceChanged, "service", "service_id"),
    _schema(services.ServiceSuspended, "service", "service_id"),
    _schema(services.ServiceResumed, "service", "service_id"),
    _schema(services.ServiceDeactivated, "service", "service_id"),
    _schema(services.ServiceReturned, "service", "service_id"),
    _schema(services.ServiceVoided, "service", "service_id"),
    _schema(catalog.ProductPublished, "product", "product_id"),
    _schema(catalog.PricePublished, "product", "product_id"),
    _schema(parties.CustomerRegistered, "customer", "customer_id"),
    _schema(parties.CustomerChanged, "customer", "customer_id"),
    _schema(parties.TenantConfigured, "tenant", None),
    _schema(adjustments.AdjustmentEntered, "customer", "customer_id"),
    _schema(adjustments.AdjustmentVoided, "customer", "customer_id"),
    _schema(own.InvoiceIssued, "account", None, heard=False),
    _schema(own.InvoiceLines, "invoice", "number", heard=False),
    _schema(own.EventRejected, "rejected", None, heard=False),
    _schema(own.RunCompleted, "runs", None, heard=False),
)
"""Every version ever released; a new version is added below the old one."""

BY_NAME: Final[Mapping[str, EventSchema]] = {schema.name: schema for schema in ALL}

HEARD: Final[Mapping[str, Mapping[str | None, EventSchema]]] = {
    type_: {
        # No dataschema means version 1, for ever.
        **{schema.dataschema: schema for schema in ALL if schema.type == type_},
        None: BY_NAME[f"{type_}.v1"],
    }
    for type_ in dict.fromkeys(schema.type for schema in ALL if schema.heard)
}
"""What producers may send: by type, then by `dataschema`."""
