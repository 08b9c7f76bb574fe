"""What goes wrong when servers are started on this machine."""

from typing import ClassVar

from billing.errors import LedgerError


class EmbeddedBrokerError(LedgerError):
    """No broker could be started; the message holds the command that failed and its words."""

    code: ClassVar[str] = "embedded_broker"
