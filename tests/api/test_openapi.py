"""The OpenAPI document is checked in, fresh, and reads well: every operation says what it is and answers."""

import re
from typing import Any

import pytest
import yaml

from api import openapi
from tests.contract.repository import ROOT

FILE = ROOT / "schemas" / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_fresh() -> None:
    """`make schemas` writes it."""
    assert FILE.read_text(encoding="utf-8") == openapi.text()


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 25
    for _, path, operation in operations(document):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"]), path
        assert operation["summary"], path
        assert len(operation["description"]) > 20, path
        (tag,) = operation["tags"]
        assert tag in {one["name"] for one in document["tags"]}, path


def test_every_answer_of_a_guarded_operation_is_described(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path.startswith("/v1"):
            answers = set(operation["responses"])
            assert {"401", "403", "503"} <= answers, path
            assert ("304" in answers) == (method == "get"), path
            assert ("404" in answers) >= ("{" in path), path


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = FILE.read_text(encoding="utf-8")
    references = set(re.findall(r"\$ref: '#/components/(\w+)/([^']+)'", text))
    assert len(references) > 40
    for kind, name in references:
        assert name in document["components"][kind], name
    for name in document["components"]["schemas"]:
        assert ("schemas", name) in references, f"{name} is not used"


def test_headers_are_declared(document: dict[str, Any]) -> None:
    shared = document["components"]["responses"]
    assert set(shared["NoKey"]["headers"]) == {"WWW-Authenticate"}
    assert set(shared["Away"]["headers"]) == {"Retry-After"}
    assert set(shared["NotModified"]["headers"]) == {"ETag"}
    assert set(document["paths"]["/v1/bill-runs"]["post"]["responses"]["202"]["headers"]) == {"Location"}
    for method, path, operation in operations(document):
        if method == "get" and path.startswith("/v1"):
            assert set(operation["responses"]["200"]["headers"]) == {"ETag"}, path


def test_a_problem_declares_what_refused_events_carry(document: dict[str, Any]) -> None:
    results = document["components"]["schemas"]["Problem"]["properties"]["results"]
    assert {"type": "array", "items": {"$ref": "#/components/schemas/EventResult"}} in results["anyOf"]


def test_the_reference_names_every_address(document: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    for method, path, operation in operations(document):
        row = re.search(rf"^\| `{method.upper()} {re.escape(path)}` \| ([^|]*) \|", page, re.MULTILINE)
        assert row, f"{method.upper()} {path}"
        wanted = operation.get("x-roles", ["without a key"])
        assert row[1].strip() == ", ".join(wanted), path
