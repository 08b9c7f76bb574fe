"""The demo's world that stays up: API, consumers and projector live, until somebody ends it."""

import shlex
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console

from cli.clock import clock_from
from cli.demo.acts import DAYS, Months, act
from cli.demo.conductor import live
from cli.demo.errors import TooLateError
from cli.demo.messages import SCHEMA
from cli.demo.processes import Child, running
from cli.demo.provider import FULFILMENT
from cli.demo.saentis import SAENTIS
from cli.demo.stage import Stage, stage
from cli.demo.times import LAST_DAY, billed_at
from cli.demo.world import PROVIDERS, build
from cli.embedded.broker import Preference
from cli.farewell import orderly_farewell
from ledger import keys
from ledger.keys import KEY_ROLES

LOOPBACK: Final = "127.0.0.1"
SETTINGS_FILE: Final = "settings.sh"
EVENT_FILE: Final = "event.jsonl"
ANSWER_TIMEOUT_SECONDS: Final = 60.0
TICK_SECONDS: Final = 1.0
PRIVATE: Final = 0o600
NEW_SERVICE: Final = "lap-9001"
PATH_TO_TRY: Final = f"/v1/services/{NEW_SERVICE}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands: where it answers, a key for each tenant and role, and how `billing` finds it."""

    address: str
    keys: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, str]
    folder: Path
    broker: str

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {
            "address": self.address,
            "keys": self.keys,
            "settings": self.settings,
            "event": str((self.folder / EVENT_FILE).absolute()),
            "broker": self.broker,
        }


@contextmanager
def stood_up(data: Path, out: Path, terminal: Console, *, prefer: Preference, port: int) -> Iterator["Stay"]:
    """Live through the half year on servers in the empty folder `data`; then let everything stay up.

    `out` gets the settings and an event to try. No process is left when the block ends.
    """
    with orderly_farewell(), stage(data, prefer=prefer) as parts:
        with act(terminal, "Half a year", total=DAYS) as living:
            lived = live(build(), parts, Months(terminal, living, lambda: None))
            living.outcome = f"{lived.sent:>4} messages  {lived.documents:>4} documents"
        address = f"http://{LOOPBACK}:{_free(port)}"
        words = ("serve", "--host", LOOPBACK, "--port", address.rpartition(":")[2])
        serving = running("billing serve", *words, environment=parts.environment, log=data / "serve.log")
        with serving as server:
            _wait_until_it_answers(address, server)
            made = _make_keys(parts)
            settings = {**parts.environment, "BILLING_API": address, "BILLING_KEY": made["saentis"]["admin"]}
            found = Standing(address, made, settings, out, parts.broker)
            _write(found)
            yield Stay(found, parts, server)


class Stay:
    """The world while it stays up; its clock goes on from the evening of the last day."""

    def __init__(self, found: Standing, parts: Stage, server: Child) -> None:
        self.standing = found
        self._parts = parts
        self._children = (*parts.children, server)

    def wait(self) -> None:
        """Let the clock go on until Ctrl-C. Raises ChildDiedError where a process ended by itself."""
        began = time.monotonic()
        while True:
            elapsed = timedelta(seconds=time.monotonic() - began)
            self._parts.at(billed_at(LAST_DAY) + elapsed)
            for child in self._children:
                child.check()
            time.sleep(TICK_SECONDS)


def _free(port: int) -> int:
    """Return `port`, or another one where somebody has it."""
    for wanted in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, wanted))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise AssertionError("port 0 is always free")


def _wait_until_it_answers(address: str, server: Child) -> None:
    deadline = time.monotonic() + ANSWER_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        server.check()
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise TooLateError(f"waited {ANSWER_TIMEOUT_SECONDS:.0f} s for {address} to answer\n{server.tail()}")


def _make_keys(parts: Stage) -> dict[str, dict[str, str]]:
    clock = clock_from(f"file:{parts.clock}")
    with parts.connect() as connection:
        return {
            provider.tenant_id: {
                role: keys.create(
                    connection, provider.tenant_id, name=f"demo, {role}", role=role, clock=clock
                )[1]
                for role in KEY_ROLES
            }
            for provider in PROVIDERS
        }


def _write(found: Standing) -> None:
    """Leave what the next terminal needs: settings to read in, and a service that goes live today."""
    found.folder.mkdir(parents=True, exist_ok=True)
    programs = Path(sys.executable).parent
    lines = [f"export PATH={shlex.quote(str(programs))}:$PATH"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in found.settings.items()]
    settings = found.folder / SETTINGS_FILE
    settings.touch(mode=PRIVATE)  # it holds a key
    settings.chmod(PRIVATE)
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (found.folder / EVENT_FILE).write_bytes(orjson.dumps(new_service()) + b"\n")


def new_service() -> dict[str, Any]:
    """Return an event that nobody has sent yet: a laptop that goes live on the demo's last day."""
    kind = "service.activated"
    return {
        "specversion": "1.0",
        "id": "orders-try-1",
        "source": FULFILMENT,
        "type": kind,
        "time": billed_at(LAST_DAY).isoformat(),
        "tenantid": SAENTIS.tenant_id,
        "subject": NEW_SERVICE,
        "dataschema": SCHEMA.format(kind),
        "data": {
            "service_id": NEW_SERVICE,
            "customer_id": SAENTIS.customers[0]["customer_id"],
            "product_id": "laptop-pro",
            "effective": LAST_DAY.isoformat(),
        },
    }
