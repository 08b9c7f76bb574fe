"""One tenant never sees another in the console: its ids are unknown there, and no page names it."""

import re
from collections.abc import Iterator

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers, browsers_of
from tests.api.console.routes import OPEN, Page, pages
from tests.api.test_isolation import KNOWN, NOBODYS, OTHER
from tests.api.test_isolation import doors as doors  # noqa: PLC0414 - the world of that test

pytestmark = pytest.mark.postgres
MORE = {"line": "1", "form": "csv", "path": "nowhere"}
"""Parameters that name nothing of a tenant's."""


@pytest.fixture
def browsers(doors: Doors) -> Iterator[Browsers]:
    yield from browsers_of(doors)


def without_token(page: str) -> str:
    """The page but for the token of its forms, which is another one on every page."""
    return re.sub(r'(name="form_token" value=")[0-9a-f]+', r"\1", page)


def by_id(doors: Doors) -> list[Page]:
    found = [one for one in pages(doors.app) if one.path not in OPEN and set(one.parameters) - set(MORE)]
    for one in found:
        assert set(one.parameters) <= set(KNOWN) | set(MORE), f"{one.path}: add what there is to KNOWN"
    return found


def test_what_there_is_can_be_seen_by_its_own_tenant(doors: Doors, browsers: Browsers) -> None:
    """Else the tests below could not fail."""
    for one in by_id(doors):
        if one.method == "GET":
            answer = browsers().get(one.path_with({**MORE, **KNOWN}))
            assert answer.status_code == 200, (one, answer.text)


def test_ids_of_another_tenant_are_answered_as_unknown_ones(doors: Doors, browsers: Browsers) -> None:
    other = browsers(tenant=OTHER)
    form = {"form_token": other.token()}
    for one in by_id(doors):
        foreign, nobody = (
            other.get(one.path_with({**MORE, **names}))
            if one.method == "GET"
            else other.post(one.path_with({**MORE, **names}), form)
            for names in (KNOWN, NOBODYS)
        )
        assert (foreign.status_code, nobody.status_code) == (404, 404), (one, foreign.text, nobody.text)
        expected = without_token(nobody.text)
        for name in one.parameters:
            if name in KNOWN:
                expected = expected.replace(NOBODYS[name], KNOWN[name])
        assert without_token(foreign.text) == expected, one


def test_no_page_of_the_other_tenant_names_anything_of_the_first(doors: Doors, browsers: Browsers) -> None:
    other = browsers(tenant=OTHER)
    seen = 0
    for one in pages(doors.app):
        if one.method == "GET" and one.path not in OPEN:
            answer = other.get(one.path_with({**MORE, **NOBODYS}))
            assert not re.search(r"acme|laptop|INV-0|goodwill|\bc1\b|\bs1\b", answer.text), (one, answer.text)
            seen += answer.status_code == 200
    assert seen >= 2
