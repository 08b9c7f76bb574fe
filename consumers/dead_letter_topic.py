"""Publishes refused messages to the dead-letter topic: the quarantine is the truth, the topic tells of it."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, LiteralString

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError
from psycopg import Connection
from psycopg.rows import class_row

from consumers.config import KafkaConfig
from consumers.dead_letters import SELECT, DeadLetter
from consumers.sink import is_passing
from ledger.append import begin_appending
from schemas.reasons import DESCRIPTIONS, Reason

log = logging.getLogger(__name__)

BATCH_LETTERS: Final = 200
LOOK_AGAIN_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 10.0
ANSWER_TIMEOUT_SECONDS: Final = 20.0
MAX_REQUEST_BYTES: Final = 128 << 20
MAX_MESSAGE_CHARACTERS: Final = 1_000

# A lock that somebody holds means that he publishes it, or re-drives it.
NEXT: LiteralString = SELECT + " WHERE state = 'waiting' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
PUBLISHED: LiteralString = "UPDATE ledger.quarantine SET state = 'published' WHERE id = ANY(%s)"


def error_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """Return the headers that say why, under the names that Kafka Connect made usual (KIP-298).

    They name codes and places, never content: headers travel further than values.
    """
    reason = Reason(letter.reason)
    message = DESCRIPTIONS[reason] + (f" ({letter.place})" if letter.place else "")
    texts = {
        "__connect.errors.topic": letter.topic,
        "__connect.errors.partition": str(letter.partition),
        "__connect.errors.offset": str(letter.offset),
        "__connect.errors.connector.name": letter.consumer_group,
        "__connect.errors.task.id": "0",
        "__connect.errors.stage": "VALUE_CONVERTER",
        "__connect.errors.exception.class.name": letter.reason,
        "__connect.errors.exception.message": message[:MAX_MESSAGE_CHARACTERS],
        "dlt.reason": letter.reason,
        "dlt.first-seen": letter.recorded_at.isoformat(),
        "dlt.id": str(letter.id),
    }
    if letter.tenant_id is not None:
        texts["dlt.tenant"] = letter.tenant_id
    return [(name, text.encode()) for name, text in texts.items()]


class DeadLetterTopic:
    """Sends what waits in the quarantine, at least once each. Lives on one thread."""

    def __init__(
        self, connect: Callable[[], Connection[Any]], config: KafkaConfig, *, topic: str, client_id: str
    ) -> None:
        self._connect = connect
        self._config = config
        self._topic = topic
        self._client_id = client_id
        self._connection: Connection[Any] | None = None
        self._producer: KafkaProducer | None = None

    farewell_seconds: Final = 4.0
    """How long the last letters may take once it is asked to stop."""

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set, then what is left; waits while database or broker are away."""
        pause = LOOK_AGAIN_SECONDS
        while True:
            is_last = stop.is_set()
            try:
                while self.publish():
                    pass
                pause = LOOK_AGAIN_SECONDS
            except Exception as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                extra = {"again_in_seconds": pause, "error": " ".join(str(error).split())}
                if is_passing(error):  # an idle consumer's first to notice
                    log.warning("database.away", extra=extra)
                elif isinstance(error, KafkaError | OSError):
                    log.warning("dead_letters.wait", extra=extra)
                else:
                    raise
                self.close()
            if is_last:
                break
            stop.wait(pause)
        self.close()

    def publish(self) -> int:
        """Publish the next letters that wait and return how many there were.

        Raises KafkaError or psycopg.OperationalError; then they wait on.
        """
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        connection = self._connection
        with connection.transaction():
            begin_appending(connection)
            with connection.cursor(row_factory=class_row(DeadLetter)) as cursor:
                letters = cursor.execute(NEXT, (BATCH_LETTERS,)).fetchall()
            if letters:
                self._send(letters)
                connection.execute(PUBLISHED, ([letter.id for letter in letters],))
        return len(letters)

    def close(self) -> None:
        """Let go of connection and producer; the next use makes others."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=1.0)

    def _send(self, letters: list[DeadLetter]) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(
                **self._config.client_settings(),
                client_id=self._client_id,
                max_request_size=MAX_REQUEST_BYTES,
                max_block_ms=int(ANSWER_TIMEOUT_SECONDS * 1000),
                delivery_timeout_ms=int(ANSWER_TIMEOUT_SECONDS * 1000),
                request_timeout_ms=int(ANSWER_TIMEOUT_SECONDS * 500),
            )
        sent = [(letter, self._send_one(letter, letter.value)) for letter in letters]
        self._producer.flush(ANSWER_TIMEOUT_SECONDS)
        for letter, answer in sent:
            try:
                answer.get(ANSWER_TIMEOUT_SECONDS)
            except MessageSizeTooLargeError:
                stub = self._send_one(letter, None, ("dlt.value", b"too large for this topic: see dlt.id"))
                stub.get(ANSWER_TIMEOUT_SECONDS)

    def _send_one(self, letter: DeadLetter, value: bytes | None, *more: tuple[str, bytes]) -> Any:
        assert self._producer is not None, "made by _send"
        headers = [*letter.original_headers(), *error_headers(letter), *more]
        if letter.key is None and value is None:  # the client sends no record of nothing
            value = b""
            headers.append(("dlt.value", b"null"))
        return self._producer.send(
            self._topic,
            value=value,
            key=letter.key,
            headers=[(name, b"" if content is None else content) for name, content in headers],
        )
