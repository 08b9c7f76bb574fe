"""A database that is away: looked for often, told of seldom."""

import logging
import threading
from types import SimpleNamespace

import psycopg
import pytest

from cli.monitoring import patience
from cli.monitoring.patience import PatientConnect


@pytest.fixture
def seconds(monkeypatch):
    """Time that passes by waiting alone."""
    passed = [0.0]
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    return passed


class Stop(threading.Event):
    """Waits by moving time on."""

    def __init__(self, passed):
        super().__init__()
        self.passed = passed

    def wait(self, timeout=None):
        self.passed[0] += timeout
        return self.is_set()


def test_an_outage_of_minutes_is_a_few_lines_and_its_end_is_one(seconds, caplog):
    caplog.set_level(logging.INFO)
    looks, beats = [], []

    def connect():
        looks.append(seconds[0])
        if 10 <= seconds[0] < 310:
            raise psycopg.OperationalError("no route\n to it")
        return f"connection {len(looks)}"

    patient = PatientConnect(connect, Stop(seconds), beat=lambda: beats.append(seconds[0]))
    assert patient() == "connection 1"
    assert caplog.records == []
    seconds[0] = 10.0
    assert patient() == "connection 302"
    assert [record.msg for record in caplog.records] == ["database.away"] * 9 + ["database.back"]
    assert caplog.records[0].error == "no route to it"
    assert beats == looks
    assert patient() == "connection 303"
    assert [record.msg for record in caplog.records][10:] == ["database.back"], "it was lost for a moment"


def test_who_is_to_stop_waits_no_longer(seconds):
    stop = Stop(seconds)

    def connect():
        stop.set()
        raise psycopg.OperationalError("away")

    with pytest.raises(psycopg.OperationalError):
        PatientConnect(connect, stop, beat=lambda: None)()
    assert seconds == [0.0]
