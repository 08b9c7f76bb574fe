"""Whole examples of bodies and answers: what the API itself answered of one small world."""

import json
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "examples.json"
"""By operation: `body`, and the status of each answer. `tests/api/test_examples.py` records it."""
JSON: Final = "application/json"


def illustrate(document: dict[str, Any]) -> None:
    """Give every body and answer of a document its example, where one was recorded and it has none."""
    recorded: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    for methods in document["paths"].values():
        for operation in methods.values():
            for place, example in recorded.get(operation["operationId"], {}).items():
                shown = operation["requestBody"] if place == "body" else operation["responses"][place]
                shown["content"][JSON].setdefault("example", example)
