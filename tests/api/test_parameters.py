"""Query parameters: what an address does not declare is refused, so that nothing is asked in vain."""

from typing import Any

import pytest

from tests.api.conftest import Doors
from tests.api.operations import OPEN, operations
from tests.projections.world import event

pytestmark = pytest.mark.postgres


def test_no_address_takes_a_parameter_that_it_does_not_declare(doors: Doors) -> None:
    doors.world.project()
    asked = [one for one in operations(doors.app) if one.name not in OPEN]
    assert len(asked) > 30
    for one in asked:
        path = one.path_with("1")
        answer = doors.client.request(
            one.method, f"{path}{'&' if '?' in path else '?'}unheard=1", headers=doors.header()
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "parameter_unknown"), one
        said = answer.json()["detail"]
        assert said.startswith("query.unheard: "), one
        named = [found["name"] for found in one.described.get("parameters", ()) if found["in"] == "query"]
        assert said.endswith("there are: " + (", ".join(sorted(named)) or "none")), one


def test_a_misspelt_dry_run_books_nothing(doors: Doors) -> None:
    head = doors.world.head()
    sent: dict[str, Any] = event("customer.registered", {"customer_id": "c9", "name": "N"}, "h4")
    answer = doors.post("/v1/events?dryrun=true", "publisher", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "parameter_unknown")
    assert "there are: dry_run" in answer.json()["detail"]
    assert doors.world.head() == head


def test_a_stranger_does_not_learn_which_parameters_there_are(doors: Doors) -> None:
    assert doors.client.get("/v1/invoices?state=issued").status_code == 401
