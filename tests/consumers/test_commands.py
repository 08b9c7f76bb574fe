"""`billing import`, `publish` and `dead-letters` from the shell: what they print, and their exit codes."""

import json

import pytest

from cli.main import main
from tests.consumers.stream import activation, booked_ids, tenant


@pytest.fixture
def shell(monkeypatch, capsys):
    """Run `billing` and return exit code, stdout and stderr."""
    monkeypatch.setenv("BILLING_TENANT_SOURCES", "/operator")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def write(tmp_path):
    def write(*events, name="events.jsonl"):
        path = tmp_path / name
        path.write_bytes(
            b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in events)
        )
        return path

    return write


@pytest.fixture
def with_database(monkeypatch, database):
    monkeypatch.setenv("DATABASE_URL", database)
    return database


@pytest.mark.postgres
def test_import_says_what_became_of_the_lines(shell, write, with_database):
    path = write(tenant(), activation(1), activation(1), b"junk")
    code, out, _ = shell("import", path)
    assert code == 1
    assert "4 received = 2 booked + 1 duplicate + 1 rejected" in out
    assert "invalid_json" in out
    code, out, _ = shell("import", path, "--json")
    assert code == 0
    assert json.loads(out)["received"] == 0
    assert booked_ids(with_database) == ["acme-1", "e-1"]


@pytest.mark.postgres
def test_dead_letters_from_import_to_redrive(shell, write, with_database):
    shell("import", write(activation(1), b"\x1b[31mred"))
    code, out, _ = shell("dead-letters", "list", "--json")
    letters = json.loads(out)
    assert code == 0
    assert [letter["reason"] for letter in letters] == ["invalid_json", "tenant_unknown"]
    shell("import", write(tenant(), name="tenant.jsonl"))
    code, out, _ = shell("dead-letters", "redrive", "--all", "--reason", "tenant_unknown", "--json")
    assert code == 0
    assert json.loads(out)["booked"] == 1
    code, out, _ = shell("dead-letters", "redrive", "--all")
    assert code == 1
    assert "refused again: invalid_json" in out
    code, out, _ = shell("dead-letters", "show", letters[0]["id"])
    assert code == 0
    assert "\\x1b[31mred" in out
    assert "\x1b" not in out
    code, _, _ = shell("dead-letters", "discard", letters[0]["id"], "--note", "a test")
    assert code == 0
    code, out, _ = shell("dead-letters", "list", "--settled", "--json")
    assert {letter["state"] for letter in json.loads(out)} == {"redriven", "discarded"}


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["redrive"], "say which dead letters, or --all"),
        (["redrive", "1", "--all"], "say which dead letters, or --all"),
        (["show", "77"], "there is no dead letter 77"),
        (["list", "--reason", "bad"], "--reason: 'bad' is no reason; write one of empty, too_large"),
    ],
)
def test_wrong_use_of_dead_letters(shell, with_database, arguments, says):
    code, _, error = shell("dead-letters", *arguments)
    assert code == 2
    assert says in error
    assert error.count("\n") == 1


def test_publish_sends_nothing_of_a_file_with_mistakes(shell, write):
    """There is no broker here: nothing was tried, either."""
    path = write(activation(1), activation(2, quantity=-1), b"junk")
    code, out, _ = shell("publish", path, "--json")
    assert code == 1
    told = json.loads(out)
    assert told["sent"] == 0
    assert [(one["line"], one["reason"]) for one in told["refused"]] == [
        (2, "schema_invalid"),
        (3, "invalid_json"),
    ]
    assert "data.quantity = -1: write a whole number" in told["refused"][0]["detail"]


def test_a_file_that_is_not_there(shell, tmp_path):
    code, _, error = shell("publish", tmp_path / "none.jsonl")
    assert code == 2
    assert "none.jsonl" in error
    assert "Traceback" not in error


@pytest.mark.broker
def test_what_is_published_is_consumed(shell, write, broker, make_topic, monkeypatch):
    topic = make_topic()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    monkeypatch.setenv("BILLING_TOPIC", topic)
    code, out, _ = shell("publish", write(activation(1), b"", activation(2)))
    assert (code, out) == (0, f"sent 2 events to {topic}\n")
