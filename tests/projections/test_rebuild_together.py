"""A rebuild by several processes: the same rows as by one, and none where a process is lost."""

import multiprocessing
import os
import signal
import time

import pytest

from projections import folding, queue
from projections.folding import Folder, FolderLostError, Task
from projections.group import TABLES, Applied
from projections.rebuild import rebuild
from projections.runner import Runner
from projections.session import NEXT, writing
from tests.projections.test_runner import batches_of, busy, tables
from tests.projections.world import World, queued

pytestmark = pytest.mark.postgres


@pytest.fixture
def shared_out(monkeypatch):
    """Other processes are started for however few services, and two are folded at a time."""
    monkeypatch.setattr(folding, "FEW_SERVICES", 0)
    monkeypatch.setattr(folding, "QUEUED_A_BATCH", 2)


def together(world):
    with world.connect() as connection:
        rebuild(connection, "all", workers=2, connect=world.connect)


@pytest.mark.parametrize("seed", [5, 11])
def test_rebuilt_by_two_is_rebuilt_by_one_is_live(seed, database, shared_out, monkeypatch):
    """Live: fact by fact between bill runs."""
    world = World(database)
    with batches_of(1, monkeypatch):
        busy(world, seed)
        world.project()
    before = tables(world)
    assert before["services_v1"]
    together(world)
    assert tables(world) == before
    with world.connect() as connection:
        rebuild(connection, "all")
    assert tables(world) == before


def test_the_other_process_folds(world, shared_out, monkeypatch):
    """This one only waits until the queue is empty, so whatever is there afterwards is the other's work."""
    crowd(world)
    monkeypatch.setattr(folding, "QUEUED_A_BATCH", 10)

    def idle(folder, tenant_id):
        deadline = time.monotonic() + 30
        while queued(Runner(folder._connection, NEXT), tenant_id):
            assert time.monotonic() < deadline, "nobody else folds"
            time.sleep(0.01)
        return Applied(0, 0, 0, 0)

    monkeypatch.setattr(Folder, "step", idle)
    before = tables(world)
    together(world)
    assert tables(world) == before


def test_a_killed_process_leaves_the_live_tables_alone(world, shared_out, monkeypatch):
    crowd(world)
    before = tables(world)
    step = Folder.step

    def kill(folder, tenant_id):
        (other,) = multiprocessing.active_children()
        os.kill(other.pid, signal.SIGKILL)
        other.join()
        return step(folder, tenant_id)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "step", kill)
        with pytest.raises(FolderLostError, match="as they were"):
            together(world)
    assert tables(world) == before
    together(world)
    assert tables(world) == before


def test_two_folders_take_different_services(world):
    crowd(world)
    with world.connect() as connection, writing(connection) as cursor:
        queue.put_tenant(cursor, world.tenant)
    with world.connect() as first, world.connect() as second:
        with writing(first) as one, writing(second) as other:
            assert queue.take(one, world.tenant, 2) == {"s0", "s1"}
            assert queue.take(other, world.tenant, 2) == {"s2", "s3"}
        assert queued(Runner(first)) == 3


def test_nobody_folds_for_a_later_rebuild(world):
    """A process that outlives its rebuild finds other tables under the same names."""
    crowd(world)
    with world.connect() as connection:
        with writing(connection, NEXT) as cursor:
            TABLES.create(cursor, NEXT)
        Runner(connection, NEXT, only_queue=True).catch_up(world.tenant)
        with writing(connection, NEXT) as cursor:
            place = queue.place(cursor)
        late = Folder(Task(world.connect, place + 1, 10), connection)
        with pytest.raises(AssertionError, match="is over"):
            late.step(world.tenant)
        assert queued(Runner(connection, NEXT)) == 7
        assert Folder(Task(world.connect, place, 10), connection).step(world.tenant).services == 7


def crowd(world):
    for number in range(7):
        world.activate(f"s{number}", f"c{number % 2 + 1}", "laptop", "2026-06-24")
    world.run("2026-07-02")
    world.project()
