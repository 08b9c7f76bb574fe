"""`python -m cli.embedded.resolve`: fetch Apache Kafka before tests need it, or say what failed."""

import sys

from cli.embedded import kafka
from cli.embedded.errors import EmbeddedBrokerError


def main() -> int:
    """Print where Kafka's jars are; 1 and the failed command where they can't be had."""
    try:
        jars = kafka.resolve()
    except EmbeddedBrokerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Apache Kafka {kafka.VERSION}: {jars}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
