"""Settings and the clock come from the environment; what is wrong there is named."""

from datetime import UTC, datetime

import pytest
from psycopg.conninfo import conninfo_to_dict

from cli import clock
from cli.faults import WrongUseError
from cli.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    """Take every setting of ours out of the environment."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


def test_defaults():
    settings = read_settings()
    assert settings.topic == "billing.events"
    assert settings.dead_letter_topic == "billing.events.dlt"
    assert settings.consumer_group == "billing-ledger"
    assert settings.allowed_tenant_sources() == frozenset()
    assert settings.clock().tzinfo is UTC


@pytest.mark.parametrize(
    ("read", "named"),
    [
        pytest.param(Settings.database, "DATABASE_URL is not set", id="database"),
        pytest.param(Settings.brokers, "KAFKA_BOOTSTRAP_SERVERS is not set", id="brokers"),
    ],
)
def test_what_is_needed_and_not_set_is_named(read, named):
    with pytest.raises(WrongUseError, match=named):
        read(read_settings())


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        pytest.param("KAFKA_SESSION_TIMEOUT_MS", "soon", "KAFKA_SESSION_TIMEOUT_MS: 'soon'", id="no number"),
        pytest.param(
            "KAFKA_SECURITY_PROTOCOL", "TLS", "KAFKA_SECURITY_PROTOCOL: 'TLS'", id="no such protocol"
        ),
        pytest.param("BILLING_TOPIC", "", "BILLING_TOPIC: ''", id="empty"),
    ],
)
def test_a_bad_value_is_shown_with_its_variable(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(WrongUseError, match=message):
        read_settings()


def test_brokers_need_a_port(monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "one:9092, two")
    with pytest.raises(WrongUseError, match="'two' has no port"):
        read_settings().brokers()


def test_an_address_that_can_not_be_read_is_not_quoted(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://billing:hunter2@[localhost/billing")
    with pytest.raises(WrongUseError, match="no libpq URL") as refused:
        read_settings().database()
    assert "hunter2" not in str(refused.value)


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://billing:hunter2@localhost/billing")
    assert "hunter2" not in repr(read_settings())
    assert read_settings().database().endswith("hunter2@localhost/billing")


def test_a_file_of_the_secrets_folder_is_a_setting_that_the_environment_overrides(monkeypatch, tmp_path):
    (tmp_path / "DATABASE_PASSWORD").write_text("hunter2\n")
    (tmp_path / "BILLING_TOPIC").write_text("from-a-file")
    monkeypatch.setenv("DATABASE_URL", "postgresql://billing@localhost/billing")
    monkeypatch.setenv("BILLING_SECRETS_FOLDER", str(tmp_path))
    settings = read_settings()
    assert conninfo_to_dict(settings.database()) == {
        "user": "billing",
        "password": "hunter2",
        "host": "localhost",
        "dbname": "billing",
    }
    assert "hunter2" not in repr(settings)
    assert settings.topic == "from-a-file"
    monkeypatch.setenv("BILLING_TOPIC", "from-the-environment")
    assert read_settings().topic == "from-the-environment"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("postgresql://billing:hunter2@localhost/billing", id="before the host"),
        pytest.param("postgresql://billing@localhost/billing?password=hunter2", id="as a parameter"),
        pytest.param("host=localhost user=billing password=hunter2 dbname=billing", id="in libpq's words"),
    ],
)
def test_a_password_in_the_address_counts_before_the_other(monkeypatch, address):
    """As for PostgreSQL's own programs, to which deploy/backup hands both on."""
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.setenv("DATABASE_PASSWORD", "fromenv")
    found = conninfo_to_dict(read_settings().database())
    assert {name: found[name] for name in ("user", "password")} == {"user": "billing", "password": "hunter2"}


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["no newline", "newline", "as Windows ends lines"])
def test_blanks_belong_to_a_secret_and_the_newline_at_its_end_does_not(monkeypatch, tmp_path, ending):
    (tmp_path / "KAFKA_SASL_PASSWORD").write_bytes(b"  lead and trail " + ending.encode())
    monkeypatch.setenv("BILLING_SECRETS_FOLDER", str(tmp_path))
    password = read_settings().kafka_sasl_password
    assert password is not None
    assert password.get_secret_value() == "  lead and trail "


def test_a_secrets_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BILLING_SECRETS_FOLDER", str(tmp_path / "none"))
    with pytest.raises(WrongUseError, match=r"BILLING_SECRETS_FOLDER: .*none' is no folder"):
        read_settings()


def test_a_clock_file_is_read_at_each_look(tmp_path):
    path = tmp_path / "now"
    first, second = datetime(2026, 6, 24, 6, tzinfo=UTC), datetime(2026, 7, 2, 6, tzinfo=UTC)
    clock.move(path, first)
    now = clock.clock_from(f"file:{path}")
    assert now() == first
    clock.move(path, second)
    assert now() == second
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param("sundial", "'sundial' is no clock", id="unknown"),
        pytest.param("file:", "'file:' is no clock", id="no path"),
        pytest.param("file:{missing}", "no such file", id="missing file"),
        pytest.param("file:{naive}", "write 2026-07-02T06:00:00Z", id="instant without an offset"),
        pytest.param("file:{words}", "'half past six'", id="no instant"),
    ],
)
def test_a_clock_that_can_not_be_read_is_wrong_use(tmp_path, setting, message):
    (tmp_path / "naive").write_text("2026-07-02T06:00:00")
    (tmp_path / "words").write_text("half past six")
    paths = {name: tmp_path / name for name in ("missing", "naive", "words")}
    with pytest.raises(WrongUseError, match=message):
        clock.clock_from(setting.format(**paths))()
