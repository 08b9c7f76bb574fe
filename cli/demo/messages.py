"""What a provider's systems send: CloudEvents as Kafka records, in the order in which they are sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal
from zoneinfo import ZoneInfo

import orjson

from cli.demo.times import morning

Binding = Literal["structured", "binary"]
Fate = Literal["booked", "duplicate", "rejected"]
Data = Mapping[str, object]

STRUCTURED: Final = b"application/cloudevents+json; charset=UTF-8"
SCHEMA: Final = "urn:billing-ledger:{}:1"


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudEvent as its producer wrote it."""

    tenant_id: str
    source: str
    id: str
    type: str
    time: str
    subject: str
    data: Data

    def envelope(self) -> dict[str, object]:
        """Return the structured form of the event."""
        return {**self.attributes(), "data": self.data}

    def attributes(self) -> dict[str, str]:
        """Return the context attributes of the event: everything but its data."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time,
            "tenantid": self.tenant_id,
            "subject": self.subject,
            "dataschema": SCHEMA.format(self.type),
            "datacontenttype": "application/json",
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record, the day on which it is sent, and what must become of it."""

    sent_on: date
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    fate: Fate
    event: Event | None
    """What the message says; none where nobody can read it."""
    late: bool = False
    """Heard only after an invoice that should have held it was issued."""


def encode(event: Event, binding: Binding) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """Return value and headers of `event` under the CloudEvents Kafka binding."""
    if binding == "structured":
        return orjson.dumps(event.envelope()), (("content-type", STRUCTURED),)
    attributes = event.attributes()
    content_type = attributes.pop("datacontenttype")
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes.items())
    return orjson.dumps(event.data), (("content-type", content_type.encode()), *headers)


@dataclass(slots=True)
class Narrator:
    """Collects what the systems of one provider send.

    Ids count up per source, so that the same story is told with the same ids every time.
    """

    tenant_id: str
    zone: ZoneInfo
    messages: list[Message] = field(default_factory=list)
    _counted: dict[str, int] = field(default_factory=dict)

    def tell(
        self,
        type_: str,
        data: Data,
        *,
        heard: date,
        source: str,
        subject: str,
        binding: Binding = "structured",
        occurred: date | None = None,
        late: bool = False,
    ) -> Event:
        """Send one event on the day `heard` and return it; it occurred that morning, or on `occurred`."""
        number = self._counted[source] = self._counted.get(source, 0) + 1
        event = Event(
            tenant_id=self.tenant_id,
            source=source,
            id=f"{source.rsplit('/', 1)[-1]}-{number:05d}",
            type=type_,
            time=morning(occurred or heard, number, self.zone),
            subject=subject,
            data=data,
        )
        self._send(event, heard, binding=binding, fate="booked", late=late)
        return event

    def again(self, event: Event, *, heard: date, binding: Binding = "structured") -> None:
        """Send `event` once more, word for word: a duplicate."""
        self._send(event, heard, binding=binding, fate="duplicate")

    def contradict(self, event: Event, data: Data, *, heard: date) -> None:
        """Send other content under the id of `event`: a conflict, which the ledger refuses."""
        self._send(_with(event, data), heard, binding="structured", fate="rejected")

    def replay(self, source: str, *, sent_on: date, heard: date) -> None:
        """Send again what `source` sent on a day: restarted, it did not know how far it had got."""
        for message in tuple(self.messages):
            if message.event and message.event.source == source and message.sent_on == sent_on:
                self.again(message.event, heard=heard)

    def garble(
        self,
        value: bytes,
        *,
        heard: date,
        key: str,
        headers: tuple[tuple[str, bytes], ...] = (("content-type", STRUCTURED),),
    ) -> None:
        """Send bytes that nobody can read as one of our events."""
        self.messages.append(Message(heard, key.encode(), value, headers, "rejected", None))

    def _send(self, event: Event, heard: date, *, binding: Binding, fate: Fate, late: bool = False) -> None:
        value, headers = encode(event, binding)
        key = f"{event.tenant_id}:{event.subject}".encode()
        self.messages.append(Message(heard, key, value, headers, fate, event, late))


def _with(event: Event, data: Data) -> Event:
    return Event(
        event.tenant_id, event.source, event.id, event.type, event.time, event.subject, {**event.data, **data}
    )
