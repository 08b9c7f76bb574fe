"""`billing consume` processes that a test starts, kills and stops."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager


class Process:
    """One member of the consumer group; its log and its last words are kept."""

    def __init__(self, folder, environment, number, options=()):
        self.log = folder / f"consume-{number}.log"
        self._output = folder / f"consume-{number}.json"
        with self.log.open("wb") as log, self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli", "consume", "--json", *options],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )

    def said(self):
        return self.log.read_text(errors="replace")

    @property
    def has_claimed(self):
        assert self.process.poll() is None, self.said()
        return "partition.claimed" in self.said()

    def kill(self):
        """As the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(30)

    def terminate(self):
        """End it in order and return the counts that it printed."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.said()
        return json.loads(self._output.read_text())


class Group:
    """Members of one consumer group on one topic."""

    def __init__(self, folder, environment):
        self._folder = folder
        self._environment = environment
        self.members = []

    def start(self, *options):
        member = Process(self._folder, self._environment, len(self.members), options)
        self.members.append(member)
        return member


@contextmanager
def group(folder, *, database, broker, topic, dead_letter_topic="none.dlt"):
    """Yield a group without members; whatever happens, none is left."""
    environment = {
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
        "KAFKA_SESSION_TIMEOUT_MS": str(min(broker.session_timeout_ms, 6_000)),
        "BILLING_TOPIC": topic,
        "BILLING_DEAD_LETTER_TOPIC": dead_letter_topic,
        "BILLING_CONSUMER_GROUP": f"ledger-{topic}",
        "BILLING_TENANT_SOURCES": "/operator",
    }
    members = Group(folder, environment)
    try:
        yield members
    finally:
        for member in members.members:
            if member.process.poll() is None:
                member.kill()
