"""From heard events and refusals to the facts that the ledger appends, personal data replaced."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from psycopg import Connection

from consumers.records import Heard, Refused
from ledger.canonical import canonical
from ledger.facts import SYSTEM_TENANT, Clock, Conflict, NewFact, Outcome, heard_fact
from ledger.personal import PersonalValue, Subject, conceal, marked_attributes, subject_keys, subject_of
from schemas.envelope import OWN_SOURCE
from schemas.reading import Event, Unreadable
from schemas.reasons import Reason
from schemas.registry import BY_NAME

REJECTED: Final = BY_NAME["event.rejected.v1"]
HASH_CHARACTERS: Final = 16


@dataclass(slots=True)
class Prepared:
    """The facts of a batch by tenant, and beside each the personal values to store once it is booked."""

    facts: defaultdict[str, list[NewFact]] = field(default_factory=lambda: defaultdict(list))
    values: dict[str, dict[int, tuple[PersonalValue, ...]]] = field(default_factory=dict)


def prepare(connection: Connection[Any], heard: Iterable[Heard], *, clock: Clock) -> Prepared:
    """Return the facts that heard events become, in their order. Makes keys for new subjects.

    In the append transaction, before the heads are locked.
    """
    events = list(heard)
    marked = _markings(connection, events)
    personal: dict[int, Subject] = {}
    for place, (_, event, _) in enumerate(events):
        if marked or event.schema.stream_kind == "customer":
            markings = marked.get(event.attributes["tenantid"])
            subject = subject_of(event.attributes, markings[place] if markings else ())
            if subject is not None:
                personal[place] = subject
    keys = subject_keys(connection, personal.values(), clock=clock)
    prepared = Prepared()
    for place, (origin, event, _) in enumerate(events):
        tenant_id = event.attributes["tenantid"]
        if place not in personal:
            prepared.facts[tenant_id].append(_fact(event, origin))
        else:
            subject = personal[place]
            markings = marked.get(tenant_id)
            concealed, values = conceal(
                event.attributes, subject, key=keys[subject], marked=markings[place] if markings else ()
            )
            prepared.values.setdefault(tenant_id, {})[len(prepared.facts[tenant_id])] = values
            prepared.facts[tenant_id].append(heard_fact(concealed, origin=origin))
    return prepared


def rejected_fact(
    refused: Refused, *, open_tenants: Collection[str], conflict: Conflict | None = None
) -> tuple[str, NewFact]:
    """Return the tenant whose ledger records the refusal, and the fact: hashes and places, never content."""
    unreadable, value = refused.unreadable, refused.record.value or b""
    tenant_id = unreadable.tenant_id if unreadable.tenant_id in open_tenants else None
    tenant_id = tenant_id or SYSTEM_TENANT
    digest = sha256(value).hexdigest()
    data: dict[str, Any] = {
        "reason": str(unreadable.reason),
        "origin": refused.origin,
        "sha256": digest,
        "size_bytes": len(value),
    }
    if unreadable.place is not None:
        data["place"] = unreadable.place
    if unreadable.envelope:
        data["event"] = dict(unreadable.envelope)
    if conflict is not None:
        data["conflict"] = {
            "seq": conflict.seq,
            "standing": conflict.theirs.hex(),
            "refused": conflict.ours.hex(),
        }
    event = {
        "specversion": "1.0",
        "id": f"{refused.origin.partition(':')[2]}/{digest[:HASH_CHARACTERS]}",
        "source": OWN_SOURCE,
        "type": REJECTED.type,
        "tenantid": tenant_id,
        "dataschema": REJECTED.dataschema,
        "data": data,
    }
    return tenant_id, heard_fact(event, origin=refused.origin)


def refusal(heard: Heard, outcome: Outcome, *, place: int | None = None) -> Unreadable:
    """Return why the ledger did not take an event that was well formed.

    `place`: where the same request holds the other content, if the ledger does not.
    """
    attributes = heard.event.attributes
    envelope = {name: attributes[name] for name in ("source", "id", "type")}
    tenant_id = attributes["tenantid"]
    if isinstance(outcome, Conflict):
        where = f"were heard with other content at seq {outcome.seq}"
        if place is not None:
            where = f"have other content at place {place} of the same request"
        return Unreadable(
            Reason.CONFLICT,
            f"source and id {where}: send a change under a new id",
            "id",
            tenant_id,
            envelope,
        )
    return Unreadable(
        Reason.TENANT_UNKNOWN,
        f'the ledger of tenant "{tenant_id}" is not open: send tenant.configured, then re-drive',
        "tenantid",
        tenant_id,
        envelope,
    )


def _fact(event: Event, origin: str) -> NewFact:
    """Make a fact as `heard_fact` does, faster: what the schema has checked is not looked at again."""
    schema, attributes, line, is_canonical, *_ = event
    data = attributes["data"]
    return NewFact(
        attributes["source"],
        attributes["id"],
        schema.stream(data),
        schema.type,
        schema.version,
        line if is_canonical else canonical(attributes),
        origin,
        None,
        data.get("customer_id"),
    )


def _markings(connection: Connection[Any], events: Sequence[Heard]) -> Mapping[str, Sequence[frozenset[str]]]:
    """Return, for each tenant that marks service attributes as personal, what is marked at each place.

    A marking counts for what is appended after it, in this batch as well.
    """
    tenants = {one.event.attributes["tenantid"] for one in events}
    stored = marked_attributes(connection, tenants) if tenants else {}
    configured = [
        (place, event.attributes)
        for place, (_, event, _) in enumerate(events)
        if event.schema.stream_kind == "tenant" and "personal_attributes" in event.attributes["data"]
    ]
    markings: dict[str, Sequence[frozenset[str]]] = {
        tenant_id: [names] * len(events) for tenant_id, names in stored.items() if names
    }
    for place, attributes in configured:
        names = frozenset(attributes["data"]["personal_attributes"])
        before = markings.get(attributes["tenantid"], [frozenset[str]()] * len(events))
        markings[attributes["tenantid"]] = [*before[:place], *[names] * (len(events) - place)]
    return markings
