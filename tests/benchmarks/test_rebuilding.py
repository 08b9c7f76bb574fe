"""`billing bench rebuild`, small."""

import json

import pytest

from cli.main import main

pytestmark = pytest.mark.postgres


def test_the_command_says_how_near_to_reading_a_rebuild_is(capsys):
    assert main(["bench", "rebuild", "--services", "200", "--runs", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bench"] == "rebuild"
    assert found["n"] > 200 + 20 * 2, "services, and two facts of each customer's document"
    assert 0 < found["ratio"] < 1
