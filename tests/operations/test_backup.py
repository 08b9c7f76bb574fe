"""Backup, loss of the server, restore on another: every ledger proves its root; keys and names are there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from cli.embedded.postgres import Postgres, program
from ledger import keys
from ledger.migrate import migrate
from ledger.personal import reveal
from tests.consumers.stream import activation, clock, customer, encoded, envelope, query, sums, tenant
from tests.contract.repository import ROOT
from tests.projections.world import RENT, SETUP

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
DATABASE = "billing"
PROGRAMS = (Path(sys.executable).parent, Path(program("psql")).parent)
PRICES = [RENT | {"name": "Rent"}, SETUP | {"name": "Set-up"}]
LAPTOP = {"product_id": "laptop", "name": "Laptop", "prices": PRICES}
EVENTS = [
    tenant(),
    envelope("product.published", "p-1", data=LAPTOP),
    customer("c-1", name="Ada Lovelace", billing_day=2),
    activation(1),
]


def run(url, *words, day="2026-07-02", first=(), **more):
    """Run a script or `billing` as an operator would, with the programs of PostgreSQL on the path.

    `first` are folders before those on the path, `more` are further variables.
    """
    with tempfile.NamedTemporaryFile("w") as clock:
        clock.write(f"{day}T12:00:00Z")
        clock.flush()
        names = {
            "DATABASE_URL": url,
            "PATH": os.pathsep.join([*(str(path) for path in (*first, *PROGRAMS)), os.environ["PATH"]]),
            "BILLING_TENANT_SOURCES": "/operator",
            "BILLING_CLOCK": f"file:{clock.name}",
            **more,
        }
        command = [str(word) for word in words]
        return subprocess.run(
            command, env={**os.environ, **names}, capture_output=True, text=True, check=False
        )


def fine(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def started(folder):
    server = Postgres(folder, settings={"fsync": "off"})
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    return server


def without_password(server):
    """Return the administrator's address over TCP, as a container has it, and the password."""
    address = urlsplit(server.url(DATABASE, tcp=True))
    return address._replace(
        netloc=f"{address.username}@{address.hostname}:{address.port}"
    ).geturl(), address.password


def lived(url, folder):
    """A ledger with an invoice, personal data, a dead letter, a key, and a file that was imported."""
    with psycopg.connect(url, autocommit=True) as connection:
        migrate(connection)
    events = folder / "events.jsonl"
    events.write_bytes(b"\n".join(encoded(event) for event in EVENTS) + b"\nno event\n")
    assert run(url, "billing", "import", events, day="2026-06-24").returncode == 1, "one dead letter"
    fine(run(url, "billing", "run", "--date", "2026-07-02"))
    fine(run(url, "billing", "project", "--once"))
    with psycopg.connect(url, autocommit=True) as connection:
        keys.create(connection, "acme", name="desk", role="finance", clock=clock)
    return events


def personal_data(url):
    """Every name that the ledger can still reveal."""
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE billing_appender")
        rows = connection.execute(
            "SELECT commitment FROM ledger.personal_data WHERE tenant_id = 'acme' AND field = 'name'"
        ).fetchall()
        return list(reveal(connection, "acme", [commitment for (commitment,) in rows]).values())


def invoices(url):
    return json.loads(fine(run(url, "billing", "invoices", "list", "--json")))


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """A backup, what the server said before it was lost, and the file that it had imported."""
    folder = tmp_path_factory.mktemp("backup")
    server = started(folder / "first")
    url = server.url(DATABASE)
    events = lived(url, folder)
    asks, password = without_password(server)
    fine(run(asks, ROOT / "deploy" / "backup", folder / "kept", DATABASE_PASSWORD=password))
    before = {"invoices": invoices(url), "sums": sums(url), "verified": fine(run(url, "billing", "verify"))}
    server.stop(signal.SIGQUIT)
    shutil.rmtree(folder / "first")
    return folder / "kept", before, events


@pytest.fixture
def server(tmp_path):
    server = started(tmp_path / "second")
    yield server
    server.stop()


@pytest.fixture
def empty(server):
    return server.url(DATABASE)


def test_what_is_restored_is_what_was_lost(lost, server, empty, tmp_path):
    kept, before, events = lost
    asks, password = without_password(server)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "DATABASE_PASSWORD").write_text(f"{password}\n")
    said = fine(
        run(asks, ROOT / "deploy" / "restore", kept, BILLING_SECRETS_FOLDER=str(tmp_path / "secrets"))
    )
    assert "acme: fine, " in said
    assert fine(run(empty, "billing", "verify")) == before["verified"]
    assert invoices(empty) == before["invoices"] != []
    assert sums(empty) == before["sums"]
    assert personal_data(empty) == ["Ada Lovelace"]
    assert query(empty, "SELECT name, role FROM ledger.api_key") == [("desk", "finance")]
    # It goes on: what was heard is known, what is billed is billed, and what is refused stays refused.
    fine(run(empty, "billing", "import", events))
    assert sums(empty) == before["sums"]
    fine(run(empty, "billing", "migrate"))
    fine(run(empty, "billing", "run", "--date", "2026-07-02"))
    assert invoices(empty) == before["invoices"]
    fine(run(empty, "billing", "audit", "all", "--workers", "1"))
    with psycopg.connect(empty) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM ledger.fact")


def damaged(kept, folder):
    shutil.copytree(kept, folder)
    content = bytearray((folder / "ledger.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "ledger.dump").write_bytes(content)
    return folder


def test_a_damaged_backup_is_not_restored(lost, empty, tmp_path):
    done = run(empty, ROOT / "deploy" / "restore", damaged(lost[0], tmp_path / "damaged"))
    assert done.returncode == 1
    assert "is damaged" in done.stderr
    assert query(empty, "SELECT 1 FROM pg_namespace WHERE nspname = 'ledger'") == []


def kept_position(kept):
    """Return size and root of acme, as the backup kept them."""
    positions = dict(line.split() for line in (kept / "positions").read_text().splitlines())
    size, _, root = positions["acme"].partition(":")
    return int(size), root


@pytest.mark.parametrize(
    ("more", "other_root", "finding"),
    [
        pytest.param(1, None, "tail_missing", id="an older backup than the position that was kept"),
        pytest.param(0, "0" * 64, "root_differs", id="another ledger"),
    ],
)
def test_what_is_not_the_ledger_that_was_kept_is_found_out(lost, empty, tmp_path, more, other_root, finding):
    size, root = kept_position(lost[0])
    (tmp_path / "positions").write_text(f"acme {size + more}:{other_root or root}\n")
    done = run(empty, ROOT / "deploy" / "restore", lost[0], tmp_path / "positions")
    assert done.returncode == 1
    assert finding in done.stdout


def test_nothing_is_overwritten(lost, empty):
    with psycopg.connect(empty, autocommit=True) as connection:
        migrate(connection)
    done = run(empty, ROOT / "deploy" / "restore", lost[0])
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert run(empty, ROOT / "deploy" / "backup", lost[0]).returncode == 2


def test_an_altered_ledger_is_not_backed_up(empty, tmp_path):
    lived(empty, tmp_path)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        connection.execute(
            "UPDATE ledger.fact SET payload = payload || ' ' WHERE tenant_id = 'acme' AND seq = 2"
        )
    done = run(empty, ROOT / "deploy" / "backup", tmp_path / "kept")
    assert done.returncode != 0
    assert "leaf_differs" in done.stderr
    assert not (tmp_path / "kept").exists()


def stands_in(folder, program, script):
    """Put another program of that name into a folder for the path."""
    folder.mkdir(exist_ok=True)
    (folder / program).write_text(f"#!/bin/sh\n{script}\n")
    (folder / program).chmod(0o755)
    return folder


@pytest.mark.parametrize(("script", "program"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_programs_older_than_the_server_are_refused_before_anything_is_done(
    lost, empty, tmp_path, script, program
):
    old = stands_in(
        tmp_path / "old", program, f"echo '{program} (PostgreSQL) 15.18 (Debian 15.18-0+deb12u2)'"
    )
    folder = lost[0] if script == "restore" else tmp_path / "kept"
    done = run(empty, ROOT / "deploy" / script, folder, first=[old])
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{program} is of version 15, the server of 18" in done.stderr
    assert not (tmp_path / "kept").exists()
    assert query(empty, "SELECT 1 FROM pg_roles WHERE rolname LIKE 'billing_%%'") == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo 'so it ends' >&2; exit 1", id="fails"),
        pytest.param("echo 'so it ends' >&2; kill -TERM $PPID", id="is stopped"),
    ],
)
def test_a_backup_that_ends_half_way_leaves_nothing(empty, tmp_path, script):
    with psycopg.connect(empty, autocommit=True) as connection:
        migrate(connection)
    broken = stands_in(tmp_path / "broken", "pg_dumpall", script)
    done = run(empty, ROOT / "deploy" / "backup", tmp_path / "kept", first=[broken])
    assert done.returncode == 1
    assert "so it ends" in done.stderr
    assert not (tmp_path / "kept").exists()
