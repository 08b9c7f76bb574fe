"""`billing serve` and `billing keys`, as an operator uses them: a process, a key, a request."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from cli.commands.serve import check_free
from cli.faults import WrongUseError
from tests.projections.world import World, opened

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
PATIENCE_SECONDS = 60


def billing(world: World, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, "DATABASE_URL": world.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(world: World, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "serve", "--port", str(port), *options],
        env={**os.environ, "DATABASE_URL": world.url},
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process)
        yield address, process
    finally:
        process.kill()
        process.communicate()


def _wait(address: str, process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        try:
            httpx2.get(f"{address}/health/live")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nobody listens")


def test_a_key_from_the_command_line_opens_the_doors(database: str) -> None:
    world = opened(World(database))
    world.project()
    made = json.loads(billing(world, "keys", "create", "--role", "finance", "--name", "a test", "--json"))
    header = {"Authorization": f"Bearer {made['key']}"}
    with serving(world) as (address, process):
        shown = httpx2.get(f"{address}/v1/customers", headers=header).json()
        assert [item["customer_id"] for item in shown["items"]] == ["c1", "c2"]
        (listed,) = json.loads(billing(world, "keys", "list", "--json"))
        assert (listed["id"], listed["state"]) == (made["id"], "valid")
        assert listed["last_used_at"]
        assert made["key"] not in json.dumps(listed)
        billing(world, "keys", "revoke", made["id"])
        assert httpx2.get(f"{address}/v1/customers", headers=header).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, log
        assert made["key"] not in log
        assert "/v1/customers" in log
    assert "revoked" in billing(world, "keys", "list")


def test_several_processes_answer(database: str) -> None:
    world = opened(World(database))
    with serving(world, "--workers", "2") as (address, process):
        assert httpx2.get(f"{address}/health/ready").status_code == 503
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_wrong_use(database: str, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "cli", "serve", "--port", str(port), "--workers", workers],
            env={**os.environ, "DATABASE_URL": database},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert done.returncode == 2
    logged, said = done.stderr.splitlines()
    assert (json.loads(logged)["event"], json.loads(logged)["code"]) == ("process.failed", "wrong_use")
    assert said.startswith(
        f"billing: --port: 127.0.0.1:{port}: address already in use; give one that is free"
    )


def test_an_address_of_another_machine_is_wrong_use() -> None:
    with pytest.raises(WrongUseError, match=r"--host: 192\.0\.2\.1:8000: cannot assign"):
        check_free("192.0.2.1", 8000)
