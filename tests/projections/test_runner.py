"""The projection group: the same rows whatever the batches; queue, parking, rebuild."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import sql

from cli.simulate.scenario_file import Scenario
from projections import (
    anomalies,
    bookmarks,
    books,
    catalog,
    charges,
    group,
    invoices,
    parking,
    queue,
    refresh,
    runner,
    services,
)
from projections.preview import preview
from projections.rebuild import ModelUnknownError, RebuildRunningError, _alone, rebuild
from projections.session import LIVE, writing
from projections.tables import RebuildNeededError
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live
from tests.projections.world import RENT, World, queued

pytestmark = pytest.mark.postgres


def tables(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every read model, without the order in which rows were written."""
    with world.connect() as connection, writing(connection) as cursor:
        names = sorted(group.TABLES.existing(cursor, LIVE))
        return {
            name: sorted(cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))), key=repr)
            for name in names
        }


@contextmanager
def batches_of(facts: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(runner, "FACTS_A_BATCH", facts)
        patch.setattr(runner, "QUEUED_A_BATCH", 2)
        yield


def busy(world: World, seed: int) -> None:
    live(Scenario.model_validate(generate(Random(seed))), world)


@pytest.mark.parametrize("seed", [3, 11, 27])
def test_rebuilt_equals_live(seed: int, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live: fact by fact between bill runs; rebuilt: each service once, from all its facts."""
    world = World(database)
    with batches_of(1, monkeypatch):
        busy(world, seed)
        world.project()
    before = tables(world)
    assert before["services_v1"]
    with world.connect() as connection:
        rebuild(connection, "all")
    assert tables(world) == before


@pytest.mark.parametrize("name", ["catalog", "services", "charges", "invoices"])
def test_one_read_model_is_rebuilt_alone(name: str, world: World) -> None:
    """What was lost in a read model comes back; facts that nobody had projected yet are no hindrance."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.run("2026-07-02")
    world.project()
    before = tables(world)
    spoilt = {"catalog": "prices_v1", "services": "services_v1", "charges": "run_rates_v1"}
    table = spoilt.get(name, "invoice_lines_v2")
    with world.connect() as connection, writing(connection) as cursor:
        cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    world.activate("s2", "c1", "laptop", "2026-07-03")
    with world.connect() as connection:
        assert rebuild(connection, name) == (name,)
    world.project()
    after = tables(world)
    assert len(after["services_v1"]) == len(before["services_v1"]) + 1
    assert after[table][: len(before[table])] == before[table] or len(after[table]) > len(before[table])


def test_tables_of_another_version_are_rebuilt_not_migrated(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.project()
    before = tables(world)
    with world.connect() as connection, writing(connection) as cursor:
        cursor.execute("ALTER TABLE services_v1 RENAME TO services_v0")
    with pytest.raises(RebuildNeededError, match="tables of services are of another version"):
        world.project()
    with world.connect() as connection:
        rebuild(connection, "services")
    assert tables(world) == before


def test_a_rebuild_needs_no_tables_to_begin_with(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    with world.connect() as connection:
        rebuild(connection, "all")
    rebuilt = tables(world)
    assert world.project() == 0
    assert tables(world) == rebuilt
    assert len(rebuilt["services_v1"]) == 1


def test_two_rebuilds_do_not_meet(world: World) -> None:
    with (
        world.connect() as first,
        world.connect() as second,
        _alone(first),
        pytest.raises(RebuildRunningError),
    ):
        rebuild(second, "all")


def test_an_amount_beyond_all_columns_parks_its_service_alone(world: World) -> None:
    world.product("dear", {**RENT, "amount": "999999999999999.99"})
    world.activate("s1", "c1", "dear", "2026-06-01", quantity="999999999999999")
    world.activate("s2", "c2", "laptop", "2026-06-01")
    report = world.run("2026-06-02")
    assert [d.customer_id for d in report.documents] == ["c2"]
    assert "AmountTooLargeError" in report.set_aside["c1"]


def test_the_largest_amounts_are_issued_and_read_and_larger_ones_never_issued(world: World) -> None:
    """What is issued can be read for ever; a document is refused before a number is drawn for it."""
    world.product("dear", {**RENT, "amount": "999999999999999.00"})
    world.activate("s1", "c1", "dear", "2026-06-01", quantity=9)
    for number in range(2):
        world.activate(f"two-{number}", "c2", "dear", "2026-06-01", quantity=9)
    report = world.run("2026-06-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 899_999_999_999_999_100)]
    assert "AmountTooLargeError: net" in report.set_aside["c2"]
    seen = preview(world.connect, world.tenant, clock=world.clock)
    assert "AmountTooLargeError: net" in seen.set_aside["c2"]
    with world.runner() as made:
        made.catch_up(world.tenant)
        assert made.parked(world.tenant) == []
    with world.read() as cursor:
        (listed,) = invoices.invoices(cursor, world.tenant)
    assert listed.net_minor == 899_999_999_999_999_100


def test_an_adjustment_beyond_all_columns_parks_its_customer_alone(world: World) -> None:
    said = {"effective": "2026-06-01", "reason": "typo", "author": "ann", "currency": "CLF"}
    entered = {"adjustment_id": "a-1", "customer_id": "c1", "amount": "999999999999999.9999"}
    world.hear("adjustment.entered", **entered, **said)
    world.activate("s2", "c2", "laptop", "2026-06-01")
    report = world.run("2026-06-02")
    assert [d.customer_id for d in report.documents] == ["c2"]
    assert "adjustment 'a-1'" in report.set_aside["c1"]


def test_an_unknown_read_model_is_named(world: World) -> None:
    with (
        world.connect() as connection,
        pytest.raises(ModelUnknownError, match="there are catalog, customers"),
    ):
        rebuild(connection, "nonsense")


def test_a_price_change_queues_what_it_touches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.activate(f"s{number}", "c1", "laptop", "2026-06-24")
    world.project()
    world.hear(
        "price.published",
        product_id="laptop",
        price_id="rent",
        amount="33.00",
        effective="2026-09-15",
        applies="immediately",
    )
    monkeypatch.setattr(runner, "QUEUED_BESIDE_FACTS", 1)
    with world.runner() as made, batches_of(100, monkeypatch):
        for left, what in ((4, "one beside the fact"), (2, "two where there is none")):
            made.step(world.tenant)
            (position,) = (p for p in made.positions() if p.tenant_id == world.tenant)
            assert (position.behind, position.queued) == (0, left), what
        made.catch_up(world.tenant)
        assert queued(made) == 0
    with world.read() as cursor:
        rates, amounts = charges.of_services(cursor, world.tenant, ["s4"])
    assert [(rate.amount_minor, str(rate.starts), str(rate.ends)) for rate in rates] == [
        (3000, "2026-07-01", "2026-09-01"),
        (3300, "2026-10-01", "None"),
    ]
    parts = [(a.amount_minor, str(a.period_start)) for a in amounts if a.kind == "recurring"]
    assert parts == [(700, "2026-06-24"), (1400, "2026-09-01"), (1760, "2026-09-15")]


def test_a_zone_heard_late_moves_the_day_of_an_instant(world: World) -> None:
    """22:30 UTC on 30 June is 1 July in Zurich, and still June in New York."""
    world.activate("s1", "c9", "laptop", "2026-06-30T22:30:00Z")
    world.project()

    def first_day() -> date:
        with world.read() as cursor:
            (held,) = services.service(cursor, world.tenant, "s1")
        return date.fromordinal(services.timeline_of(held).segments[0].start)

    assert first_day() == date(2026, 7, 1)
    world.customer("c9", timezone="America/New_York")
    world.project()
    assert first_day() == date(2026, 6, 30)


def test_anomalies_go_when_later_facts_make_sense_of_them(world: World) -> None:
    world.activate("s1", "c9", "tablet", "2026-06-24")
    world.hear("service.suspended", service_id="s2", effective="2026-06-25")
    world.project()

    def codes() -> list[tuple[str, str]]:
        with world.read() as cursor:
            return [(row.subject, row.code) for row in anomalies.anomalies(cursor, world.tenant)]

    found = codes()
    assert ("service/s1", "unknown_customer") in found
    assert ("service/s1", "unknown_product") in found
    assert len([subject for subject, _ in found if subject == "service/s2"]) == 1
    world.customer("c9")
    world.product("tablet", RENT)
    world.activate("s2", "c1", "laptop", "2026-06-20")
    world.project()
    assert codes() == []


def test_a_service_that_breaks_the_fold_is_parked_and_can_be_taken_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go on; its customer is not billed meanwhile; nothing is skipped."""
    real = refresh.fold

    def fold(events: Any, zones: Any) -> Any:
        if events[0].service_id == "s1":
            raise ZeroDivisionError("a fault of ours")
        return real(events, zones)

    with monkeypatch.context() as patch:
        patch.setattr(refresh, "fold", fold)
        world.activate("s1", "c1", "laptop", "2026-06-24")
        world.activate("s2", "c2", "laptop", "2026-06-24")
        report = world.run("2026-07-02")
    assert [d.customer_id for d in report.documents] == ["c2"]
    assert report.set_aside == {"c1": "service/s1 is parked: ZeroDivisionError: a fault of ours"}
    with world.runner() as made:
        assert [item.subject for item in made.parked(world.tenant)] == ["service/s1"]
        assert made.retry(world.tenant, "service/s1")
        assert not made.retry(world.tenant, "service/s1")
        assert made.parked(world.tenant) == []
    report = world.run("2026-07-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 13600)]


@pytest.mark.parametrize("subject", ["customer/c1", "product/laptop"])
def test_what_breaks_the_books_is_parked_alone(
    subject: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    noun, name = subject.split("/")
    module, attribute = (books, "fold_policies") if noun == "customer" else (catalog, "fold_catalog")
    real = getattr(module, attribute)

    def fold(events: Any, **options: Any) -> Any:
        events = list(events)
        if any(event["data"].get(f"{noun}_id") == name for event, _ in events):
            raise ZeroDivisionError("a fault of ours")
        return real(events, **options)

    world.product("tablet", RENT)
    with monkeypatch.context() as patch:
        patch.setattr(module, attribute, fold)
        world.activate("s1", "c1", "laptop", "2026-06-24")
        world.activate("s2", "c2", "tablet", "2026-06-24")
        report = world.run("2026-07-02")
        assert [d.customer_id for d in report.documents] == ["c2"]
        assert list(report.set_aside) == ["c1"]
        with world.runner() as made:
            assert subject in [item.subject for item in made.parked(world.tenant)]
    with world.runner() as made:
        assert made.retry(world.tenant, subject)
        assert made.parked(world.tenant) == []
    report = world.run("2026-07-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 13600)]


def test_documents_that_break_the_projection_are_parked_and_applied_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    world.run("2026-07-02")
    real = invoices._add

    def add(rows: Any, tenant_id: str, issue: Any) -> None:
        if issue.customer_id == "c1":
            raise ZeroDivisionError("a fault of ours")
        real(rows, tenant_id, issue)

    with monkeypatch.context() as patch:
        patch.setattr(invoices, "_add", add)
        report = world.run("2026-08-02")
    assert [d.customer_id for d in report.documents] == ["c2"]
    assert list(report.set_aside) == ["c1"]
    with world.runner() as made:
        assert made.retry(world.tenant, "account/c1")
    report = world.run("2026-08-02")
    assert [(d.customer_id, d.net_minor) for d in report.documents] == [("c1", 3000)]


def test_one_projector_a_tenant_at_a_time(world: World) -> None:
    with world.runner() as first, world.runner() as second:
        with writing(first.connection) as cursor:
            bookmarks.lock(cursor, world.tenant, LIVE)
            assert second.step(world.tenant) is None
        applied = second.step(world.tenant)
        assert applied is not None
        assert applied.facts > 0


def test_one_tenant_never_sees_another(world: World) -> None:
    other = World(world.url, tenant="other")
    other.open(name="Other Ltd")
    other.product("laptop", RENT)
    other.customer("c1")
    other.activate("s1", "c1", "laptop", "2026-06-24")
    world.project()
    with world.read() as cursor:
        for name in ("services_v1", "prices_v1", "accounts_v2", "bookmarks_v1", "policies_v1"):
            query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id <> %s").format(sql.Identifier(name))
            assert cursor.execute(query, [world.tenant]).fetchone() == (0,), name
    with world.read("other") as cursor:
        assert len(services.service(cursor, "other", "s1")) == 1


def test_a_document_is_never_torn_from_its_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the batch: were the bookmark to rest between them, a run would bill the lines again."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    world.run("2026-07-02")
    with batches_of(1, monkeypatch), world.runner() as made:
        while (applied := made.step(world.tenant)) is not None and applied.facts:
            with world.read() as cursor:
                counted = cursor.execute(
                    """SELECT i.number, i.line_count, count(l.line_no) FROM invoices_v3 i
                    LEFT JOIN invoice_lines_v2 l USING (tenant_id, number) GROUP BY 1, 2"""
                ).fetchall()
            assert all(wanted == found for _, wanted, found in counted)
    assert len(counted) == 2


def test_the_planner_is_told_of_one_table_at_a_time(world: World) -> None:
    """A rebuild that takes over closes the bookmarks, then waits for every other table."""
    world.project()
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'bookmarks_v1'::regclass)"
    with world.connect() as connection, world.connect() as other, ThreadPoolExecutor(1) as pool:
        with writing(connection) as cursor:
            bookmarks.close_gate(cursor)
            told = pool.submit(runner.analyze, other, LIVE)
            while not told.done() and cursor.execute(waits).fetchone() == (False,):
                time.sleep(0.01)
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            cursor.execute("LOCK TABLE accounts_v2 IN ACCESS EXCLUSIVE MODE")
        told.result()


@pytest.mark.parametrize("name", ["services", "all"])
def test_a_reader_of_the_old_tables_holds_up_the_new_ones(name: str, world: World) -> None:
    """A rebuild waits for a running snapshot; else it would read tables whose rows it may not see."""
    world.project()
    with world.read(), world.connect() as connection:
        connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            rebuild(connection, name)
    with world.connect() as connection:
        rebuild(connection, name)


def test_the_queue_counts_each_service_once(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.project()
    with world.runner() as made, writing(made.connection) as cursor:
        assert queue.put_customers(cursor, world.tenant, ["c1"]) == 1
        assert queue.put_products(cursor, world.tenant, ["laptop"]) == 0
        assert queue.pending(cursor) == {world.tenant: 1}
        assert queue.take(cursor, world.tenant, 10) == {"s1"}
        assert parking.parked(cursor, world.tenant) == []
