"""Writers side by side, killed sessions and lost answers: every fact once, no gap, nothing unseen."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger.append import append
from ledger.facts import Booked, Duplicate
from ledger.read import facts_since, head
from ledger.transact import landed_events, transact
from ledger.verify import verify
from tests.ledger.fault_proxy import fault_proxy
from tests.ledger.samples import MOMENT, book, connect, opening, service

pytestmark = pytest.mark.postgres
SOURCE = "/fulfilment/eu-1"
WRITERS, BATCHES, SIZE = 8, 40, 5


@pytest.fixture
def ledger_url(database):
    with connect(database) as connection:
        book(connection, [opening()])
    return database


def test_a_tailing_reader_sees_every_fact_of_eight_writers(ledger_url):
    """The test that a recorder without the head's lock fails: facts that commit late are skipped."""
    total = WRITERS * BATCHES * SIZE
    seen: list[int] = []

    def read() -> None:
        with connect(ledger_url) as connection:
            while len(seen) < total + 1:
                seen.extend(
                    fact.seq for fact in facts_since(connection, "acme", seen[-1] if seen else 0, 100)
                )

    def write(writer: int) -> None:
        with connect(ledger_url) as connection:
            for batch in range(BATCHES):
                book(connection, [service(f"{writer}/{batch}/{number}") for number in range(SIZE)])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    reader.join(60)
    assert seen == list(range(1, total + 2))
    assert verify(lambda: connect(ledger_url), "acme").findings == ()


def test_two_who_append_the_same_events_book_each_once(ledger_url):
    events = [service(f"e{number}") for number in range(200)]

    def write(batches):
        with connect(ledger_url) as connection:
            return [outcome for batch in batches for outcome in book(connection, batch)]

    forward = [events[start : start + 10] for start in range(0, 200, 10)]
    with ThreadPoolExecutor(2) as pool:
        outcomes = [*pool.map(write, (forward, [batch[::-1] for batch in forward[::-1]]))]
    kinds = [type(outcome) for each in outcomes for outcome in each]
    assert (kinds.count(Booked), kinds.count(Duplicate)) == (200, 200)
    with connect(ledger_url) as connection:
        assert head(connection, "acme").size == 201


def test_batches_that_lock_tenants_in_any_order_never_wait_for_each_other_in_a_ring(database):
    tenants = [f"t{number}" for number in range(6)]

    def write(order):
        with connect(database) as connection:
            for number in range(20):
                batch = {name: [opening(name), service(f"{order[0]}{number}", tenant=name)] for name in order}
                with connection.transaction():
                    append(connection, batch, clock=lambda: MOMENT)

    with connect(database) as connection:
        for name in tenants[::2]:
            book(connection, [opening(name)], name)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (tenants, tenants[::-1])))
    with connect(database) as connection:
        assert [head(connection, name).size for name in tenants] == [41] * 6


def test_a_lost_commit_answer_is_looked_up_and_the_facts_are_there_once(postgres, ledger_url):
    with fault_proxy("127.0.0.1", postgres.port) as proxy, connect(ledger_url) as second:
        url = through(postgres, proxy, ledger_url)
        with connect(url) as connection:
            proxy.is_armed = True
            outcomes = transact(
                connection,
                lambda: append(connection, {"acme": [service("a")]}, clock=lambda: MOMENT)["acme"],
                look_up=lambda: found(second, "a"),
            )
            assert proxy.cut == 1
            assert connection.broken
        assert outcomes == (Booked(2),)
        assert book(second, [service("a"), service("b")]) == (Duplicate(2), Booked(3))


def test_a_transaction_that_ended_before_its_commit_is_an_error_that_may_be_tried_again(ledger_url):
    with connect(ledger_url) as connection, connect(ledger_url) as second:

        def killed():
            append(connection, {"acme": [service("a")]}, clock=lambda: MOMENT)
            second.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
            return True

        with pytest.raises(psycopg.OperationalError):
            transact(connection, killed, look_up=lambda: found(second, "a"))
        assert head(second, "acme").size == 1
        assert book(second, [service("a")]) == (Booked(2),)


def test_an_error_of_the_work_itself_looks_nothing_up(ledger_url):
    def look_up():
        raise AssertionError("nothing can have been committed")

    with connect(ledger_url) as connection:
        with pytest.raises(ZeroDivisionError):
            transact(connection, lambda: 1 // 0, look_up=look_up)
        connection.execute("SET lock_timeout = '1ms'")
        with connect(ledger_url) as other, other.transaction():
            append(other, {"acme": [service("b")]}, clock=lambda: MOMENT)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                transact(connection, lambda: book(connection, [service("a")]), look_up=look_up)


def test_a_look_up_waits_for_an_append_that_is_under_way(ledger_url):
    with connect(ledger_url) as connection, connect(ledger_url) as second, ThreadPoolExecutor(1) as pool:
        with connection.transaction():
            append(connection, {"acme": [service("a")]}, clock=lambda: MOMENT)
            answer = pool.submit(landed_events, second, "acme", [(SOURCE, "a"), (SOURCE, "b")])
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.3)
        assert answer.result(timeout=10) == {(SOURCE, "a"): 2}


def found(connection, event_id):
    seqs = landed_events(connection, "acme", [(SOURCE, event_id)])
    return tuple(Booked(seq) for seq in seqs.values()) or None


def through(postgres, proxy, url):
    """The database's address, by way of the proxy and without TLS."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    return psycopg.conninfo.make_conninfo(postgres.url(name, tcp=True), port=proxy.port, sslmode="disable")
