"""docker-compose.yml without an engine: every word in it refers to something that exists."""

import re
import shlex

import pytest
import yaml
from typer._click.core import Context

from cli.catalogue import CATALOGUE
from cli.main import load
from cli.settings import Settings
from tests.contract.repository import ROOT, blocks
from tests.operations.compose import (
    BACKUP_IMAGE,
    INTERPOLATED,
    OUR_IMAGE,
    PATH,
    compose,
    is_long_running,
    ours,
    secrets_of,
    services,
)

SETTINGS = {str(field.validation_alias) for field in Settings.model_fields.values()}
WEB_SERVER = {"FORWARDED_ALLOW_IPS"}
"""What uvicorn reads by itself, and the docs describe beside our own settings."""
COMMANDS = {entry.name: entry for entry in CATALOGUE}
SECRET_SETTINGS = {"DATABASE_PASSWORD", "KAFKA_SASL_PASSWORD"}


def each(found):
    return [pytest.param(name, found[name], id=name) for name in found]


def billing_lines():
    """Every command line that reaches our image: commands, and health checks."""
    for name, service in ours().items():
        if "command" in service:
            yield pytest.param(service["command"], id=name)
        if "healthcheck" in service:
            kind, program, *words = service["healthcheck"]["test"]
            assert (kind, program) == ("CMD", "billing")
            yield pytest.param(words, id=f"{name} healthcheck")


@pytest.mark.parametrize("words", list(billing_lines()))
def test_billing_accepts_every_command_line(words):
    name, *arguments = words
    command = load(COMMANDS[name])
    Context(command, info_name=name)
    command.make_context(name, list(arguments))


@pytest.mark.parametrize(("name", "service"), each(ours()))
def test_every_variable_is_a_setting(name, service):
    more = WEB_SERVER if service.get("command") == ["serve"] else set()
    assert set(service["environment"]) - SETTINGS == more
    known = {target for target in secrets_of(service) if target in SETTINGS}
    assert known == set(secrets_of(service)), "a secret that no setting reads"
    assert known, "every process of ours needs the database's password"


@pytest.mark.parametrize(("name", "service"), each(services()))
def test_no_secret_is_in_the_file(name, service):
    for variable, value in service.get("environment", {}).items():
        assert variable not in SECRET_SETTINGS
        if re.search("PASSWORD|SECRET|TOKEN", variable):
            assert variable.endswith(("_FILE", "_FOLDER")), variable
        assert not re.search(r"://[^/@\s]*:[^/@\s]*@", str(value)), variable


@pytest.mark.parametrize(("name", "service"), each(services()))
def test_what_a_service_names_exists(name, service):
    assert set(secrets_of(service).values()) <= set(compose()["secrets"])
    assert set(service["networks"]) <= set(compose()["networks"])
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in compose()["volumes"], volume
    for other, needed in service.get("depends_on", {}).items():
        condition = needed["condition"]
        if condition == "service_healthy":
            assert "healthcheck" in services()[other]
        elif condition == "service_completed_successfully":
            assert not is_long_running(services()[other])
        else:
            pytest.fail(f"{other}: {condition} waits for nothing")


@pytest.mark.parametrize("kind", ["volumes", "secrets", "networks"])
def test_nothing_is_declared_that_nobody_uses(kind):
    used = {
        word.partition(":")[0] if isinstance(word, str) else word["source"]
        for service in services().values()
        for word in service.get(kind, [])
    }
    assert set(compose()[kind]) - used == set()


@pytest.mark.parametrize(("name", "service"), each(services()))
def test_a_service_is_guarded(name, service):
    """Non-root, no capability, no new privileges, restarted; what runs on is watched and bounded."""
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service["logging"]["options"]["max-size"]
    if name not in ours():  # ours: the Dockerfile's USER
        assert service["user"] not in {"root", "0"}
    if name in ours() or name == "postgres":
        assert service["read_only"] is True
        assert "/tmp" in service["tmpfs"]  # noqa: S108 - the container's own
    if is_long_running(service) and not service.get("profiles"):
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize(("name", "service"), each(services()))
def test_an_image_has_a_tag(name, service):
    repository, _, tag = service["image"].partition(":")
    assert repository
    assert re.fullmatch(r"\d+(\.\d+)*", tag), service["image"]


def test_every_process_that_must_run_does():
    """Each logs in as a role of its own; the administrator is for the migration, logins and backups."""
    commands = {service.get("command", [None])[0]: service for service in ours().values()}
    assert {"migrate", "consume", "project", "serve"} <= set(commands)
    logins = {name: secrets_of(service)["DATABASE_PASSWORD"] for name, service in ours().items()}
    assert [name for name, login in logins.items() if login == "postgres"] == ["migrate", "backup"]
    for name, service in ours().items():
        user = re.match(r"postgresql://(\w+)@postgres/billing", service["environment"]["DATABASE_URL"])
        assert user, name
        assert user[1] == logins[name]


def test_the_ports_that_are_open_to_the_host_are_those_of_loopback():
    for service in services().values():
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), port


def test_every_variable_that_the_reader_may_set_is_a_setting():
    names = {found["name"] for found in INTERPOLATED.finditer(PATH.read_text(encoding="utf-8"))}
    assert names
    assert names - SETTINGS == WEB_SERVER


def test_the_embedded_scripts_are_shell():
    """They are run by sh -c; `$$` is how compose writes `$`."""
    for name in ("topics", "logins"):
        (script,) = services()[name]["command"]
        assert shlex.split(script.replace("$$", "$"), comments=True)


def test_our_images_are_built_from_here():
    for name, service in ours().items():
        is_backup = name == "backup"
        assert service["build"] == ({"context": ".", "target": "backup"} if is_backup else ".")
        assert service["image"].startswith(f"{BACKUP_IMAGE if is_backup else OUR_IMAGE}:")


def test_a_backup_is_made_by_programs_as_new_as_the_server():
    """PostgreSQL's port is open to nobody: the service that dumps it brings the programs, and the scripts."""
    backup, server = services()["backup"], services()["postgres"]["image"].partition(":")[2]
    assert f"postgresql-client-{server} " in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert backup["volumes"] == ["./deploy:/deploy:ro"]
    assert (backup["profiles"], backup["entrypoint"]) == (["tools"], ["/bin/sh"])


def test_the_listener_that_deploy_md_adds_leaves_those_that_are_there():
    """An override replaces variables as a whole: what it forgets is gone."""
    (block,) = (block for block in blocks("yaml") if "  kafka:\n" in block.text)
    added = yaml.safe_load(block.text)["services"]["kafka"]
    standing = services()["kafka"]["environment"]
    for name, value in added["environment"].items():
        assert value.startswith(f"{standing[name]},"), name
        assert "OUTSIDE:" in value.removeprefix(standing[name])
    host, outside, inside = added["ports"][0].split(":")
    assert f"OUTSIDE://{host}:{outside}" in added["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert added["environment"]["KAFKA_LISTENERS"].endswith(f"OUTSIDE://:{inside}")
    (network,) = (block for block in blocks("yaml") if "  prometheus:\n" in block.text)
    (joined,) = yaml.safe_load(network.text)["networks"].values()
    assert joined["name"] in {f"{compose()['name']}_{name}" for name in compose()["networks"]}
