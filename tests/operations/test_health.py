"""`billing health`: what a container's health check calls."""

import json
import socket
import time

import pytest
from prometheus_client import CollectorRegistry

from cli.main import main
from cli.monitoring.server import LATE_SECONDS, watched
from cli.settings import Settings
from tests.operations.ports import free_port


@pytest.fixture
def port(monkeypatch):
    port = free_port()
    monkeypatch.setenv("BILLING_METRICS_PORT", str(port))
    return port


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - a test's own
def test_a_process_that_is_well(port, monkeypatch, capsys, address):
    monkeypatch.setenv("BILLING_METRICS_ADDRESS", address)
    with watched(Settings(), CollectorRegistry(), lambda: 0.0):
        assert main(["health"]) == 0
    assert capsys.readouterr().out == f"well: http://127.0.0.1:{port}/health: ok\n"


def test_a_process_that_is_stuck(port, capsys):
    with watched(Settings(), CollectorRegistry(), lambda: LATE_SECONDS):
        assert main(["health", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["said"] == "503: stuck"


def test_a_client_that_dawdles_keeps_nobody_waiting(port):
    """It sends one line of its header and no more: neither health nor the end of the process waits for it."""
    with socket.socket() as client:
        with watched(Settings(), CollectorRegistry(), lambda: 0.0):
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
            assert main(["health"]) == 0
            began = time.monotonic()
        assert time.monotonic() - began < 2


def test_a_client_that_falls_silent_is_hung_up_on(port, monkeypatch, capsys):
    monkeypatch.setattr("cli.monitoring.server._Silent.timeout", 0.1)
    with watched(Settings(), CollectorRegistry(), lambda: 0.0), socket.socket() as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert client.recv(1) == b""
    assert capsys.readouterr().err == ""


def test_a_process_that_is_gone(port, capsys):
    assert main(["health"]) == 1
    assert "Connection refused" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "BILLING_METRICS_PORT is not set", id="nothing to ask"),
        pytest.param(["--url", "file:///etc/passwd"], "is no http address", id="no http"),
    ],
)
def test_wrong_use(monkeypatch, capsys, arguments, says):
    monkeypatch.delenv("BILLING_METRICS_PORT", raising=False)
    assert main(["health", *arguments]) == 2
    assert says in capsys.readouterr().err
