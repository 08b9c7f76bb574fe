"""What the commands that speak to Kafka share: settings as the consumers want them, logs, stopping."""

import os
import signal
import socket
import threading
from types import FrameType
from typing import TYPE_CHECKING

from cli.settings import Settings

if TYPE_CHECKING:
    from consumers.config import KafkaConfig


def kafka_config(settings: Settings) -> "KafkaConfig":
    """Return how the brokers are spoken to. Raises WrongUseError where the settings say nothing of them."""
    from consumers.config import KafkaConfig

    password = settings.kafka_sasl_password
    return KafkaConfig(
        bootstrap=settings.brokers(),
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        sasl_username=settings.kafka_sasl_username,
        sasl_password=None if password is None else password.get_secret_value(),
        ssl_cafile=settings.kafka_ssl_cafile,
    )


def client_id() -> str:
    """Name this process among the broker's clients."""
    return f"billing-{socket.gethostname()}-{os.getpid()}"


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM or Ctrl-C sets; the second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def request(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGTERM, request)
    signal.signal(signal.SIGINT, request)
    return stop
