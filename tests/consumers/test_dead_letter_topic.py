"""Publishing refused messages: whoever is away is waited for, and named."""

import threading

import psycopg
import pytest
from kafka.errors import KafkaTimeoutError

from consumers.config import KafkaConfig
from consumers.dead_letter_topic import DeadLetterTopic


@pytest.mark.parametrize(
    ("error", "event"),
    [
        pytest.param(psycopg.OperationalError("no route"), "database.away", id="database"),
        pytest.param(KafkaTimeoutError("no answer"), "dead_letters.wait", id="broker"),
    ],
)
def test_who_is_away_is_named(caplog, error, event):
    """Also while nothing is consumed: this thread is then the only one that looks at the database."""

    def connect():
        raise error

    stop = threading.Event()
    stop.set()
    DeadLetterTopic(connect, KafkaConfig(("nowhere:1",)), topic="dlt", client_id="test").run(stop)
    (record,) = caplog.records
    assert (record.msg, record.again_in_seconds) == (event, 2.0)
