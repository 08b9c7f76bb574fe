"""Bodies: each address with one reads it by its media type, and says in a sentence what can't be read."""

import pytest

from tests.api.conftest import Doors
from tests.api.operations import Operation, operations

pytestmark = pytest.mark.postgres


def with_body(doors: Doors) -> list[Operation]:
    found = [one for one in operations(doors.app) if "requestBody" in one.described]
    assert len(found) >= 6
    return found


def test_a_media_type_that_is_not_read_is_refused_everywhere(doors: Doors) -> None:
    doors.world.project()
    for one in with_body(doors):
        assert {"413", "415"} <= set(one.described["responses"]), one
        answer = doors.post(one.path_with("x"), content=b"{}", headers={"content-type": "text/plain"})
        assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported"), one
        taken = " or ".join(one.described["requestBody"]["content"])
        assert answer.json()["detail"] == f"content-type 'text/plain': send {taken}", one


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=utf-8", None])
def test_json_is_read_however_it_is_named(doors: Doors, media: str | None) -> None:
    doors.world.project()
    answer = doors.post(
        "/v1/bill-runs",
        content=b'{"issue_date": "2999-01-01"}',
        headers={} if media is None else {"content-type": media},
    )
    assert answer.json()["code"] == "issue_date_in_future"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b'{"a" 1}', "body: it is no JSON, by the character at 5: Expecting ':'", id="no JSON"),
        pytest.param(b"\xff", "body: it can't be read; send JSON in UTF-8", id="no UTF-8"),
        pytest.param(b"[" * 100_000, "body: it can't be read; send JSON in UTF-8", id="deep"),
        pytest.param(b"[]", "body: write a JSON object: {…}", id="a list"),
        pytest.param(b"7", "body: write a JSON object: {…}", id="a number"),
    ],
)
def test_what_is_no_object_is_told_so(doors: Doors, content: bytes, said: str) -> None:
    doors.world.project()
    answer = doors.post("/v1/bill-runs", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"].startswith(said), answer.text
