"""How clients are told to log in."""

from consumers.config import KafkaConfig


def test_sasl_over_tls():
    config = KafkaConfig(
        ("kafka:9093",),
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="ledger",
        sasl_password="secret",  # noqa: S106 - of nobody
        ssl_cafile="/etc/ca.pem",
    )
    assert config.client_settings() == {
        "bootstrap_servers": ["kafka:9093"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": "/etc/ca.pem",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ledger",
        "sasl_plain_password": "secret",
    }
    assert "secret" not in repr(config)


def test_plaintext_says_nothing_of_passwords():
    settings = KafkaConfig(("localhost:9092",), sasl_password="secret").client_settings()  # noqa: S106 - of nobody
    assert settings == {"bootstrap_servers": ["localhost:9092"], "security_protocol": "PLAINTEXT"}
