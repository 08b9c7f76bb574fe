"""`billing import`: a file is counted like a partition, and importing it again is harmless."""

import json
from functools import partial

import pytest

from consumers.database import connect
from consumers.files import BATCH_LINES, import_file
from consumers.records import Counts
from consumers.sink import Sink
from tests.consumers.stream import activation, booked_ids, clock, query, sums, tenant

pytestmark = pytest.mark.postgres


@pytest.fixture
def sink(database):
    sink = Sink(partial(connect, database, name="test"), group="ledger", clock=clock)
    yield sink
    sink.close()


@pytest.fixture
def write(tmp_path):
    def write(*lines, name="events.jsonl", end="\n"):
        path = tmp_path / name
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        path.write_bytes(end.encode().join(texts) + end.encode())
        return path

    return write


def run(path, sink):
    return import_file(path, sink, tenant_sources={"*"})


def test_lines_become_facts_with_their_origin(database, sink, write):
    done = run(write(tenant(), b"", activation(1), b"   ", b"junk", end="\r\n"), sink)
    assert done.counts == Counts(booked=2, rejected=1)
    assert [one.origin for one in done.refused] == ["import:events.jsonl/5"]
    origins = query(database, "SELECT origin FROM ledger.fact WHERE tenant_id = 'acme' ORDER BY seq")
    assert origins == [("import:events.jsonl/1",), ("import:events.jsonl/3",)]
    assert query(database, "SELECT topic, partition, next_offset FROM ledger.ingest_offset") == [
        (done.topic, 0, 5)
    ]
    assert sums(database) == (3, 2, 0, 1)


def test_importing_again_books_and_counts_nothing(database, sink, write):
    path = write(tenant(), activation(1), b"junk")
    run(path, sink)
    again = run(path, sink)
    assert again.counts == Counts()
    assert again.first_line == 4
    assert sums(database) == (3, 2, 0, 1)


def test_the_same_content_under_another_name_is_the_same_file(database, sink, write):
    run(write(tenant(), activation(1)), sink)
    assert run(write(tenant(), activation(1), name="copy.jsonl"), sink).counts == Counts()


def test_another_file_with_the_same_events_holds_duplicates(database, sink, write):
    run(write(tenant(), activation(1)), sink)
    longer = write(tenant(), activation(1), activation(2), name="longer.jsonl")
    assert run(longer, sink).counts == Counts(booked=1, duplicate=2)
    assert sums(database) == (5, 3, 2, 0)


def test_an_import_that_died_half_way_goes_on(database, sink, write):
    path = write(tenant(), *(activation(number) for number in range(BATCH_LINES * 2)))

    class DiedError(Exception):
        pass

    def die(_position):
        raise DiedError

    with pytest.raises(DiedError):
        import_file(path, sink, tenant_sources={"*"}, progress=die)
    assert sums(database)[0] == BATCH_LINES
    done = run(path, sink)
    assert done.first_line == BATCH_LINES + 1
    assert done.counts == Counts(booked=BATCH_LINES + 1)
    assert len(set(booked_ids(database))) == len(booked_ids(database)) == 2 * BATCH_LINES + 1


def test_progress_ends_at_the_file_size(sink, write):
    path = write(tenant(), activation(1))
    seen = []
    import_file(path, sink, tenant_sources={"*"}, progress=seen.append)
    assert seen == [path.stat().st_size]


def test_an_empty_file_is_no_error(sink, write):
    assert run(write(b""), sink).counts == Counts()
