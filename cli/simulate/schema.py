"""Writes the JSON Schema of scenario files from their model: `python -m cli.simulate.schema`."""

import json
from pathlib import Path
from typing import Final

from cli.simulate.scenario_file import Scenario

PATH: Final = Path(__file__).parents[2] / "schemas" / "scenario.schema.json"


def schema_text() -> str:
    """Return the schema as it is checked in."""
    model = Scenario.model_json_schema()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:billing-ledger:scenario:1",
        **model,
        "title": "Scenario, version 1",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(schema_text(), encoding="utf-8")
