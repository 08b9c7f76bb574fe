"""The world that stays up: what is published is seen by the API within seconds; Ctrl-C leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx2
import pytest

from cli.demo.staying import NEW_SERVICE, new_service
from schemas.reading import Unreadable, read_event
from tests.broker_fixtures import preference
from tests.demo.test_demo import MARK, nothing_is_left

SECONDS_UNTIL_SEEN = 10
"""Generous, for a machine that does other things: it takes well under one."""


def test_the_event_to_try_is_one_that_the_ledger_takes():
    assert not isinstance(read_event(json.dumps(new_service()).encode()), Unreadable)


@contextmanager
def staying(folder):
    """Start it, and yield the process and what it said when all was up."""
    with (folder / "stderr").open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "demo", "stay", "--json", "--broker", preference()],
            env={**os.environ, MARK: str(folder)},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate()


def billing(standing, *words):
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        env={**os.environ, **standing["settings"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(look, seconds=SECONDS_UNTIL_SEEN):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not seen in {seconds} s"
        time.sleep(0.05)
    return found


@pytest.mark.demo
@pytest.mark.broker
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_what_is_published_is_seen_and_ctrl_c_leaves_nothing(tmp_path):
    with staying(tmp_path) as (process, standing):
        assert set(standing["keys"]) == {"saentis", "harborlight"}
        settings = tmp_path / "var" / "run" / "settings.sh"
        assert settings.stat().st_mode & 0o777 == 0o600
        assert standing["address"] in settings.read_text()
        key = standing["keys"]["saentis"]["finance"]
        api = httpx2.Client(base_url=standing["address"], headers={"Authorization": f"Bearer {key}"})
        entered = httpx2.post(f"{standing['address']}/console/login", data={"key": key})
        assert entered.headers["location"] == "/console"
        where = f"/v1/services/{NEW_SERVICE}"
        assert api.get(where).status_code == 404
        forecast = ("forecast", "--tenant", "saentis", "--months", "1", "--json")
        before = json.loads(billing(standing, *forecast))
        billing(standing, "publish", standing["event"])
        seen = until(lambda: (answer := api.get(where)).status_code == 200 and answer.json())
        assert seen["service_id"] == NEW_SERVICE
        event = new_service()
        fate = api.get("/v1/events", params={"source": event["source"], "id": event["id"]}).json()
        assert (fate["outcome"], fate["origin"].partition(":")[0]) == ("booked", "kafka")
        assert NEW_SERVICE in billing(standing, "preview", "--tenant", "saentis", "--json")
        assert json.loads(billing(standing, *forecast)) != before
        other = {"Authorization": f"Bearer {standing['keys']['harborlight']['finance']}"}
        assert api.get(where, headers=other).status_code == 404
        api.close()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 0, (tmp_path / "stderr").read_text()
    assert nothing_is_left(str(tmp_path))
    with pytest.raises(httpx2.TransportError):
        httpx2.get(standing["address"])
