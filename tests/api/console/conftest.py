"""What tests of the console share: browsers without a screen, logged in or not."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ledger.keys import KeyRole
from tests.api.conftest import Doors


@dataclass
class Browser:
    """A client that keeps cookies, follows no redirect by itself, and sends the forms that a page has."""

    client: TestClient

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, follow_redirects=False, **more)

    def post(self, path: str, data: dict[str, str] | None = None, **more: Any) -> Any:
        return self.client.post(path, data=data or {}, follow_redirects=False, **more)

    def send(self, path: str, on: str, **data: str) -> Any:
        """Send a form of the page `on`, with the token that stands there."""
        return self.post(path, {**data, "form_token": self.token(on)})

    def token(self, on: str = "/console") -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.get(on).text)
        assert found, f"no form on {on}"
        return found[1]


@dataclass
class Browsers:
    """One for each tenant and role that is asked for."""

    doors: Doors
    standing: ExitStack
    known: dict[tuple[str, KeyRole | None], Browser] = field(default_factory=dict)

    def __call__(self, role: KeyRole | None = "admin", tenant: str | None = None) -> Browser:
        asked = (tenant or self.doors.world.tenant, role)
        if asked not in self.known:
            browser = Browser(TestClient(self.doors.app))
            self.standing.callback(browser.client.close)
            if role is not None:
                key = self.doors.header(role, tenant)["Authorization"].partition(" ")[2]
                assert browser.post("/console/login", {"key": key}).status_code == 303
            self.known[asked] = browser
        return self.known[asked]


def browsers_of(doors: Doors) -> Iterator[Browsers]:
    with ExitStack() as standing:
        yield Browsers(doors, standing)


@pytest.fixture
def browsers(doors: Doors) -> Iterator[Browsers]:
    yield from browsers_of(doors)
