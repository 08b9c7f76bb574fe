"""Logs: JSON lines that name places and reasons, never content, never a secret; one place sets them up."""

import json
import logging
import os
import pty
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry

from cli import logs
from cli.monitoring.consuming import ConsumedReport
from cli.settings import Settings
from consumers.records import PlainRecord
from ledger.trace import read_traceparent
from tests.consumers.fake_source import FakeSource
from tests.consumers.stream import HEADERS, activation, customer, encoded, query, received, tenant, wait_until
from tests.consumers.test_loop import member
from tests.contract.repository import ROOT, python_files

TRACE = read_traceparent(f"00-{'a' * 32}-{'b' * 16}-01")
NAME, MAIL, STREET = "Ada Lovelace", "ada@example.org", "12 Analytical Row"


@pytest.fixture
def written(capsys):
    """Set logs up, and return what was written since, line by line; afterwards logs are as before."""
    root = logging.getLogger()
    libraries = [logging.getLogger(name) for name in ("kafka", "weasyprint", "fontTools")]
    before = root.handlers[:], root.level, [library.level for library in libraries]

    def set_up(**settings):
        names = {"log_format": "BILLING_LOG_FORMAT", "log_level": "BILLING_LOG_LEVEL"}
        given = {names[name]: value for name, value in settings.items()}
        logs.set_up_logs(Settings(**given), command="test", trace=TRACE)
        return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield set_up
    root.handlers[:], root.level = before[0], before[1]
    root.setLevel(before[1])
    for library, level in zip(libraries, before[2], strict=True):
        library.setLevel(level)


def test_a_line_is_one_json_object_with_its_members(written):
    lines = written()
    logging.getLogger("ledger.append").warning("head.moved", extra={"tenant": "acme", "seq": 7})
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "head.moved",
        "level": "warning",
        "logger": "ledger.append",
        "command": "test",
        "tenant": "acme",
        "seq": 7,
        "trace_id": "a" * 32,
    }


def test_the_level_is_a_setting_and_libraries_are_silent(written):
    lines = written(log_level="WARNING")
    logging.getLogger("consumers.loop").info("left.out")
    logging.getLogger("kafka.conn").error("left out as well")
    logging.getLogger("weasyprint.progress").warning("each step of each page")
    logging.getLogger("consumers.loop").error("written")
    assert [line["event"] for line in lines()] == ["written"]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        pytest.param({"kafka_sasl_password": "hunter2"}, "(hidden)", id="by name"),
        pytest.param({"error": "postgresql://billing:hunter2@db/billing is away"}, "is away", id="address"),
        pytest.param({"error": "host=db password='hunter2' port=5432"}, "port=5432", id="libpq words"),
        pytest.param({"error": "duplicate key DETAIL: (name)=(hunter2)"}, "duplicate key", id="row"),
    ],
)
def test_secrets_are_hidden(written, extra, expected):
    lines = written()
    logging.getLogger("anything").error("something.failed", extra=extra)
    (line,) = lines()
    assert "hunter2" not in json.dumps(line)
    assert expected in str(line[next(iter(extra))])


def test_an_exception_shows_its_place_and_no_secret(written):
    lines = written()
    try:
        break_down("postgresql://billing:hunter2@db/billing is away")
    except RuntimeError:
        logging.getLogger("anything").exception("something.failed")
    (line,) = lines()
    assert "in break_down" in line["exception"]
    assert "is away" in line["exception"]
    assert "hunter2" not in json.dumps(line)


def break_down(message):
    raise RuntimeError(message)


@pytest.mark.postgres
def test_no_personal_data_and_no_content_is_written(database, written):
    """Customers' names go in, also in what is refused, and every line down to DEBUG is read."""
    lines = written(log_level="DEBUG")
    sent = [
        encoded(tenant()),
        encoded(customer("c-1", name=NAME, email=MAIL)),
        encoded(customer("c-2", name=NAME, email=MAIL, street=STREET)),
        encoded(customer("c-1", name=f"{NAME} the second")),
        NAME.encode(),
        encoded(activation(1)),
        encoded(activation(2, quantity=STREET)),  # the detail of its refusal quotes it
    ]
    headers = [*HEADERS, ("traceparent", TRACE.traceparent.encode())]
    source = FakeSource({0: [PlainRecord(place, b"key", value, headers) for place, value in enumerate(sent)]})
    with member(source, database, report=ConsumedReport(CollectorRegistry())):
        wait_until(lambda: received(database) == len(sent))
    found = lines()
    text = json.dumps(found)
    assert [content for content in (NAME, MAIL, STREET, "the second", database) if content in text] == []
    refused = [line for line in found if line["event"] == "event.refused"]
    assert sorted((line["origin"], line["reason"]) for line in refused) == [
        ("kafka:events/0/2", "schema_invalid"),
        ("kafka:events/0/3", "conflicting_duplicate"),
        ("kafka:events/0/4", "invalid_json"),
        ("kafka:events/0/6", "schema_invalid"),
    ]
    assert query(database, "SELECT 1 FROM ledger.quarantine WHERE detail LIKE %s", f"%{STREET}%")
    assert {line["trace_id"] for line in refused} == {TRACE.trace_id}
    booked = [line for line in found if line["event"] == "event.booked"]
    assert {(line["tenant"], line["origin"]) for line in booked} == {
        ("acme", f"kafka:events/0/{offset}") for offset in (0, 1, 5)
    }
    assert {line["trace_id"] for line in booked} == {TRACE.trace_id}
    assert [line["trace_ids"] for line in found if "trace_ids" in line]


def test_on_a_terminal_lines_are_for_people():
    """A real terminal: a pseudo one, as no pipe is a terminal."""
    primary, secondary = pty.openpty()
    code = (
        "import logging; from cli.logs import set_up_logs; from cli.settings import Settings;"
        "set_up_logs(Settings(), command='consume');"
        "logging.getLogger('x').info('partition.claimed', extra={'offset': 7})"
    )
    subprocess.run([sys.executable, "-c", code], stderr=secondary, check=True, cwd=ROOT)
    shown = os.read(primary, 10_000).decode()
    os.close(primary)
    os.close(secondary)
    assert "partition.claimed" in shown
    assert "offset" in shown
    assert "consume" not in shown, "whoever looks on knows what he started"
    assert not shown.startswith("{")


def test_no_other_place_sets_logs_up():
    setting_up = ("basicConfig", "structlog.configure", "addHandler", "dictConfig")
    found = [
        str(path.relative_to(ROOT))
        for path in python_files(tests=False)
        if any(word in path.read_text(encoding="utf-8") for word in setting_up)
    ]
    assert found == ["cli/logs.py"]
