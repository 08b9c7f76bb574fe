"""One tenant never sees another: its ids are unknown, its lists are empty, in every operation there is."""

import re
from collections.abc import Iterator

import pytest

from tests.api.conftest import Doors, opened_doors
from tests.api.operations import OPEN, Operation, operations
from tests.projections.world import World

pytestmark = pytest.mark.postgres

OTHER = "bolt"
KNOWN = {
    "customer_id": "c1",
    "number": "INV-000001",
}
"""For each parameter of an address: what there is of it in the first tenant, and not in the other."""


@pytest.fixture(scope="module")
def doors(module_database: str) -> Iterator[Doors]:
    """A tenant with all there can be, and another with nothing but its opening."""
    for found in opened_doors(World(module_database)):
        world = found.world
        world.activate("s1", "c1", "laptop", "2026-06-24")
        world.run("2026-07-02")
        other = World(module_database, world.clock, OTHER)
        other.open(name="Bolt GmbH")
        world.project()
        yield found


def by_id(doors: Doors) -> list[Operation]:
    return [one for one in operations(doors.app) if one.parameters]


def lists(doors: Doors) -> list[Operation]:
    found = []
    for one in operations(doors.app):
        answer = one.described["responses"].get("200", {}).get("content", {}).get("application/json", {})
        if re.search(r"Page_", str(answer.get("schema"))):
            found.append(one)
    return found


def test_what_there_is_can_be_seen_by_its_own_tenant(doors: Doors) -> None:
    """Else the tests below could not fail."""
    for one in by_id(doors):
        assert set(one.parameters) <= set(KNOWN), f"{one.path}: add what there is of it to KNOWN"
        if one.method == "GET":
            answer = doors.get(one.path_with(KNOWN.__getitem__))
            assert answer.status_code == 200, (one, answer.text)
    for one in lists(doors):
        assert doors.get(one.path).json()["items"], one


def test_ids_of_another_tenant_are_answered_as_unknown_ones(doors: Doors) -> None:
    for one in by_id(doors):
        foreign = doors.client.request(
            one.method, one.path_with(KNOWN.__getitem__), headers=doors.header("admin", OTHER)
        )
        unknown = {name: "z" * len(value) for name, value in KNOWN.items()}
        nobody = doors.client.request(
            one.method, one.path_with(unknown.__getitem__), headers=doors.header("admin", OTHER)
        )
        assert (foreign.status_code, nobody.status_code) == (404, 404), (one, foreign.text, nobody.text)
        expected = nobody.text
        for name in one.parameters:
            expected = expected.replace(unknown[name], KNOWN[name])
        assert foreign.text == expected, one
        assert foreign.headers == nobody.headers, one


def test_lists_of_another_tenant_are_empty(doors: Doors) -> None:
    found = lists(doors)
    assert len(found) >= 2
    for one in found:
        answer = doors.get(one.path, tenant=OTHER)
        assert answer.json() == {"items": [], "next": None}, one
        for form, first in (("text/csv", 1), ("application/jsonl", 0)):
            streamed = doors.get(one.path, tenant=OTHER, headers={"accept": form})
            assert len(streamed.text.splitlines()) == first, (one, form, streamed.text)


def test_nothing_of_the_first_tenant_is_in_any_answer_to_the_other(doors: Doors) -> None:
    for one in operations(doors.app):
        if one.name in OPEN or one.name == "get_openapi" or one.method != "GET":
            continue
        answer = doors.get(one.path_with("nothing"), tenant=OTHER)
        assert not re.search(r"acme|laptop|INV-0|\bc1\b|\bs1\b", answer.text), (one, answer.text)
