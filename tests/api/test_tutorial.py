"""The tutorial works as it stands: its commands are run, one after the other, by a shell."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from cli.embedded.postgres import Postgres
from tests.contract.repository import FENCE, ROOT

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
PAGE = ROOT / "docs" / "tutorial" / "first-invoice-with-curl.md"
PATIENCE_SECONDS = 200


def script() -> str:
    """Every command of the page but those that set up and name a database: both are there already."""
    blocks = [found["text"] for found in FENCE.finditer(PAGE.read_text(encoding="utf-8"))]
    set_up, database, *others = blocks
    assert set_up == 'make setup\nexport PATH="$PWD/.venv/bin:$PATH"\n'
    assert database.startswith("export DATABASE_URL=")
    assert len(others) > 8
    return "set -o errexit\n" + "\n".join(others)


def test_the_commands_of_the_tutorial_lead_to_the_invoice(postgres: Postgres, tmp_path: Path) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE tutorial")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": postgres.url("tutorial"),
        "BILLING_API_PORT": str(port),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    shell = subprocess.Popen(
        ["bash", "-c", script()],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, log = shell.communicate(timeout=PATIENCE_SECONDS)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.communicate()
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("DROP DATABASE tutorial WITH (FORCE)")
    assert shell.returncode == 0, (output[-2_000:], log[-4_000:])
    page = PAGE.read_text(encoding="utf-8")
    invoice = json.loads((tmp_path / "invoice.json").read_text())
    assert f'`"net":"{invoice["net"]}"`' in page
    assert [line["amount"] for line in invoice["line_items"]] == ["99.00", "7.00", "30.00"]
    assert (tmp_path / "INV-000001.pdf").read_bytes().startswith(b"%PDF")
    (credit,) = re.findall(r'"number":"(CN-\d+)","kind":"credit_note".*?"net":"(-[\d.]+)"', output)
    assert f"A credit note of {credit[1]}:" in page
    assert '"fate":"valid"' in output
