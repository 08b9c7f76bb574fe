"""The files made from the models are those that are checked in, and they hang together."""

from pathlib import Path

import pytest
import yaml

import schemas
from schemas.generate import files
from schemas.reasons import DESCRIPTIONS, Reason
from schemas.registry import ALL

FOLDER = Path(schemas.__file__).parent
DOCUMENT = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())


def test_checked_in_files_are_fresh():
    """If this fails: run `make schemas` and review the difference."""
    stale = [name for name, text in files().items() if (FOLDER / name).read_text() != text]
    assert stale == []


def test_no_file_is_left_from_a_model_that_is_gone():
    assert {f"json/{path.name}" for path in (FOLDER / "json").iterdir()} == files().keys() - {"asyncapi.yaml"}


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_reference_leads_somewhere(reference):
    if reference.startswith("./"):
        assert (FOLDER / reference).is_file()
        return
    node = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    assert node


def test_document_has_the_shape_of_asyncapi_3():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT.keys() <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components",
    }  # fmt: skip
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for channel in DOCUMENT["channels"].values():
        assert channel.keys() <= {"address", "title", "summary", "description", "messages", "bindings"}
        assert isinstance(channel["address"], str)
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        # The specification: an operation's messages must be those of its channel, by reference.
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])
    for message in DOCUMENT["components"]["messages"].values():
        assert message.keys() <= {
            "name", "title", "summary", "contentType", "headers", "payload", "bindings", "examples",
        }  # fmt: skip


def test_every_event_type_is_a_message_and_what_is_heard_is_on_the_channel():
    names = {message["name"] for message in DOCUMENT["components"]["messages"].values()}
    assert {schema.type for schema in ALL} == names - {"dead letter"}
    assert len(DOCUMENT["channels"]["events"]["messages"]) == sum(schema.heard for schema in ALL)


def test_every_reason_is_described():
    assert set(DESCRIPTIONS) == set(Reason)
