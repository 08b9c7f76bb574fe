"""A rehearsal of the compose file without an engine: its commands, variables, secrets and health checks.

Host names become addresses of servers that the test starts, and each process gets ports of its own; all else
is what the file says.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from psycopg import sql

from cli.embedded.postgres import postgres as run_postgres
from cli.embedded.postgres import program
from tests.broker_fixtures import create_topic
from tests.consumers.stream import activation, encoded, tenant
from tests.contract.repository import ROOT
from tests.operations.compose import is_long_running, ours, secrets_of, services
from tests.operations.ports import free_port
from tests.operations.test_logins import make_secrets

pytestmark = [pytest.mark.postgres, pytest.mark.broker, pytest.mark.slow]
PATIENCE_SECONDS = 60
PROGRAMS = os.pathsep.join(str(path) for path in (Path(sys.executable).parent, Path(program("psql")).parent))


class Stand:
    """Where the services of the file run."""

    def __init__(self, folder, server, bootstrap):
        self.folder = folder
        self.server = server
        self.bootstrap = bootstrap
        self.api_port = free_port()

    def environment(self, name):
        """Return a service's variables, with our addresses; its secrets are files where it looks for them."""
        service = services()[name]
        mounted = self.folder / "run" / name
        mounted.mkdir(parents=True, exist_ok=True)
        for target, source in secrets_of(service).items():
            (mounted / target).write_text((self.folder / "secrets" / source).read_text())
        replaced = {
            "@postgres/": f"@127.0.0.1:{self.server.port}/",
            "kafka:9092": self.bootstrap,
            "/run/secrets": str(mounted),
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - what is replaced
            "${BILLING_LOG_LEVEL:-INFO}": "INFO",
            "${BILLING_TENANT_SOURCES:-/admin}": "/admin",
        }
        given = service["environment"].items()
        found = {variable: self._said(str(value), replaced) for variable, value in given}
        if "BILLING_METRICS_PORT" in found:
            found["BILLING_METRICS_PORT"] = str(free_port())
        if name == "api":
            found["BILLING_API_PORT"] = str(self.api_port)
        return {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder), **found}

    def run(self, name, words, given=None, **more):
        command = [word.replace(":8000/", f":{self.api_port}/") for word in words]
        environment = given or self.environment(name)
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **more)

    @staticmethod
    def _said(text, replaced):
        for word, instead in replaced.items():
            text = text.replace(word, instead)
        return text


@pytest.fixture
def stand(tmp_path, broker):
    with run_postgres(tmp_path / "postgres", settings={"fsync": "off"}) as server:
        make_secrets(tmp_path / "secrets")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE billing")
            password = (tmp_path / "secrets" / "postgres").read_text()
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
        yield Stand(tmp_path, server, broker.bootstrap)


@contextmanager
def running(stand, name):
    """Run a service of the file, and wait until its health check says that it is well."""
    service = ours()[name]
    environment = stand.environment(name)
    log = stand.folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["billing", *service["command"]], env=environment, stdout=output, stderr=output, text=True
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        _, *words = service["healthcheck"]["test"]
        while (asked := stand.run(name, words, environment)).returncode != 0:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, asked.stdout + log.read_text()
            time.sleep(0.2)
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait()


def logins(stand):
    """Run the script of the service `logins`, where the paths in its container lead here."""
    (script,) = services()["logins"]["command"]
    secrets = str(stand.folder / "secrets")
    said = script.replace("$$", "$").replace("/run/secrets", secrets).replace("/deploy/", f"{ROOT}/deploy/")
    environment = stand.environment("logins") | {"PGHOST": "127.0.0.1", "PGPORT": str(stand.server.port)}
    return stand.run("logins", ["/bin/sh", "-c", said], environment)


def test_the_file_comes_up_and_an_event_reaches_the_api(stand, broker):
    for topic in ("billing.events", "billing.events.dlt"):
        create_topic(broker.bootstrap, topic, 2)
    migrated = stand.run("migrate", ["billing", *ours()["migrate"]["command"]])
    assert migrated.returncode == 0, migrated.stderr
    made = logins(stand)
    assert (made.returncode, made.stderr) == (0, "")
    with ExitStack() as up:
        for name in (name for name, service in ours().items() if is_long_running(service)):
            up.enter_context(running(stand, name))
        events = b"\n".join(encoded(event) for event in (tenant() | {"source": "/admin"}, activation(1)))
        sent = stand.run("operate", ["billing", "publish", "-"], input=events.decode())
        assert sent.returncode == 0, sent.stderr
        words = ["billing", "keys", "create", "--role", "auditor", "--name", "rehearsal", "--tenant", "acme"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (key := stand.run("operate", words)).returncode != 0:
            assert time.monotonic() < deadline, key.stderr
        header = {"Authorization": f"Bearer {key.stdout.splitlines()[0]}"}
        found = httpx2.get(f"http://127.0.0.1:{stand.api_port}/v1/customers", headers=header)
        assert found.status_code == 200, found.text
        with httpx2.Client(base_url=f"http://127.0.0.1:{stand.api_port}") as browser:
            entered = browser.post("/console/login", data={"key": header["Authorization"].split()[1]})
            assert entered.headers["location"] == "/console", entered.text
            assert browser.get("/console").status_code == 200
        for line in ("preview --tenant acme", "run --tenant acme --date 2026-07-02", "verify"):
            done = stand.run("operate", ["billing", *line.split()])
            assert done.returncode == 0, (line, done.stderr)
