"""The demo's processes: their end is noticed and explained, and none of them outlives the demo."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from cli.demo.errors import ChildDiedError
from cli.demo.processes import Child, running
from cli.farewell import held_back, orderly_farewell

DEADLINE_SECONDS = 20


def until(condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.02)


def test_a_process_that_ended_is_reported_with_its_last_words(tmp_path):
    with running("billing nonsense", "nonsense", environment={}, log=tmp_path / "log") as child:
        until(lambda: ended(child))
        with pytest.raises(ChildDiedError, match=r"(?s)`billing nonsense` ended with exit code 2.*nonsense"):
            child.check()


def ended(child: Child) -> bool:
    try:
        child.check()
    except ChildDiedError:
        return True
    return False


PARENT = """
import sys, time
from contextlib import suppress
from pathlib import Path
from cli.demo.processes import running
from cli.farewell import orderly_farewell
pid_file, packages = Path(sys.argv[1]), sys.argv[2]
with orderly_farewell(), running("waits", environment={"PYTHONPATH": packages}, log=Path("log")) as child:
    pid_file.write_text(str(child._process.pid))
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_ending_the_demo_by_a_signal_stops_its_processes(tmp_path, number):
    """Signals unwind the stack; SIGKILL, which can't be caught, is passed on by the kernel."""
    stand_in = tmp_path / "packages" / "cli"  # a package named `cli` that waits
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text("import time\nopen('started', 'w').close()\ntime.sleep(60)\n")
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(pid_file), str(stand_in.parent)],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((tmp_path / "started").exists)
        child = psutil.Process(int(pid_file.read_text()))
        assert child.is_running()
        parent.send_signal(number)
        assert parent.wait(DEADLINE_SECONDS) != 0
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()


def test_signals_are_ours_only_while_the_demo_lives():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)):
        receive(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def receive(number):
    with orderly_farewell():
        os.kill(os.getpid(), number)
        time.sleep(DEADLINE_SECONDS)


def test_a_signal_that_is_held_back_comes_afterwards():
    came = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_in_between(came)
    assert came == ["in the block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupted_in_between(came):
    with held_back():
        os.kill(os.getpid(), signal.SIGINT)
        came.append("in the block")
    came.append("after it")


class Careless:
    """Says farewell in its finalizer, where Python drops what is raised."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_farewell_that_nobody_could_hear_is_heard_at_the_end():
    with pytest.raises(SystemExit) as left, orderly_farewell():
        Careless()
    assert left.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_farewell_that_a_library_took_for_a_fault_of_its_own_is_heard_at_the_end(number):
    with pytest.raises(BaseException) as left, orderly_farewell():
        connect_as_kafka_python_does(number)
    expected = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    assert left.type is expected


def connect_as_kafka_python_does(number):
    with suppress(BaseException):
        signal.raise_signal(number)
    raise ConnectionError("unable to bootstrap")
