"""Dead letters in the console: listed, shown as they were sent, driven again."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from api.console.json_text import PART, indented
from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers
from tests.api.console.test_catalog import text
from tests.api.test_dead_letters import refused as refused  # noqa: PLC0414 - the world of that test
from tests.projections.world import event

LETTERS = "/console/dead-letters"
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(VALUES, some.booleans())
def test_layout_changes_nothing_of_what_was_sent(value: object, ascii_alone: bool) -> None:
    sent = json.dumps(value, ensure_ascii=ascii_alone)
    shown = indented(sent)
    assert shown is not None
    assert json.loads(shown) == value
    assert PART.findall(shown) == PART.findall(sent)


def test_what_a_parser_would_drop_stays() -> None:
    assert indented('{"a":1,"a":1.50,"b":[],"c":[1,{}]}') == (
        '{\n  "a": 1,\n  "a": 1.50,\n  "b": [],\n  "c": [\n    1,\n    {}\n  ]\n}'
    )
    assert indented("{") is None
    assert indented("[NaN]") is None


def mend(doors: Doors) -> None:
    right = event("service.activated", {"service_id": "s9", "effective": "2026-06-24"}, "w1")
    with doors.world.connect() as connection:
        connection.execute(
            "UPDATE ledger.quarantine SET value = %s WHERE id = 1", (json.dumps(right).encode(),)
        )


@pytest.mark.postgres
def test_open_ones_are_listed_and_can_be_narrowed(refused: Doors, browsers: Browsers) -> None:
    admin = browsers("admin")
    page = admin.get(LETTERS).text
    assert "Schema invalid" in text(page)
    assert "kafka:events/0/0" in page
    assert f'href="{LETTERS}/1"' in page
    for query in ("state=waiting", "state=all", "reason=schema_invalid&state="):
        assert f'href="{LETTERS}/1"' in admin.get(f"{LETTERS}?{query}").text, query
    for query in ("state=published", "state=redriven", "reason=invalid_json"):
        assert "No message matches" in admin.get(f"{LETTERS}?{query}").text, query
    assert admin.get(f"{LETTERS}?reason=nonsense").status_code == 422


@pytest.mark.postgres
def test_an_admin_sees_it_as_it_was_sent_and_what_helps(refused: Doors, browsers: Browsers) -> None:
    page = browsers("admin").get(f"{LETTERS}/1").text
    shown = text(page)
    assert "&#34;effective&#34;: &#34;yesterday&#34;" in page
    assert "x-raw \\xff" in shown
    assert "under the same id" in shown
    assert re.search(r"Where data\.effective|Where data", shown)
    assert "/console/events?source=%2Ffulfilment&amp;id=w1" in page
    assert "Drive again" in shown


@pytest.mark.postgres
def test_what_is_refused_again_is_said_so(refused: Doors, browsers: Browsers) -> None:
    answer = browsers("admin").send(f"{LETTERS}/1/redrive", f"{LETTERS}/1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LETTERS}/1?again=refused")
    assert "refused again" in browsers("admin").get(f"{LETTERS}/1?again=refused").text


@pytest.mark.postgres
def test_what_is_mended_is_booked_and_settled(refused: Doors, browsers: Browsers) -> None:
    mend(refused)
    admin = browsers("admin")
    answer = admin.send(f"{LETTERS}/1/redrive", f"{LETTERS}/1")
    assert answer.headers["location"] == f"{LETTERS}/1?again=booked"
    page = admin.get(answer.headers["location"]).text
    assert f"the ledger has it as fact {refused.world.head()}" in text(page)
    assert "Drive again" not in page
    again = admin.send(f"{LETTERS}/1/redrive", "/console")
    assert (again.status_code, "dead_letter_settled" in again.text) == (409, True)
    assert "Nothing waits" in admin.get(LETTERS).text
    assert f'href="{LETTERS}/1"' in admin.get(f"{LETTERS}?state=redriven").text


@pytest.mark.postgres
def test_what_a_message_says_is_for_admins_alone(refused: Doors, browsers: Browsers) -> None:
    for role in ("finance", "auditor"):
        browser = browsers(role)
        listed = browser.get(LETTERS)
        assert (listed.status_code, f'href="{LETTERS}/1"' in listed.text) == (200, False)
        assert browser.get(f"{LETTERS}/1").status_code == 403
        assert browser.send(f"{LETTERS}/1/redrive", LETTERS).status_code == 403


@pytest.mark.postgres
def test_a_message_without_value_has_a_page(refused: Doors, browsers: Browsers) -> None:
    with refused.world.connect() as connection:
        connection.execute("UPDATE ledger.quarantine SET value = NULL, headers = '[]' WHERE id = 1")
    assert "It has no value" in browsers("admin").get(f"{LETTERS}/1").text


@pytest.mark.postgres
def test_of_a_long_message_the_beginning_is_shown(refused: Doors, browsers: Browsers) -> None:
    with refused.world.connect() as connection:
        connection.execute("UPDATE ledger.quarantine SET value = %s WHERE id = 1", (b"[" + b"1," * 50_000,))
    page = browsers("admin").get(f"{LETTERS}/1").text
    assert "This is its beginning" in page
    assert len(page) < 80_000
