"""A join that kafka-python began and lost sight of is finished; one that is under way is left alone."""

import pytest

from consumers.source import KafkaSource


class Client:
    """What the source sees of the client and its coordinator."""

    def __init__(self, *, rejoining, need_rejoin):
        self.rejoining = rejoining
        self.asked_again = 0
        self.need_rejoin = lambda: need_rejoin
        self._coordinator = self

    def request_rejoin(self):
        self.asked_again += 1

    def poll(self, **_):
        return {}


@pytest.mark.parametrize(
    ("rejoining", "need_rejoin", "asked_again"),
    [
        pytest.param(True, False, 1, id="begun, and taken for done"),
        pytest.param(True, True, 0, id="under way"),
        pytest.param(False, False, 0, id="joined"),
        pytest.param(False, True, 0, id="about to begin"),
    ],
)
def test_a_join_that_was_lost_is_finished(rejoining, need_rejoin, asked_again):
    client = Client(rejoining=rejoining, need_rejoin=need_rejoin)
    source = KafkaSource.__new__(KafkaSource)
    source._consumer = client
    assert source.poll(timeout_seconds=0, max_records=1) == {}
    assert client.asked_again == asked_again
