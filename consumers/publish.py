"""Events from a file to Kafka: every line is checked before the first one is sent."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.config import KafkaConfig
from consumers.decode import STRUCTURED_CONTENT, structured_record
from consumers.errors import BrokerAwayError
from schemas.reading import Unreadable, read_event

ANSWER_TIMEOUT_SECONDS: Final = 30.0
MAX_REQUEST_BYTES: Final = 2 << 20
HEADERS: Final = [("content-type", STRUCTURED_CONTENT)]


@dataclass(frozen=True, slots=True)
class Message:
    """One line that can be sent; `key` is None where the line is sent as it is."""

    line: int
    key: str | None
    value: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that is no event."""

    line: int
    reason: str
    detail: str


def read_messages(
    lines: Iterable[bytes], *, is_checked: bool = True
) -> tuple[Sequence[Message], Sequence[Problem]]:
    """Return the messages that lines hold, and what is wrong with the others; empty lines are left out.

    Without the check every line is a message: to see what a consumer does with it.
    """
    messages: list[Message] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        value = line.rstrip(b"\r\n")
        if not value.strip():
            continue
        read = read_event(value)
        if not isinstance(read, Unreadable):
            messages.append(Message(number, structured_record(read.attributes)[0], value))
        elif is_checked:
            problems.append(Problem(number, str(read.reason), read.detail))
        else:
            messages.append(Message(number, None, value))
    return messages, problems


def publish(
    messages: Sequence[Message],
    config: KafkaConfig,
    *,
    topic: str,
    client_id: str,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Send messages in their order and return how many the broker has confirmed: all of them.

    Raises BrokerAwayError; sending all of them again is harmless then.
    """
    try:
        producer = KafkaProducer(
            **config.client_settings(), client_id=client_id, linger_ms=20, max_request_size=MAX_REQUEST_BYTES
        )
        try:
            answers: list[Any] = [
                producer.send(topic, value=message.value, key=_key(message), headers=HEADERS)
                for message in messages
            ]
            producer.flush(ANSWER_TIMEOUT_SECONDS)
            for done, answer in enumerate(answers, start=1):
                answer.get(ANSWER_TIMEOUT_SECONDS)
                progress(done)
        finally:
            producer.close(timeout=1.0)
    except (KafkaError, OSError) as error:
        raise BrokerAwayError(
            f"{type(error).__name__}: {error}; send the file again, it is harmless"
        ) from error
    return len(messages)


def _key(message: Message) -> bytes | None:
    return None if message.key is None else message.key.encode()
