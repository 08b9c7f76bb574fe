"""The logins of production, made by the script that makes them there: each does its work and no more."""

import re
import subprocess
from functools import partial
from pathlib import Path

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg import errors, sql

from cli.embedded.postgres import postgres as run_postgres
from cli.embedded.postgres import program
from cli.main import main
from cli.monitoring.billing import OrderedRuns
from cli.monitoring.consuming import LedgerStanding
from ledger.migrate import migrate
from tests.consumers.fake_source import FakeSource
from tests.consumers.stream import activation, encoded, records, tenant, wait_until
from tests.consumers.test_loop import member
from tests.contract.repository import ROOT
from tests.operations.compose import ours, secrets_of
from tests.operations.test_metrics import Ends

pytestmark = pytest.mark.postgres
LOGINS = ("billing_consume", "billing_project", "billing_serve", "billing_operate")


def make_secrets(folder: Path) -> None:
    subprocess.run([str(ROOT / "deploy" / "make-secrets"), str(folder)], check=True, capture_output=True)


def make_logins(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "deploy" / "logins.sql")
    words = ["--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-v", f"secrets={folder}", "-f", script, url]
    return subprocess.run([program("psql"), *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own: logins belong to the server, and the others' tests have none."""
    folder = tmp_path_factory.mktemp("logins")
    with run_postgres(folder / "postgres", settings={"fsync": "off"}) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE billing")
        with psycopg.connect(server.url("billing"), autocommit=True) as connection:
            migrate(connection)
        make_secrets(folder / "secrets")
        done = make_logins(server.url("billing"), folder / "secrets")
        assert (done.returncode, done.stderr) == (0, "")
        yield server


@pytest.fixture(scope="module")
def secrets(server):
    return server.folder.parent / "secrets"


def address(server, login):
    """Over TCP, with the password that is asked for there."""
    return f"postgresql://{login}@127.0.0.1:{server.port}/billing"


@pytest.fixture
def as_login(server, secrets, monkeypatch, tmp_path):
    """Let `billing` run as a login, with its password as the container has it: a file."""

    def become(login):
        folder = tmp_path / login
        folder.mkdir(exist_ok=True)
        (folder / "DATABASE_PASSWORD").write_text((secrets / login).read_text() + "\n")
        monkeypatch.setenv("BILLING_SECRETS_FOLDER", str(folder))
        monkeypatch.setenv("DATABASE_URL", address(server, login))
        monkeypatch.setenv("BILLING_TENANT_SOURCES", "/operator")

    return become


def password(secrets, login):
    return (secrets / login).read_text()


def connect(server, secrets, login):
    return psycopg.connect(address(server, login), password=password(secrets, login), autocommit=True)


def test_each_process_does_its_work(as_login, tmp_path, capsys):
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join(encoded(event) for event in (tenant(), activation(1))) + b"\nno event\n")
    as_login("billing_operate")
    assert main(["import", str(events)]) == 1, "a line of it is no event"
    as_login("billing_project")
    assert main(["project", "--once"]) == 0
    as_login("billing_operate")
    for line in (
        "run --date 2026-07-02 --tenant acme",
        "preview --tenant acme",
        "anomalies --tenant acme",
        "dead-letters list",
        "verify",
        "audit all --workers 1",
        "rebuild",
    ):
        assert main(line.split()) == 0, (line, capsys.readouterr())


def test_the_consumer_appends_as_in_production(server, secrets):
    url = psycopg.conninfo.make_conninfo(
        address(server, "billing_consume"), password=password(secrets, "billing_consume")
    )
    refused = b"no event"
    source = FakeSource({0: records(tenant("other"), activation(2, tenant_id="other"), refused)})
    with member(source, url):
        wait_until(lambda: list(source.hints.values()) == [3])
    registry = CollectorRegistry()
    registry.register(LedgerStanding(partial(psycopg.connect, url), Ends({}), topic="events"))
    assert registry.get_sample_value("billing_ledger_facts", {"tenant": "other"}) == 2


def test_the_server_of_the_api_sees_every_tenants_bill_runs(server, secrets):
    registry = CollectorRegistry()
    registry.register(OrderedRuns(partial(connect, server, secrets, "billing_serve")))
    assert registry.get_sample_value("billing_database_up") == 1


@pytest.mark.parametrize("login", LOGINS)
def test_no_login_is_more_than_a_login(server, secrets, login):
    with connect(server, secrets, login) as connection:
        rights = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        found = connection.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user").fetchone()
        assert found == (False,) * 5
        for statement in (
            "UPDATE ledger.fact SET payload = ''",
            "DELETE FROM ledger.fact",
            "TRUNCATE ledger.fact",
            "ALTER TABLE ledger.fact DISABLE TRIGGER ALL",
            "UPDATE ledger.migration SET checksum = ''",
            "CREATE TABLE ledger.mine ()",
            "CREATE ROLE mine",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


MAY_NOT_ENTER = {
    "billing_consume": {"billing_projector", "billing_app", "billing_eraser"},
    "billing_project": {"billing_appender", "billing_app", "billing_eraser"},
    "billing_serve": {"billing_eraser"},
    "billing_operate": set(),
}


@pytest.mark.parametrize(("login", "roles"), MAY_NOT_ENTER.items(), ids=MAY_NOT_ENTER)
def test_a_login_enters_the_roles_of_its_work_alone(server, secrets, login, roles):
    with connect(server, secrets, login) as connection:
        for role in sorted({"postgres", *roles}):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for role in sorted({"billing_appender", "billing_projector", "billing_app"} - roles):
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            connection.execute("RESET ROLE")


def test_outside_of_a_role_no_tenant_is_seen(server, secrets):
    with connect(server, secrets, "billing_operate") as connection:
        assert connection.execute("SELECT count(*) FROM ledger.fact").fetchone() == (0,)


def test_a_wrong_password_is_refused_and_not_repeated(as_login, server, tmp_path, capsys):
    as_login("billing_operate")
    (tmp_path / "billing_operate" / "DATABASE_PASSWORD").write_text("hunter2")
    assert main(["verify"]) == 1
    said = capsys.readouterr()
    assert "password authentication failed" in said.err
    assert "hunter2" not in said.err


def test_running_it_again_sets_new_passwords(server, secrets, tmp_path):
    make_secrets(tmp_path / "new")
    kept = password(secrets, "billing_project")
    for login in LOGINS:
        folder = tmp_path / "new" if login == "billing_project" else secrets
        (tmp_path / login).write_text(password(folder, login))
    try:
        assert make_logins(server.url("billing"), tmp_path).returncode == 0
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(address(server, "billing_project"), password=kept)
        connect(server, tmp_path, "billing_project").close()
    finally:
        assert make_logins(server.url("billing"), secrets).returncode == 0


def test_a_login_that_compose_uses_is_made(secrets):
    used = {secrets_of(service)["DATABASE_PASSWORD"] for service in ours().values()} - {"postgres"}
    assert used <= set(LOGINS)
    assert {path.name for path in secrets.iterdir()} == {"postgres", *LOGINS}


def test_the_page_names_the_roles_that_each_login_enters(server):
    page = (ROOT / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    roles = set(re.findall(r"^\| `(billing_\w+)` \|", page.partition("can log in")[0], re.MULTILINE))
    rows = re.findall(r"^\| `(billing_\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    said = {
        login: roles if "all of them" in text else set(re.findall(r"`(\w+)`", text)) for login, text in rows
    }
    with psycopg.connect(server.url("billing")) as connection:
        granted = connection.execute(
            "SELECT member.rolname, array_agg(role.rolname) FROM pg_auth_members"
            " JOIN pg_roles AS role ON role.oid = roleid JOIN pg_roles AS member ON member.oid = member"
            " WHERE member.rolname = ANY(%s) GROUP BY 1",
            (list(LOGINS),),
        ).fetchall()
    assert said == {login: set(entered) for login, entered in granted}


def test_whom_the_page_lets_migrate_may(tmp_path):
    """From PostgreSQL 16 on, an owner who is no superuser; a server of its own, as roles are the server's."""
    page = (ROOT / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")
    (setting,) = re.findall(r"`ALTER ROLE owner SET (createrole_self_grant = '[^`]+')`", page)
    with run_postgres(tmp_path / "postgres", settings={"fsync": "off"}) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE ROLE owner LOGIN CREATEROLE BYPASSRLS")
            connection.execute(f"ALTER ROLE owner SET {setting}")
            connection.execute("CREATE DATABASE billing OWNER owner")
        with psycopg.connect(server.url("billing", user="owner"), autocommit=True) as connection:
            migrate(connection)
            connection.execute("SET ROLE billing_projector")


def test_secrets_are_made_once_and_differ(tmp_path):
    make_secrets(tmp_path / "secrets")
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert len(set(first.values())) == len(first)
    assert all(len(text) == 48 for text in first.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    make_secrets(tmp_path / "secrets")
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == first
