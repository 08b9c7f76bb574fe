"""What the environment says: every setting of `billing`, its default, and what it is for."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from cli.clock import Clock, clock_from
from cli.faults import WrongUseError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["auto", "json", "text"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
EVERY_SOURCE: Final = "*"
SECRETS_FOLDER: Final = "BILLING_SECRETS_FOLDER"


class SecretFiles(SecretsSettingsSource):
    """Files whose name is a setting's, and whose text its value, but for the newline at its end.

    The library cuts blanks at both ends as well. They may be part of a password, and whoever else reads
    the file (a shell, psql, PostgreSQL's image) leaves them there.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the text of the setting's file, the setting's name, and whether it is more than a text."""
        value, name, is_complex = super().get_field_value(field, field_name)
        if value is not None:
            assert isinstance(self.secrets_dir, str), self.secrets_dir
            value = Path(self.secrets_dir, name).read_text(encoding="utf-8").rstrip("\r\n")
        return value, name, is_complex


class Settings(BaseSettings):
    """The settings, read once per process. Rooms other than `cli` never read the environment.

    What the environment does not name may stand in a file of that name in BILLING_SECRETS_FOLDER.
    """

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, extra="ignore")

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL (15 or later) that holds the ledger, as a libpq URL.",
    )
    database_password: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_PASSWORD",
        description="Password for DATABASE_URL, where it names none; never printed.",
    )
    kafka_bootstrap_servers: str | None = Field(
        default=None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="Brokers to begin with: host:port, several with commas.",
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT",
        validation_alias="KAFKA_SECURITY_PROTOCOL",
        description="How the brokers are spoken to.",
    )
    kafka_sasl_mechanism: SaslMechanism | None = Field(
        default=None,
        validation_alias="KAFKA_SASL_MECHANISM",
        description="How to log in, when the security protocol is one of SASL.",
    )
    kafka_sasl_username: str | None = Field(
        default=None, validation_alias="KAFKA_SASL_USERNAME", description="Name for SASL."
    )
    kafka_sasl_password: SecretStr | None = Field(
        default=None, validation_alias="KAFKA_SASL_PASSWORD", description="Password for SASL; never printed."
    )
    kafka_ssl_cafile: str | None = Field(
        default=None,
        validation_alias="KAFKA_SSL_CAFILE",
        description="File with the certificates that may sign the brokers' (PEM); default: the system's.",
    )
    kafka_session_timeout_ms: int = Field(
        default=45_000,
        ge=1_000,
        validation_alias="KAFKA_SESSION_TIMEOUT_MS",
        description="After this silence the group gives a consumer's partitions to others. "
        "The embedded broker takes half of it for each join: 2000 there.",
    )
    topic: str = Field(
        default="billing.events",
        min_length=1,
        validation_alias="BILLING_TOPIC",
        description="Topic that events come in by.",
    )
    dead_letter_topic: str = Field(
        default="billing.events.dlt",
        min_length=1,
        validation_alias="BILLING_DEAD_LETTER_TOPIC",
        description="Topic for messages that can't be booked.",
    )
    consumer_group: str = Field(
        default="billing-ledger",
        min_length=1,
        validation_alias="BILLING_CONSUMER_GROUP",
        description="Consumer group that shares the topic's partitions.",
    )
    tenant_sources: str = Field(
        default="",
        validation_alias="BILLING_TENANT_SOURCES",
        description="Event sources that may send tenant.configured, several with commas; * allows all.",
    )
    api_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        validation_alias="BILLING_API_HOST",
        description="Address that `serve` listens on; 0.0.0.0 for all.",
    )
    api_port: int = Field(
        default=8000, ge=1, le=65_535, validation_alias="BILLING_API_PORT", description="Port of `serve`."
    )
    api_workers: int = Field(
        default=1, ge=1, validation_alias="BILLING_API_WORKERS", description="Processes that `serve` starts."
    )
    api_connections: int = Field(
        default=10,
        ge=1,
        validation_alias="BILLING_API_CONNECTIONS",
        description="At most so many connections to the database for each process of `serve`.",
    )
    clock_setting: str = Field(
        default="system",
        validation_alias="BILLING_CLOCK",
        description="The ledger's clock: system, or file:PATH with one RFC 3339 instant, read at each look.",
    )
    log_level: LogLevel = Field(
        default="INFO",
        validation_alias="BILLING_LOG_LEVEL",
        description="The least grave log line that is written: DEBUG, INFO, WARNING or ERROR.",
    )
    log_format: LogFormat = Field(
        default="auto",
        validation_alias="BILLING_LOG_FORMAT",
        description="json: a JSON object a line; text: for people; auto: text on a terminal, else json.",
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        validation_alias="BILLING_METRICS_PORT",
        description="Port for /metrics and /health of consume, project and serve; none: not served.",
    )
    metrics_address: str = Field(
        default="127.0.0.1",
        min_length=1,
        validation_alias="BILLING_METRICS_ADDRESS",
        description="Address that the metrics port is bound to; nobody is asked who he is there.",
    )
    metrics_file: Path | None = Field(
        default=None,
        validation_alias="BILLING_METRICS_FILE",
        description="File that a bill run leaves its metrics in, for a collector of text files (NAME.prom).",
    )
    secrets_folder: Path | None = Field(
        default=None,
        validation_alias="BILLING_SECRETS_FOLDER",
        description="Folder with one file for each setting that the environment does not name.",
    )
    traceparent: str | None = Field(
        default=None,
        validation_alias="TRACEPARENT",
        description="The trace (W3C Trace Context) that a bill run belongs to; a new one by default.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment and then, if one is named, the folder of secrets; no .env file."""
        del dotenv_settings, file_secret_settings
        folder = os.environ.get(SECRETS_FOLDER) or None
        return init_settings, env_settings, SecretFiles(settings_cls, secrets_dir=folder)

    def database(self) -> str:
        """Return the database's address. Raises WrongUseError where none is set, or it can't be read."""
        import psycopg

        address = "" if self.database_url is None else self.database_url.get_secret_value().strip()
        if not address:
            message = "DATABASE_URL is not set; write for example postgresql://billing@localhost/billing"
            raise WrongUseError(message)
        try:
            named = psycopg.conninfo.conninfo_to_dict(address)
        except psycopg.ProgrammingError:  # its words may quote the password
            message = "DATABASE_URL: no libpq URL; write for example postgresql://billing@localhost/billing"
            raise WrongUseError(message) from None
        if self.database_password is not None and not named.get("password"):
            password = self.database_password.get_secret_value()
            return psycopg.conninfo.make_conninfo(address, password=password)
        return address

    def brokers(self) -> tuple[str, ...]:
        """Return the brokers to begin with. Raises WrongUseError where none is set, or one has no port."""
        servers = tuple(_parts(self.kafka_bootstrap_servers or ""))
        if not servers:
            message = "KAFKA_BOOTSTRAP_SERVERS is not set; write host:port, for example localhost:9092"
            raise WrongUseError(message)
        for server in servers:
            if not server.rpartition(":")[2].isdecimal():
                message = f"KAFKA_BOOTSTRAP_SERVERS: {server!r} has no port; write host:port"
                raise WrongUseError(message)
        return servers

    def allowed_tenant_sources(self) -> frozenset[str]:
        """Return the sources that may open a tenant's ledger; `{"*"}` stands for every source."""
        return frozenset(_parts(self.tenant_sources))

    @cached_property
    def clock(self) -> Clock:
        """The ledger's clock. Raises WrongUseError for a setting that names none."""
        return clock_from(self.clock_setting)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def read_settings() -> Settings:
    """Read the environment. Raises WrongUseError that names variable, value and remedy."""
    folder = os.environ.get(SECRETS_FOLDER) or None
    if folder is not None and not Path(folder).is_dir():
        message = f"{SECRETS_FOLDER}: {folder!r} is no folder; mount the secrets there, or leave it out"
        raise WrongUseError(message)
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = str(problem["loc"][0])
        shown = "(hidden)" if "PASSWORD" in name or "URL" in name else repr(problem["input"])
        message = f"{name}: {shown}: {problem['msg']}; see docs/reference/settings.md"
        raise WrongUseError(message) from None
