"""A person's mistake is one line that names what is wrong, and an exit code; never a traceback."""

import logging

import pytest

from cli.main import main
from cli.settings import Settings

TENANT = ["--tenant", "acme"]
READS_THE_LEDGER = [
    pytest.param(words, id=" ".join(words[:2]))
    for words in (
        ["migrate"],
        ["import", "{events}"],
        ["dead-letters", "list"],
        ["dead-letters", "show", "1"],
        ["dead-letters", "redrive", "1"],
        ["dead-letters", "discard", "1", "--note", "test"],
        ["project", "--once"],
        ["project", "--status"],
        ["rebuild"],
        ["preview", *TENANT],
        ["run", *TENANT, "--date", "2026-07-02"],
        ["invoices", "list", *TENANT],
        ["invoices", "show", "INV-000001", *TENANT],
        ["anomalies", *TENANT],
        ["export", "pdf", "{folder}", *TENANT],
        ["export", "csv", "{folder}/lines.csv", *TENANT],
        ["verify"],
        ["verify", *TENANT],
    )
]


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Call `billing` with an environment that has nothing of ours but what is given."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    events = tmp_path / "events.jsonl"
    events.write_text("")

    def billing(words: list[str], **environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        filled = [word.format(events=events, folder=tmp_path / "out") for word in words]
        return main(filled), capsys.readouterr().err

    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield billing
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.mark.parametrize("words", READS_THE_LEDGER)
def test_without_a_database_address(call, words):
    code, said = call(words)
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith("billing: DATABASE_URL is not set; write for example postgresql://")


@pytest.mark.parametrize("words", READS_THE_LEDGER)
def test_database_unreachable(call, words):
    code, said = call(words, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    *logged, line = said.splitlines()
    assert (code, len(logged)) == (1, int(words[0] == "run")), said
    assert line.startswith("billing: DATABASE_URL: no database: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["import", "nowhere.jsonl"], "nowhere.jsonl", id="import"),
        pytest.param(["publish", "nowhere.jsonl"], "nowhere.jsonl", id="publish"),
        pytest.param(["simulate", "nowhere.yaml"], "nowhere.yaml", id="simulate"),
        pytest.param(["demo", "check", "nowhere"], "nowhere", id="demo check"),
    ],
)
def test_missing_file(call, words, message):
    """The file is looked for before any server is."""
    nobody = "postgresql://nobody@127.0.0.1:1/none"
    code, said = call(words, DATABASE_URL=nobody, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (code, said.count("\n")) == (2, 1), said
    assert message in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["run", "--date", "02.07.2026"], "'--date': '02.07.2026' is no date", id="bad date"),
        pytest.param(["run"], "Missing option '--date'", id="no date"),
        pytest.param(["run", "--date", "2026-07-02", "--workers", "0"], "'--workers': '0'", id="no workers"),
        pytest.param(
            ["verify", "--tenant", "a", "--expect", "12"], "--expect: '12' is no SIZE:ROOT", id="expect"
        ),
        pytest.param(["dead-letters", "show", "x"], "'x'", id="no number"),
        pytest.param(["dead-letters", "redrive"], "say which", id="redrive nothing"),
        pytest.param(["bench", "coffee"], "'coffee'", id="no such bench"),
        pytest.param(["demo", "--broker", "pigeon"], "'pigeon'", id="no such broker"),
        pytest.param(["export", "png", "x"], "No such command 'png'", id="no such format"),
    ],
)
def test_wrong_words(call, words, message):
    code, said = call(words, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (code, said.count("\n")) == (2, 1), said
    assert message in said


def test_consume_needs_brokers_with_ports(call):
    nobody = "postgresql://nobody@127.0.0.1:1/none"
    assert call(["consume"], DATABASE_URL=nobody)[0] == 2
    code, said = call(["consume"], DATABASE_URL=nobody, KAFKA_BOOTSTRAP_SERVERS="kafka")
    assert (code, said.count("\n")) == (2, 1), said
    assert "'kafka' has no port" in said
