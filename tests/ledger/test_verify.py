"""Whatever a superuser changes behind the ledger's back is found, and the first bad seq is named."""

import json

import pytest
from psycopg import sql

import ledger.verify
from cli.main import main
from ledger.accounts import Standing, decide
from ledger.errors import TenantNotOpenError
from ledger.merkle import Frontier, leaf_hash
from ledger.read import each_fact
from ledger.verify import Finding, TreeHead, tenants, verify
from tests.ledger.samples import MOMENT, book, connect, event, heard, issue, opening, service

pytestmark = pytest.mark.postgres

FACTS = [
    opening(),
    service("e2", "svc-1"),
    service("e3", "svc-2", attributes={"site": "ZRH", "customer_id": "elsewhere"}),
    service("e4", "svc-3", attributes={"rack": {"unit": 3}, "note": "}{"}),
    heard(event("e5", "service.suspended", {"service_id": "svc-1", "effective": "2026-07-01"})),
    heard(event("e6", "product.published", {"product_id": "p-1", "name": "Laptop", "prices": []})),
    heard(event("e7", "customer.registered", {"customer_id": 'c-"1"\u2028ü', "name": "personal:sha256:00"})),
    heard(event("e8", "service.activated", {
        "service_id": "svc-ö", "customer_id": "c-1", "effective": "2026-07-01",
        "already_billed_through": "2026-06-30",
    })),
    heard(event("e9", "event.rejected", {"reason": "schema", "origin": "kafka:t/0/1"})),
    *decide("acme", Standing("c-1", 0, None), [issue("INV-1"), issue("INV-2")], moment=MOMENT),
    heard(event("e14", "service.voided", {
        "service_id": "svc-1", "effective": "2026-07-01", "supersedes": {"id": "e2"},
        "attributes": {"customer_id": "c-1"},
    })),
    heard(event("e15", "adjustment.entered", {"adjustment_id": "a", "customer_id": "c-1", "amount": "-5"})),
]  # fmt: skip
SIZE = 15


TAKE_A_COPY = """
    CREATE SCHEMA copy;
    CREATE TABLE copy.fact AS SELECT * FROM ledger.fact;
    CREATE TABLE copy.head AS SELECT * FROM ledger.head"""
RESTORE_THE_COPY = """
    ALTER TABLE ledger.fact DISABLE TRIGGER ALL;
    TRUNCATE ledger.fact, ledger.head CASCADE;
    INSERT INTO ledger.fact SELECT * FROM copy.fact;
    INSERT INTO ledger.head SELECT * FROM copy.head"""


@pytest.fixture(scope="module")
def written(module_database):
    with connect(module_database) as connection:
        book(connection, FACTS)
        book(connection, [opening("other"), service("e2", tenant="other")], "other")
        connection.execute(TAKE_A_COPY)
    return module_database


@pytest.fixture
def ledger_url(written, monkeypatch):
    """A ledger of 14 facts of every kind, untouched, verified in chunks of four."""
    monkeypatch.setattr(ledger.verify, "CHUNK_FACTS", 4)
    with connect(written) as connection:
        connection.execute(RESTORE_THE_COPY)
    return written


def found(url, **options):
    return verify(lambda: connect(url), "acme", **options)


def tamper(url, statement, *parameters):
    """What a superuser can do: switch the triggers off, and change what is stored."""
    with connect(url) as connection, connection.transaction():
        connection.execute("ALTER TABLE ledger.fact DISABLE TRIGGER ALL")
        assert connection.execute(statement, parameters).rowcount > 0
        connection.execute("ALTER TABLE ledger.fact ENABLE ALWAYS TRIGGER fact_is_never_changed")


def test_an_untouched_ledger_is_fine_and_has_the_root_of_its_leaves(ledger_url):
    result = found(ledger_url)
    with connect(ledger_url) as connection:
        leaves = [fact.leaf for fact in each_fact(connection, "acme")]
    frontier = Frontier()
    frontier.extend(leaves)
    assert (result.findings, result.size) == ((), SIZE)
    assert result.tree == TreeHead(SIZE, frontier.root().hex())


@pytest.mark.parametrize("size", [1, 4, 6, SIZE])
def test_what_was_printed_at_any_size_is_still_held(ledger_url, size):
    with connect(ledger_url) as connection:
        leaves = [fact.leaf for fact in each_fact(connection, "acme", up_to_seq=size)]
    frontier = Frontier()
    frontier.extend(leaves)
    assert found(ledger_url, expect=TreeHead(size, frontier.root().hex())).findings == ()
    wrong = found(ledger_url, expect=TreeHead(size, leaf_hash(b"other").hex()))
    assert [(finding.seq, finding.reason) for finding in wrong.findings] == [(size, "root_differs")]


CHANGED_ROWS = [
    ("payload", 2, "payload = replace(encode(payload, 'escape'), '06-24', '06-25')::bytea"),
    ("payload that is no text", 6, "payload = '\\xff00'"),
    ("payload that is no JSON", 4, "payload = replace(encode(payload, 'escape'), '}', ' ')::bytea"),
    ("recorded_at", 9, "recorded_at = recorded_at + interval '1 microsecond'"),
    ("type", 4, "type = 'service.changed'"),
    ("origin", 4, "origin = 'kafka:t/0/8'"),
    ("event id", 4, "event_id = 'e99'"),
    ("source", 4, "source = '/x'"),
    ("schema version", 4, "schema_version = 2"),
    ("stream", 5, "stream = 'service/svc-9'"),
    ("leaf", 14, "leaf = sha256('')"),
]
CHANGED_COLUMNS = [
    ("customer", 2, "customer_id = 'c-2'"),
    ("customer that reads like more of the payload", 2, """customer_id = 'c-1","effective":"2026-06-24'"""),
    ("customer taken out", 3, "customer_id = NULL"),
    ("customer that an attribute names", 3, "customer_id = 'elsewhere'"),
    ("customer put in that an attribute names", 14, "customer_id = 'c-1'"),
    ("customer beside nested attributes", 4, "customer_id = 'c-2'"),
    ("customer after another field", 8, "customer_id = 'c-2'"),
    ("customer put in", 6, "customer_id = 'c-1'"),
    ("customer of a customer", 7, "customer_id = 'c-1'"),
    ("customer of a document", 10, "customer_id = NULL"),
    ("version", 5, "version = 99"),
    ("version of a document", 12, "version = 99"),
    ("part of lines", 13, "version = 99"),
]
LEFT_OUT = [
    ("a row deleted", (7, "missing"), "DELETE FROM ledger.fact WHERE tenant_id = 'acme' AND seq = 7"),
    ("tail cut, head left", (9, "missing"), "DELETE FROM ledger.fact WHERE tenant_id = 'acme' AND seq > 8"),
    ("moved beyond the head", (14, "missing"), "UPDATE ledger.fact SET seq = 23 WHERE seq = 14"),
    ("head deleted", (1, "head_missing"), "DELETE FROM ledger.head WHERE tenant_id = 'acme'"),
    ("head set back", (13, "beyond_head"), "UPDATE ledger.head SET size = 12 WHERE tenant_id = 'acme'"),
]


@pytest.mark.parametrize(
    ("seq", "reason", "change"),
    [
        pytest.param(seq, reason, change, id=name)
        for reason, changes in (("leaf_differs", CHANGED_ROWS), ("column_differs", CHANGED_COLUMNS))
        for name, seq, change in changes
    ],
)
def test_a_changed_row_is_found(ledger_url, seq, reason, change):
    tamper(ledger_url, f"UPDATE ledger.fact SET {change} WHERE tenant_id = 'acme' AND seq = {seq}")
    assert [(finding.seq, finding.reason) for finding in found(ledger_url).findings] == [(seq, reason)]
    assert verify(lambda: connect(ledger_url), "other").findings == ()


@pytest.mark.parametrize(
    ("expected", "statement"),
    [pytest.param(expected, statement, id=name) for name, expected, statement in LEFT_OUT],
)
def test_what_was_left_out_is_found(ledger_url, expected, statement):
    tamper(ledger_url, statement)
    result = found(ledger_url)
    assert (result.findings[0].seq, result.findings[0].reason) == expected
    assert verify(lambda: connect(ledger_url), "other").findings == ()


def test_two_rows_swapped_are_both_found(ledger_url):
    swap = "UPDATE ledger.fact SET seq = %s, version = %s WHERE tenant_id = 'acme' AND seq = %s"
    for new, old in ((100, 3), (3, 5), (5, 100)):
        tamper(ledger_url, swap, new, new, old)
    assert [(finding.seq, finding.reason) for finding in found(ledger_url).findings] == [
        (3, "leaf_differs"), (5, "leaf_differs"),
    ]  # fmt: skip


def test_a_fact_moved_to_another_tenant_is_found(ledger_url):
    tamper(ledger_url, "DELETE FROM ledger.fact WHERE tenant_id = 'acme' AND seq = 2")
    tamper(ledger_url, "UPDATE ledger.fact SET tenant_id = 'acme' WHERE tenant_id = 'other' AND seq = 2")
    assert [(finding.seq, finding.reason) for finding in found(ledger_url).findings] == [(2, "leaf_differs")]


def test_a_tail_cut_with_its_head_is_found_by_what_was_printed(ledger_url):
    printed = found(ledger_url).tree
    tamper(ledger_url, "DELETE FROM ledger.fact WHERE tenant_id = 'acme' AND seq > 9")
    tamper(ledger_url, "UPDATE ledger.head SET size = 9 WHERE tenant_id = 'acme'")
    assert found(ledger_url).findings == ()
    assert found(ledger_url, expect=printed).findings == (
        Finding(10, "tail_missing", "the ledger ends at 9; 15 facts were expected"),
    )


def test_a_row_rewritten_with_its_leaf_is_found_by_what_was_printed(ledger_url):
    printed = found(ledger_url).tree
    forged = service("e2", "svc-1", effective="2020-01-01")
    tamper(
        ledger_url, "UPDATE ledger.fact SET payload = %s WHERE tenant_id = 'acme' AND seq = 2", forged.payload
    )
    leaf_of_row = sql.SQL("SELECT {} FROM ledger.fact WHERE tenant_id = 'acme' AND seq = 2")
    with connect(ledger_url) as connection:
        (leaf,) = connection.execute(leaf_of_row.format(sql.SQL(ledger.verify.LEAF_SQL))).fetchone()
    tamper(ledger_url, "UPDATE ledger.fact SET leaf = %s WHERE tenant_id = 'acme' AND seq = 2", leaf)
    assert found(ledger_url).findings == ()
    assert [(finding.seq, finding.reason) for finding in found(ledger_url, expect=printed).findings] == [
        (SIZE, "root_differs")
    ]


def test_a_ledger_that_nobody_opened_is_an_error(ledger_url):
    with pytest.raises(TenantNotOpenError, match="nobody"):
        verify(lambda: connect(ledger_url), "nobody")


def test_tenants_are_those_with_a_head_or_a_fact(ledger_url):
    tamper(ledger_url, "DELETE FROM ledger.head WHERE tenant_id = 'other'")
    with connect(ledger_url) as connection:
        assert tenants(connection) == ("_system", "acme", "other")


def test_the_command_prints_positions_and_exits_1_at_a_bad_seq(ledger_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", ledger_url)
    tree = found(ledger_url).tree
    assert main(["verify", "--tenant", "acme", "--expect", f"{tree.size}:{tree.root}"]) == 0
    assert capsys.readouterr().out == f"acme: fine, {tree.size}:{tree.root}\n"
    tamper(ledger_url, "UPDATE ledger.fact SET customer_id = 'c-2' WHERE tenant_id = 'acme' AND seq = 2")
    assert main(["verify"]) == 1
    assert "acme: BAD at seq 2: customer_id is 'c-2'; the payload says 'c-1'" in capsys.readouterr().out
    assert main(["verify", "--json"]) == 1
    answer = {one["tenant"]: one for one in json.loads(capsys.readouterr().out)}
    assert [(name, one["fine"]) for name, one in answer.items()] == [
        ("_system", True), ("acme", False), ("other", True),
    ]  # fmt: skip
    assert answer["acme"]["findings"][0]["seq"] == 2


@pytest.mark.parametrize(
    "arguments",
    [["--tenant", "acme", "--expect", "12"], ["--expect", f"1:{'0' * 64}"]],
    ids=["no SIZE:ROOT", "a root without its tenant"],
)
def test_an_expectation_that_cannot_be_meant_is_wrong_use(ledger_url, monkeypatch, capsys, arguments):
    monkeypatch.setenv("DATABASE_URL", ledger_url)
    assert main(["verify", *arguments]) == 2
    assert capsys.readouterr().err.startswith("billing: --expect: ")
