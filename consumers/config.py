"""How the broker is spoken to, and how a consumer works; the environment is read elsewhere."""

from dataclasses import dataclass, field
from typing import Any, Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """Where the brokers are and how to log in. The password is in no repr."""

    bootstrap: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None

    def client_settings(self) -> dict[str, Any]:
        """Return what every Kafka client of ours is made with. TLS checks certificates and host names."""
        settings: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL") and self.ssl_cafile is not None:
            settings["ssl_cafile"] = self.ssl_cafile
        if self.security_protocol.startswith("SASL_"):
            settings["sasl_mechanism"] = self.sasl_mechanism
            settings["sasl_plain_username"] = self.sasl_username
            settings["sasl_plain_password"] = self.sasl_password
        return settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read ahead and booked at once, and how long anything is waited for.

    A batch is booked when it has `batch_records` or `batch_bytes`, when nothing more comes, or when its
    oldest record has waited `linger_seconds`; while one is booked the next is read, up to `ahead_records`.
    """

    poll_records: int = 1_000
    batch_records: int = 2_000
    ahead_records: int = 5_000
    batch_bytes: int = 4 << 20
    linger_seconds: float = 0.05
    poll_seconds: float = 0.1
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 5.0
    stop_seconds: float = 5.0
    incarnation_check_seconds: float = 30.0
    idle_seconds: float = 30.0
