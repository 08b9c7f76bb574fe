"""Makes the OpenAPI document plain to read: what holds everywhere once, what says nothing not at all."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

SHARED: Final = {"401": "NoKey", "403": "WrongRole", "503": "Away"}
ETAG: Final = {
    "description": "Names the answer by its content, to be sent back as If-None-Match. A stream has none.",
    "schema": {"type": "string"},
    "example": 'W/"0cc175b9c0f1b6a831c399e269772661"',
}
TAGGED: Final = {"ETag": {"$ref": "#/components/headers/ETag"}}
NOT_MODIFIED: Final = {
    "description": "You have it already: the ETag is the one in If-None-Match.",
    "headers": TAGGED,
}
ONE_LINE_BREAK: Final = re.compile(r"(?<!\n)\n(?!\n|- |\* )")
DEFAULT: Final = "Successful Response"

Operation = dict[str, Any]


def plain(document: dict[str, Any]) -> None:
    """Change a document that FastAPI made."""
    document["info"]["description"] = ONE_LINE_BREAK.sub(" ", document["info"]["description"])
    components = document["components"]
    responses = components.setdefault("responses", {})
    responses["NotModified"] = NOT_MODIFIED
    components["headers"] = {"ETag": ETAG}
    for method, operation in operations(document):
        operation["description"] = _description(operation)
        _share(operation, responses)
        if method == "get" and "security" in operation:
            operation["responses"]["200"]["headers"] = TAGGED
            operation["responses"]["304"] = {"$ref": "#/components/responses/NotModified"}
        for parameter in operation.get("parameters", ()):
            _parameter(parameter)
        for answer in operation["responses"].values():
            if answer.get("description") == DEFAULT:
                answer["description"] = _said_of(answer, components["schemas"])
        operation["responses"] = dict(sorted(operation["responses"].items()))
    for schema in components["schemas"].values():
        _schema(schema)


def renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with pages named by what they hold: `InvoiceSummaryPage`."""
    text = json.dumps(document)
    found: dict[str, Any] = json.loads(re.sub(r"Page_(\w+?)_(?=\"|')", r"\1Page", text))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Yield every operation with its method."""
    for methods in document["paths"].values():
        yield from methods.items()


def _description(operation: Operation) -> str:
    text = ONE_LINE_BREAK.sub(" ", operation.get("description", ""))
    roles = operation.get("x-roles")
    return text if roles is None else f"{text}\n\nRoles: {', '.join(roles)}."


def _share(operation: Operation, responses: dict[str, Any]) -> None:
    """Let answers that are the same everywhere stand among the components."""
    for status, name in SHARED.items():
        answer = operation["responses"].get(status)
        if answer is not None and "application/problem+json" in answer.get("content", {}):
            known = responses.setdefault(name, answer)
            assert known == answer, (operation["operationId"], status)
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _parameter(parameter: dict[str, Any]) -> None:
    """Make a parameter optional and not null, and say what it is once."""
    schema = parameter["schema"]
    options = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    if len(options) == 1:
        schema.update({name: value for name, value in options[0].items() if name not in schema})
    elif options:
        schema["anyOf"] = options
    for name in ("title", "description"):
        schema.pop(name, None)
    if "examples" in schema and "example" not in parameter:
        parameter["example"] = schema.pop("examples")[0]


def _said_of(answer: dict[str, Any], schemas: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in schemas:
            return str(schemas[name].get("description", name)).partition("\n")[0]
    return "Done."


def _schema(schema: dict[str, Any]) -> None:
    for name, member in schema.get("properties", {}).items():
        if member.get("title", "").lower().replace(" ", "_") == name:
            del member["title"]
    if "description" in schema:
        schema["description"] = ONE_LINE_BREAK.sub(" ", schema["description"])
