"""Writes the JSON Schema files and the AsyncAPI document from the models: `python -m schemas.generate`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from schemas.reasons import DESCRIPTIONS
from schemas.registry import ALL, EventSchema

HERE: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
ASYNCAPI: Final = "asyncapi.yaml"


def files() -> Mapping[str, str]:
    """Return every generated file, by its path below `schemas/`."""
    generated = {f"json/{schema.name}.json": _text(json_schema(schema)) for schema in ALL}
    generated[ASYNCAPI] = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    return generated


def json_schema(schema: EventSchema) -> dict[str, Any]:
    """Return the JSON Schema of one version of one event: the whole structured CloudEvent."""
    model = schema.adapter.json_schema()
    return {
        "$schema": DIALECT,
        "$id": schema.dataschema,
        "title": f"{schema.type}, version {schema.version}",
        **{name: value for name, value in model.items() if name != "title"},
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: what we read, what we write, and how messages look."""
    heard = [schema for schema in ALL if schema.heard]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:billing-ledger:asyncapi",
        "info": {
            "title": "Billing ledger",
            "version": "1.0.0",
            "description": (
                "Lifecycle, catalog, customer and tenant events come in as CloudEvents 1.0 (JSON), in "
                "structured or binary mode. Sending an event again is harmless: source and id identify it. "
                "Arrival order never changes a result. What can't be read goes to the dead-letter topic."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "events": {
                "address": "billing.events",
                "description": "Keyed by `tenant:service` (or `tenant:customer`, `tenant:product`).",
                "messages": {_key(schema): _ref(f"messages/{_key(schema)}") for schema in heard},
                "bindings": {"kafka": {"topic": "billing.events", "bindingVersion": "0.5.0"}},
            },
            "deadLetters": {
                "address": "billing.events.dlt",
                "description": "Refused messages: original key, value and headers, and headers that say why.",
                "messages": {"deadLetter": _ref("messages/deadLetter")},
                "bindings": {"kafka": {"topic": "billing.events.dlt", "bindingVersion": "0.5.0"}},
            },
        },
        "operations": {
            "hear": {
                "action": "receive",
                "channel": {"$ref": "#/channels/events"},
                "summary": "Append each event once to its tenant's ledger.",
                "messages": [{"$ref": f"#/channels/events/messages/{_key(schema)}"} for schema in heard],
                "bindings": {"kafka": {"groupId": {"type": "string"}, "bindingVersion": "0.5.0"}},
            },
            "refuse": {
                "action": "send",
                "channel": {"$ref": "#/channels/deadLetters"},
                "summary": "Pass on what can't be read, with the reason.",
                "messages": [{"$ref": "#/channels/deadLetters/messages/deadLetter"}],
            },
        },
        "components": {
            "messages": {
                **{_key(schema): _message(schema) for schema in ALL},
                "deadLetter": _dead_letter(),
            }
        },
    }


def _message(schema: EventSchema) -> dict[str, Any]:
    example = json.loads((HERE / "examples" / f"{schema.name}.json").read_text())
    return {
        "name": schema.type,
        "title": f"{schema.type}, version {schema.version}",
        "summary": schema.summary,
        "contentType": "application/cloudevents+json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./json/{schema.name}.json"}},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
        "examples": [{"payload": example}],
    }


def _dead_letter() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "name": "dead letter",
        "title": "A refused message",
        "summary": "The original bytes, key and headers, with reason headers beside them.",
        "headers": {
            "type": "object",
            "properties": {
                "__connect.errors.topic": text,
                "__connect.errors.partition": text,
                "__connect.errors.offset": text,
                "__connect.errors.connector.name": text,
                "__connect.errors.stage": text,
                "__connect.errors.exception.message": {"type": "string", "maxLength": 1024},
                "dlt.reason": {
                    "type": "string",
                    "description": "; ".join(f"{code}: {says}" for code, says in DESCRIPTIONS.items()),
                    "enum": [str(code) for code in DESCRIPTIONS],
                },
                "dlt.tenant": text,
                "dlt.first-seen": {"type": "string", "format": "date-time"},
            },
            "required": ["__connect.errors.topic", "__connect.errors.offset", "dlt.reason"],
        },
        "payload": {"description": "Whatever was sent, byte for byte"},
    }


def _key(schema: EventSchema) -> str:
    """Name a message in the document, where a dot would be taken for a path by some tools."""
    head, tail = schema.type.split(".")
    return f"{head}{tail.capitalize()}V{schema.version}"


def _ref(path: str) -> dict[str, str]:
    return {"$ref": f"#/components/{path}"}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files, and remove those that no model stands behind any more."""
    wanted = files()
    for path in (HERE / "json").glob("*.json"):
        if f"json/{path.name}" not in wanted:
            path.unlink()
    for name, text in wanted.items():
        target = HERE / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(wanted)} files in {HERE.name}/\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
