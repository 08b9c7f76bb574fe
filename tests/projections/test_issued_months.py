"""What was issued each month: always the sum of the documents, and totals that agree with what is listed."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from random import Random
from typing import Any

import psycopg
import pytest

from cli.simulate.scenario_file import Scenario
from projections import invoice_totals, invoices, issued_months, pages
from projections.invoices import InvoiceRow
from projections.pages import Wanted
from projections.rebuild import rebuild
from projections.session import writing
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live
from tests.projections.world import RENT, World, opened

pytestmark = pytest.mark.postgres

Key = tuple[date, str, str]
Sums = dict[Key, tuple[int, int, int]]


def kept(world: World) -> Sums:
    with world.read() as cursor:
        rows = issued_months.by_month(cursor, world.tenant, date.min, date.max)
    found = {(row.month, row.currency, row.kind): (row.documents, row.lines, row.net_minor) for row in rows}
    assert len(found) == len(rows)
    return found


def issued(world: World) -> Sums:
    """The sums of the documents, added up here."""
    with world.read() as cursor:
        rows = invoices.invoices(cursor, world.tenant)
    documents: Counter[Key] = Counter()
    lines: Counter[Key] = Counter()
    nets: Counter[Key] = Counter()
    for row in rows:
        key = (row.due_for.replace(day=1), row.currency, row.kind)
        documents[key] += 1
        lines[key] += row.line_count
        nets[key] += row.net_minor
    return {key: (documents[key], lines[key], nets[key]) for key in documents}


def bill(world: World, day: str) -> None:
    world.run(day)
    world.project()


@pytest.mark.parametrize("seed", [3, 11, 27, 60])
def test_the_months_are_the_sum_of_the_documents_live_and_rebuilt(seed: int, database: str) -> None:
    world = World(database)
    live(Scenario.model_validate(generate(Random(seed))), world)
    world.project()
    found = kept(world)
    assert found == issued(world)
    assert sum(documents for documents, _, _ in found.values()) == len(world.numbers()) > 0
    for name in ("invoices", "all"):
        with world.connect() as connection:
            rebuild(connection, name)
        assert kept(world) == found, name


def test_late_facts_become_credit_notes_of_their_own_month(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c2", "laptop", "2026-06-24", quantity=2)
    bill(world, "2026-07-02")
    july = (date(2026, 7, 1), "EUR", "invoice")
    assert kept(world) == {july: (2, 6, 13600 + 27200)}
    world.hear("service.deactivated", service_id="s2", effective="2026-06-25")
    bill(world, "2026-08-02")
    found = kept(world)
    assert found[july] == (2, 6, 40800)
    assert {(str(month), kind) for month, _, kind in found} == {
        ("2026-07-01", "invoice"),
        ("2026-08-01", "invoice"),
        ("2026-08-01", "credit_note"),
    }
    assert found == issued(world)
    world.credit("INV-000001")
    world.project()
    assert kept(world) == issued(world) != found


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """While it holds, documents of c1 break the projection."""
    real = invoices._add

    def add(rows: Any, tenant_id: str, issue: Any) -> None:
        real(rows, tenant_id, issue)
        if issue.customer_id == "c1":
            raise ZeroDivisionError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(invoices, "_add", add)
        yield patch


def test_documents_that_are_forgotten_and_applied_again_count_once(
    world: World, request: pytest.FixtureRequest
) -> None:
    """What is left out of the documents is left out of the months, too; a month without documents is gone."""
    world.activate("s1", "c1", "laptop", "2026-05-24")
    bill(world, "2026-06-02")
    world.activate("s2", "c2", "laptop", "2026-06-24")
    bill(world, "2026-07-02")
    whole = kept(world)
    patch = request.getfixturevalue("breaking")
    bill(world, "2026-08-02")
    assert kept(world) == issued(world)
    assert {month.month for month, _, _ in kept(world)} == {6, 7, 8}
    with world.runner() as made:
        made.retry(world.tenant, "account/c1")
        assert [item.subject for item in made.parked(world.tenant)] == ["account/c1"]
    assert kept(world) == issued(world)
    assert {month.month for month, _, _ in kept(world)} == {7, 8}
    patch.undo()
    with world.runner() as made:
        assert made.retry(world.tenant, "account/c1")
        assert made.parked(world.tenant) == []
    found = kept(world)
    assert found == issued(world)
    assert whole.items() <= found.items()


def test_months_are_asked_from_the_first_to_the_last(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-05-24")
    for day in ("2026-06-02", "2026-07-02", "2026-08-02", "2026-09-02"):
        bill(world, day)
    with world.read() as cursor:
        found = issued_months.by_month(cursor, world.tenant, date(2026, 7, 1), date(2026, 8, 1))
        assert [(row.month.month, row.documents, row.lines, row.net_minor) for row in found] == [
            (7, 1, 1, 3000),
            (8, 1, 1, 3000),
        ]
        assert issued_months.by_month(cursor, world.tenant, date(2026, 10, 1), date(2026, 12, 1)) == []


@pytest.fixture(scope="module")
def varied(module_database: str) -> World:
    """Documents in two currencies and of both kinds, over several months, of several products."""
    world = opened(World(module_database))
    for name, currency in (("phone", "EUR"), ("desk", "CHF")):
        world.product(name, {**RENT, "amount": "12.50"}, currency=currency)
    world.activate("s1", "c1", "laptop", "2026-05-24")
    world.activate("s2", "c1", "desk", "2026-05-28", quantity=2)
    world.activate("s3", "c2", "phone", "2026-06-11")
    world.activate("s4", "c2", "laptop", "2026-05-30")
    bill(world, "2026-06-02")
    bill(world, "2026-07-02")
    world.hear("service.deactivated", service_id="s4", effective="2026-06-03")
    world.hear("service.deactivated", service_id="s2", effective="2026-06-05")
    bill(world, "2026-08-02")
    return world


FILTERS: dict[str, tuple[object, ...]] = {
    "customer_id": ("c1", "nobody"),
    "kind": ("invoice", "credit_note"),
    "product_id": ("laptop",),
    "product_ids": (["desk", "phone"], []),
    "service_id": ("s4",),
    "currency": ("CHF", "EUR"),
    "period": (date(2026, 7, 1),),
    "due_from": (date(2026, 7, 2),),
    "due_before": (date(2026, 7, 2),),
    "net_from": (0,),
    "net_to": (5000,),
}


def listed(world: World, filters: dict[str, object]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Add up what the list shows."""
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    with world.read() as cursor:
        wanted = Wanted("issued", 500, filters=filters)
        for one in pages.page(cursor, world.tenant, invoices.LISTING, wanted):
            row = InvoiceRow(*one.row)
            documents, lines, net = found.get((row.currency, row.kind), (0, 0, 0))
            sums = (documents + 1, lines + row.line_count, net + row.net_minor)
            found[row.currency, row.kind] = sums
    return found


def totals(world: World, filters: dict[str, object]) -> dict[tuple[str, str], tuple[int, int, int]]:
    with world.read() as cursor:
        found = invoice_totals.totals(cursor, world.tenant, filters)
    return {(one.currency, one.kind): (one.documents, one.lines, one.net_minor) for one in found}


@pytest.mark.parametrize("together", [0, 1, 2, 3])
def test_totals_are_those_of_the_list_whatever_the_filters(together: int, varied: World) -> None:
    assert FILTERS.keys() == invoices.LISTING.filters.keys(), "a new filter: add a value of it"
    answers = set()
    for names in combinations(FILTERS, together):
        for place in range(2):
            filters = {name: FILTERS[name][place % len(FILTERS[name])] for name in names}
            found = totals(varied, filters)
            assert found == listed(varied, filters), filters
            answers.add(tuple(sorted(found.items())))
    assert together == 0 or len(answers) > 5


def test_invoices_stand_before_credit_notes_by_currency(varied: World) -> None:
    with varied.read() as cursor:
        found = invoice_totals.totals(cursor, varied.tenant, {"customer_id": None})
    assert [(one.currency, one.kind) for one in found] == [
        ("CHF", "invoice"),
        ("CHF", "credit_note"),
        ("EUR", "invoice"),
        ("EUR", "credit_note"),
    ]


def test_month_kind_and_currency_are_answered_by_the_months_alone(world: World) -> None:
    """However many documents there are: without the months' rows these questions find nothing."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    bill(world, "2026-07-02")
    of_months = {"period": date(2026, 7, 1), "kind": "invoice", "currency": "EUR"}
    questions = [dict(some) for size in range(4) for some in combinations(of_months.items(), size)]
    assert all(totals(world, asked) == {("EUR", "invoice"): (1, 3, 13600)} for asked in questions)
    with world.connect() as connection, writing(connection) as cursor:
        cursor.execute("DELETE FROM issued_months_v1")
    assert [totals(world, asked) for asked in questions] == [{}] * len(questions)
    assert totals(world, {"customer_id": "c1"}) == {("EUR", "invoice"): (1, 3, 13600)}


def test_one_tenant_never_sees_the_months_of_another(world: World) -> None:
    world.activate("s1", "c1", "laptop", "2026-06-24")
    bill(world, "2026-07-02")
    opened(World(world.url, world.clock, "other")).project()
    with world.read("other") as cursor:
        assert cursor.execute("SELECT count(*) FROM issued_months_v1").fetchone() == (0,)
        assert issued_months.by_month(cursor, "acme", date.min, date.max) == []
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            cursor.execute("DELETE FROM issued_months_v1")
