"""The embedded PostgreSQL: starts where it is told, durable unless told otherwise, leaves no process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from cli.embedded.postgres import SPEED_WITHOUT_SAFETY, EmbeddedPostgresError, Postgres, postgres

pytestmark = pytest.mark.postgres
SCRIPT = """
import sys, time
from pathlib import Path
from cli.embedded.postgres import postgres
with postgres(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


def answer(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def wait_until_gone(pid):
    for _ in range(200):
        if not psutil.pid_exists(pid):
            return True
        time.sleep(0.05)
    return False


def test_it_answers_on_its_socket_and_its_port_and_keeps_its_data(tmp_path):
    with postgres(tmp_path) as server:
        assert answer(server.url(), "SELECT current_setting('server_version_num')::int") >= 180_000
        assert answer(server.url(tcp=True), "SELECT host(inet_server_addr())") == "127.0.0.1"
        settings = "SELECT current_setting('fsync') || current_setting('synchronous_commit')"
        assert answer(server.url(), settings) == "onon"
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE kept")
        pid = server.pid
    assert not psutil.pid_exists(pid)
    with postgres(tmp_path, settings=SPEED_WITHOUT_SAFETY) as server:
        assert answer(server.url("kept"), "SELECT current_setting('fsync')") == "off"
        assert answer(server.url("kept", tcp=True), "SELECT 1") == 1


def test_its_port_asks_for_a_password(tmp_path):
    with postgres(tmp_path) as server, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres")


def test_it_is_stopped_when_the_block_fails(tmp_path):
    pids = []

    def fail():
        with postgres(tmp_path) as server:
            pids.append(server.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not psutil.pid_exists(pids[0])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_dies_with_a_parent_that_had_no_time_to_stop_it(tmp_path, how):
    words = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.send_signal(how)
    assert wait_until_gone(pid)


def test_a_crash_by_kill_is_survived(tmp_path):
    with postgres(tmp_path) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        server.stop(signal.SIGQUIT)
        port = server.port
        server.start()
        assert server.port == port
        assert answer(server.url(), "SELECT number FROM kept") == 7


def test_a_folder_that_cannot_be_used_is_told_in_the_servers_words(tmp_path):
    server = Postgres(tmp_path, settings={"shared_buffers": "none"})
    with pytest.raises(EmbeddedPostgresError, match="shared_buffers"):
        server.start()


def test_a_long_path_gets_its_socket_elsewhere_and_leaves_nothing_there(tmp_path):
    folder = tmp_path / ("long" * 25)
    with postgres(folder) as server:
        assert answer(server.url(), "SELECT 1") == 1
        socket_folder = server.socket_folder
        assert folder not in socket_folder.parents
    assert not socket_folder.exists()
