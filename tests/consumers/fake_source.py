"""A broker in memory, whose rebalances, gaps and losses a test decides."""

from collections import deque

from consumers.errors import BrokerAwayError, OffsetLostError
from consumers.records import Beginning, Partition

TOPIC = "events"
INCARNATION = "topic-1"


def partition(number=0):
    return Partition(TOPIC, number)


class FakeSource:
    """One member of a group over logs that tests write; `on_poll` holds what happens before polls."""

    def __init__(self, logs, *, incarnation=INCARNATION, assigned=None):
        self.logs = {partition(number): list(log) for number, log in logs.items()}
        self.first = dict.fromkeys(self.logs, 0)
        self.incarnation = incarnation
        self.assigned = set(self.logs if assigned is None else assigned)
        self.touched = set(self.assigned)
        self.positions = {}
        self.sought = []
        self.hints = {}
        self.is_away = False
        self.is_paused = False
        self.is_closed = False
        self.polls_paused = 0
        self.on_poll = deque()

    def rebalance(self, assigned):
        self.touched |= self.assigned | set(assigned)
        self.assigned = set(assigned)
        self.positions.clear()

    def poll(self, *, timeout_seconds, max_records):  # noqa: ARG002 - a fake never waits
        if self.on_poll:
            self.on_poll.popleft()()
        if self.is_paused:
            self.polls_paused += 1
            return {}
        found = {}
        for one in sorted(self.assigned & self.positions.keys()):
            position = self.positions[one]
            if position < self.first[one]:
                raise OffsetLostError({one: position})
            log = [record for record in self.logs[one] if record.offset >= position][:max_records]
            if log:
                found[one] = log
                self.positions[one] = log[-1].offset + 1
        return found

    def assignment(self):
        return frozenset(self.assigned)

    def taken_away(self):
        taken, self.touched = frozenset(self.touched), set()
        return taken

    def beginnings(self, partitions):
        if self.is_away:
            raise BrokerAwayError("away")
        return {one: Beginning(self.first[one], self.incarnation) for one in partitions}

    def seek(self, one, offset):
        self.sought.append((one.number, offset))
        if one in self.assigned:
            self.positions[one] = offset

    def pause(self):
        self.is_paused = True

    def resume(self):
        self.is_paused = False

    def hint(self, offsets):
        self.hints.update(offsets)

    def close(self):
        self.is_closed = True
