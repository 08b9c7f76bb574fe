"""Every event version ever released has an example that stays readable and keeps its fingerprint."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

import schemas
from ledger.canonical import canonical
from schemas.generate import json_schema
from schemas.reading import Event, read_event
from schemas.registry import ALL

FOLDER = Path(schemas.__file__).parent
EXAMPLES = sorted((FOLDER / "examples").glob("*.json"))
FINGERPRINTS = json.loads((Path(__file__).parent / "fingerprints.json").read_text())


def test_each_version_has_an_example():
    assert {path.stem for path in EXAMPLES} == {schema.name for schema in ALL}


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_model_accepts_its_example(schema):
    example = json.loads((FOLDER / "examples" / f"{schema.name}.json").read_text())
    assert schema.adapter.validate_python(example) == example


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_published_json_schema_accepts_the_example(schema):
    published = json.loads((FOLDER / "json" / f"{schema.name}.json").read_text())
    Draft202012Validator.check_schema(published)
    example = json.loads((FOLDER / "examples" / f"{schema.name}.json").read_text())
    errors = list(Draft202012Validator(published, format_checker=FormatChecker()).iter_errors(example))
    assert errors == []


@pytest.mark.parametrize("schema", [schema for schema in ALL if schema.heard], ids=lambda schema: schema.name)
def test_example_is_read_and_keeps_its_fingerprint(schema):
    """A producer may send an old event again after an upgrade of ours: it must still count as the same."""
    read = read_event((FOLDER / "examples" / f"{schema.name}.json").read_bytes())
    assert isinstance(read, Event), read
    assert read.schema is schema
    assert sha256(canonical(read.attributes)).hexdigest() == FINGERPRINTS[schema.name]


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: schema.name)
def test_schema_and_model_agree_on_unknown_and_missing_members(schema):
    example = json.loads((FOLDER / "examples" / f"{schema.name}.json").read_text())
    validator = Draft202012Validator(json_schema(schema))
    for place in (example, example["data"]):
        place["surprise"] = 1
        assert not schema.validator.isinstance_python(example)
        assert not validator.is_valid(example)
        del place["surprise"]
    for name in ("id", "source", "tenantid", "data", "specversion", "type"):
        without = {member: value for member, value in example.items() if member != name}
        assert not schema.validator.isinstance_python(without), name
        assert not validator.is_valid(without), name
