"""A browser on the console of the demo's world; each module of tests has a world of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from cli.clock import move
from ledger import keys
from ledger.keys import KeyRole
from tests.browser.parts import chromium
from tests.browser.world import play
from tests.projections.world import Clock

PATIENCE_SECONDS = 60
REFUSED = (
    "Failed to load resource: the server responded with a status of 4",
    "Response Status Error Code 4",
)
"""Said of pages that tests ask for in the wrong way; what a page loads is named by a mark of its content."""


@dataclass
class Console:
    """A running console, and keys for it."""

    address: str
    url: str
    clock: Clock
    tokens: dict[tuple[str, KeyRole], str] = field(default_factory=dict)

    def token(self, role: KeyRole, tenant: str = "saentis") -> str:
        if (tenant, role) not in self.tokens:
            with psycopg.connect(self.url, autocommit=True) as connection:
                _, text = keys.create(connection, tenant, name="a test", role=role, clock=self.clock)
            self.tokens[tenant, role] = text
        return self.tokens[tenant, role]


@pytest.fixture(scope="module")
def console(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    chromium()  # without it nothing is set up
    with standing(module_database, tmp_path_factory.mktemp("console")) as found:
        yield found


@contextmanager
def standing(url: str, folder: Path) -> Iterator[Console]:
    """Play the demo's world into a database and serve its console until the block ends."""
    clock = play(url)
    move(folder / "clock", clock.now)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--port", str(port)],
        env={**os.environ, "DATABASE_URL": url, "BILLING_CLOCK": f"file:{folder / 'clock'}"},
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield Console(address, url, clock)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "it ended by itself"
        try:
            httpx2.get(f"{address}/health/live")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nobody listens")


@contextmanager
def started() -> Iterator[Browser]:
    """Start Debian's chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


Opening = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, console: Console) -> Iterator[Opening]:
    """Open the console in a window of its own, logged in; any error in the browser's log fails the test."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_(role: KeyRole | None = "admin", tenant: str = "saentis", **settings: Any) -> Page:
        context = browser.new_context(base_url=console.address, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", partial(_note, wrong))
        if role is not None:
            log_in(page, console.token(role, tenant))
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


def log_in(page: Page, token: str) -> None:
    page.goto("/console/login")
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/console")


def _note(wrong: list[str], message: Any) -> None:
    if message.type == "error" and not message.text.startswith(REFUSED):
        wrong.append(message.text)
