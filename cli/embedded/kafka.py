"""Resolves Apache Kafka from Maven Central into a cache folder, and prepares it for KRaft mode in one JVM."""

import base64
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cli.embedded.errors import EmbeddedBrokerError

VERSION: Final = "4.1.1"
FIRST_JAVA: Final = 17
HEAP: Final = "512m"
RESOLVE_TIMEOUT_SECONDS: Final = 120.0
IMPATIENT: Final = ("-Daether.connector.connectTimeout=5000", "-Dmaven.wagon.http.retryHandler.count=1")
FORMAT_TIMEOUT_SECONDS: Final = 60.0
JAVA_TIMEOUT_SECONDS: Final = 20.0

POM: Final = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local.broker</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""

SETTINGS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.retention.ms": "-1",
    "controlled.shutdown.enable": "false",
}


def resolve() -> Path:
    """Return the folder with Kafka's jars, from the cache or from Maven Central.

    Raises EmbeddedBrokerError with the command that failed and its words.
    """
    _check_java()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "billing-ledger"
    jars = cache / f"kafka-{VERSION}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise EmbeddedBrokerError("Apache Kafka is resolved by Maven, and there is no `mvn` (apt: maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="resolving-") as working:
        (Path(working) / "pom.xml").write_text(POM)
        command = [maven, "-q", "-B", *IMPATIENT, "dependency:copy-dependencies", "-DoutputDirectory=jars"]
        _run(command, cwd=working, timeout_seconds=RESOLVE_TIMEOUT_SECONDS)
        try:
            (Path(working) / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():  # else another process was faster, with the same version
                raise
    return jars


def prepare(folder: Path, jars: Path, *, port: int, controller_port: int) -> list[str]:
    """Write `server.properties`, format the storage once, and return the command that runs the broker."""
    properties = folder / "server.properties"
    settings = {
        **SETTINGS,
        "log.dirs": str(folder / "data"),
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
    }
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    if not (folder / "data" / "meta.properties").exists():
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        # One word: an id may begin with a hyphen, and would be taken for an option.
        cluster_option = f"--cluster-id={cluster}"
        _run(
            [*_java(jars), "kafka.tools.StorageTool", "format", "-c", str(properties), cluster_option],
            cwd=str(folder),
            timeout_seconds=FORMAT_TIMEOUT_SECONDS,
        )
    return [*_java(jars), "kafka.Kafka", str(properties)]


def _java(jars: Path) -> list[str]:
    return [
        "java", f"-Xmx{HEAP}", f"-Xms{HEAP}", "-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}{os.sep}*",
    ]  # fmt: skip


def _check_java() -> None:
    if shutil.which("java") is None:
        raise EmbeddedBrokerError("Apache Kafka needs Java, and there is none (apt: default-jre-headless)")
    said = _run(["java", "-version"], cwd=None, timeout_seconds=JAVA_TIMEOUT_SECONDS)
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < FIRST_JAVA:
        raise EmbeddedBrokerError(f"Apache Kafka {VERSION} needs Java {FIRST_JAVA} or later; found: {said}")


def _run(command: list[str], *, cwd: str | None, timeout_seconds: float) -> str:
    shown = " ".join(command)
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EmbeddedBrokerError(f"no answer in {timeout_seconds:.0f} s: {shown}") from None
    said = f"{done.stdout}{done.stderr}".strip()
    if done.returncode != 0:
        raise EmbeddedBrokerError(f"failed ({done.returncode}): {shown}\n{said[-1000:]}")
    return said
