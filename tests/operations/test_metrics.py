"""Metrics: what they say is what the database says, and every one of them is in the reference."""

import asyncio
import re
import socket
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from functools import partial

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from api.observing import Observed, RequestCounts
from cli.faults import WrongUseError
from cli.monitoring.billing import LastRun, OrderedRuns, RunWatch, run_metrics
from cli.monitoring.consuming import ConsumedReport, LedgerStanding
from cli.monitoring.heartbeat import Heartbeat
from cli.monitoring.projecting import ProjectedReport, ProjectionStanding
from cli.monitoring.server import LATE_SECONDS, application, watched
from cli.settings import Settings
from consumers.config import KafkaConfig
from consumers.database import connect
from consumers.errors import BrokerAwayError
from consumers.records import Partition
from consumers.standing import BrokerEnds
from projections.billrun import RunReport
from projections.ordered_runs import Ordering, RunDesk
from projections.workers import Summary
from tests.consumers.fake_source import FakeSource
from tests.consumers.stream import activation, received, records, send, tenant, wait_until
from tests.consumers.test_loop import member
from tests.contract.repository import ROOT
from tests.operations.ports import free_port
from tests.projections.world import World, noon, opened

PAGE = ROOT / "docs" / "reference" / "metrics.md"
DOCUMENTED = re.compile(r"^\| `(?P<name>billing_\w+)` \| (?P<kind>\w+) \| (?P<labels>[^|]*) \|", re.MULTILINE)
SAMPLE = re.compile(r"^(?P<name>billing_\w+?)(?:_total|_count|_sum|_bucket)?(?:\{(?P<labels>.*)\})? \S+$")


class Ends:
    """A broker that says where its partitions end, or is away."""

    def __init__(self, offsets=None):
        self.offsets = offsets

    def ends(self, partitions):
        if self.offsets is None:
            raise BrokerAwayError("away")
        return {partition: self.offsets.get(partition, 0) for partition in partitions}


def standing(url, ends=None):
    registry = CollectorRegistry()
    registry.register(LedgerStanding(partial(connect, url, name="test"), ends or Ends({}), topic="events"))
    return registry


def consumed(database, *events):
    registry = CollectorRegistry()
    with member(FakeSource({0: records(*events)}), database, report=ConsumedReport(registry)):
        wait_until(lambda: received(database) == len(events))
    return registry


@pytest.mark.postgres
def test_consuming_says_what_the_database_says(database):
    registry = consumed(database, tenant(), activation(1), activation(1), b"junk")
    now = standing(database, Ends({Partition("events", 0): 11}))
    place = {"topic": "events", "partition": "0"}
    for outcome, count in {"booked": 2, "duplicate": 1, "rejected": 1}.items():
        labels = place | {"outcome": outcome}
        assert registry.get_sample_value("billing_consume_records_total", labels) == count
        labels |= {"consumer_group": "ledger"}
        assert now.get_sample_value("billing_ingest_records", labels) == count
    assert registry.get_sample_value("billing_consume_refused_total", {"reason": "invalid_json"}) == 1
    assert registry.get_sample_value("billing_consume_batch_seconds_count") >= 1
    place |= {"consumer_group": "ledger"}
    assert now.get_sample_value("billing_consume_next_offset", place) == 4
    assert now.get_sample_value("billing_consume_lag_records", place) == 7
    assert now.get_sample_value("billing_ledger_facts", {"tenant": "acme"}) == 2
    assert now.get_sample_value("billing_dead_letters", {"state": "waiting", "reason": "invalid_json"}) == 1
    assert now.get_sample_value("billing_database_up") == 1
    assert now.get_sample_value("billing_broker_up") == 1


@pytest.mark.postgres
def test_a_broker_that_is_away_hides_nothing_else(database):
    found = standing(database, Ends())
    assert found.get_sample_value("billing_broker_up") == 0
    assert found.get_sample_value("billing_ledger_facts", {"tenant": "_system"}) == 0


def test_a_database_that_is_away_is_said():
    found = standing("postgresql://nobody@127.0.0.1:1/none")
    assert found.get_sample_value("billing_database_up") == 0


@pytest.mark.broker
def test_the_broker_says_where_a_partition_ends(broker, make_topic):
    """One message at a time: the embedded broker names the beginning of its last batch."""
    topic = make_topic()
    ends = BrokerEnds(KafkaConfig((broker.bootstrap,)), client_id="test")
    try:
        assert ends.ends([Partition(topic, 0)]) == {Partition(topic, 0): 0}
        send(broker.bootstrap, topic, [activation(1)])
        send(broker.bootstrap, topic, [activation(2)])
        expected = 2 if broker.kind == "kafka" else 1
        assert ends.ends([Partition(topic, 0)]) == {Partition(topic, 0): expected}
    finally:
        ends.close()


@pytest.fixture
def world(database):
    return opened(World(database))


def projection(world):
    registry = CollectorRegistry()
    registry.register(ProjectionStanding(world.connect, world.clock))
    names = ("seq", "behind_facts", "delay_seconds", "queued_services", "parked_subjects")
    return {
        name: registry.get_sample_value(f"billing_projection_{name}", {"tenant": "acme"}) for name in names
    }


@pytest.mark.postgres
def test_projecting_says_how_far_behind_it_is(world):
    registry = CollectorRegistry()
    report = ProjectedReport(registry, world.connect)
    with world.runner() as runner:
        report("acme", runner.step("acme"))
        head = world.head()
        world.clock.on("2026-06-24")
        heard_at = world.clock.now
        world.activate("s2", "c1", "laptop", "2026-06-24")
        world.clock.now += timedelta(seconds=60)
        world.activate("s3", "c1", "laptop", "2026-06-24")
        world.clock.now = heard_at + timedelta(seconds=90)
        assert projection(world) == {
            "seq": head,
            "behind_facts": 2,
            "delay_seconds": 90,
            "queued_services": 0,
            "parked_subjects": 0,
        }
        runner.catch_up("acme", report)
    report.close()
    assert projection(world)["delay_seconds"] == 0
    assert registry.get_sample_value("billing_project_facts_total", {"tenant": "acme"}) == head + 2
    assert registry.get_sample_value("billing_project_services_total", {"tenant": "acme"}) == 2


@pytest.mark.postgres
def test_a_run_leaves_its_metrics_in_a_file(world, tmp_path):
    world.activate("s1", "c1", "laptop", "2026-06-24")
    file = tmp_path / "billing.prom"
    watch = RunWatch("acme", noon("2026-07-02").date(), dry_run=False)
    watch.done(world.run("2026-07-02"), file)
    text = file.read_text()
    assert 'billing_run_documents{currency="EUR",kind="invoice",tenant="acme"} 1.0' in text
    assert 'billing_run_set_aside_customers{tenant="acme"} 0.0' in text
    series = {"tenant": "acme", "series": "invoice"}
    assert standing(world.url).get_sample_value("billing_documents_issued", series) == 1


def ended(tenant_id, *, set_aside=()):
    """A run that is over, of one invoice."""
    return RunReport(
        tenant_id=tenant_id,
        issue_date=noon("2026-07-02").date(),
        dry_run=False,
        customers=3,
        computed_at_seq=7,
        documents=(Summary("c3", 20_636, "invoice", "EUR", 13600, 3, "", "INV-1"),),
        set_aside=dict.fromkeys(set_aside, "it broke"),
    )


def test_the_runs_of_all_tenants_stand_in_one_file(tmp_path):
    file = tmp_path / "billing.prom"
    file.write_text("half a li")
    day = noon("2026-07-02").date()
    odd = 'b"e\\ta\n'
    for report in (ended("acme", set_aside=["c1"]), ended(odd), ended("acme", set_aside=["c1", "c2"])):
        RunWatch(report.tenant_id, day, dry_run=False).done(report, file)
    families = list(text_string_to_metric_families(file.read_text()))
    assert len(families) == 5
    for family in families:
        assert sorted(sample.labels["tenant"] for sample in family.samples) == ["acme", odd], family
    aside = next(family for family in families if family.name == "billing_run_set_aside_customers")
    assert {sample.labels["tenant"]: sample.value for sample in aside.samples} == {"acme": 2, odd: 0}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.postgres
def test_ordered_runs_of_all_customers_are_served_from_the_database(world):
    """As `serve` finds them, after a restart too; a dry run and one of a single customer hide nothing."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.project()
    world.clock.on("2026-07-03")
    desk = RunDesk(world.connect, clock=world.clock, workers=1)
    day = noon("2026-07-02").date()
    registry = CollectorRegistry()
    registry.register(OrderedRuns(world.connect))
    labels = {"tenant": "acme"}
    assert registry.get_sample_value("billing_run_customers", labels) is None
    desk.order(Ordering("acme", "key", day))
    desk.wait(60)
    ended_at = world.clock.now.timestamp()
    world.clock.on("2026-07-04")
    desk.order(Ordering("acme", "key", day, dry_run=True))
    desk.order(Ordering("acme", "key", day, "c1"))
    desk.wait(60)
    kind = {"kind": "invoice", "currency": "EUR"}
    assert registry.get_sample_value("billing_run_documents", labels | kind) == 1
    assert registry.get_sample_value("billing_run_customers", labels) == 2
    assert registry.get_sample_value("billing_run_set_aside_customers", labels) == 0
    assert registry.get_sample_value("billing_run_completed_timestamp_seconds", labels) == ended_at
    assert registry.get_sample_value("billing_database_up") == 1


def test_a_database_that_is_away_is_said_by_serve():
    registry = CollectorRegistry()
    registry.register(OrderedRuns(partial(connect, "postgresql://nobody@127.0.0.1:1/none", name="test")))
    assert registry.get_sample_value("billing_database_up") == 0


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(name="free_port")
def port():
    return free_port()


def is_served():
    return any(thread.name == "metrics" for thread in threading.enumerate())


def test_the_port_serves_metrics_and_health(free_port):
    registry, life = CollectorRegistry(), Heartbeat()
    ConsumedReport(registry)
    with watched(Settings(BILLING_METRICS_PORT=free_port), registry, life.seconds_since):
        code, text = get(free_port, "/metrics")
        assert code == 200
        assert "billing_consume_batch_seconds_count 0.0" in text
        assert "_created" not in text, "a series that the reference does not name"
        code, text = get(free_port, "/health")
        assert code == 200
        assert '"status": "ok"' in text
        assert get(free_port, "/")[0] == 404
    assert not is_served()


def test_a_process_that_gives_no_sign_of_life_is_stuck(free_port):
    settings = Settings(BILLING_METRICS_PORT=free_port)
    with watched(settings, CollectorRegistry(), lambda: LATE_SECONDS + 1):
        code, text = get(free_port, "/health")
    assert code == 503
    assert '"status": "stuck"' in text


def test_nothing_is_served_by_default():
    with watched(Settings(), CollectorRegistry(), lambda: 0.0):
        assert not is_served()


def test_a_port_that_is_taken_is_named(free_port):
    settings = Settings(BILLING_METRICS_PORT=free_port)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        with (
            pytest.raises(WrongUseError, match=f"BILLING_METRICS_PORT: 127.0.0.1:{free_port}"),
            watched(settings, CollectorRegistry(), lambda: 0.0),
        ):
            pass


async def nothing(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})


def requested():
    """A registry that has seen one request."""
    registry = CollectorRegistry()
    scope = {"type": "http", "method": "GET", "path": "/nowhere", "headers": []}

    async def sink(_message):
        pass

    observed = Observed(nothing, counts=RequestCounts(registry))
    asyncio.run(observed(scope, None, sink))
    return registry


class Yielded(Collector):
    def __init__(self, metrics):
        self.metrics = list(metrics)

    def collect(self):
        return self.metrics


def every_registry(world):
    """Everything that a process of ours registers, filled so that each family has a sample."""
    reported = consumed(world.url, activation(7), b"junk")
    report = ProjectedReport(reported, world.connect)
    with world.runner() as runner:
        runner.catch_up("acme", report)
    report.close()
    ran = world.run("2026-07-02")
    assert isinstance(ran, RunReport)
    projected = CollectorRegistry()
    projected.register(ProjectionStanding(world.connect, world.clock))
    assert ran.totals
    ordered = CollectorRegistry()
    ordered.register(Yielded(run_metrics([LastRun.of(ran, seconds=1.0, at=1.0)])))
    return [reported, projected, standing(world.url), ordered, requested()]


@pytest.mark.postgres
def test_the_reference_names_every_metric_with_its_kind_and_labels(world):
    world.activate("s1", "c1", "laptop", "2026-06-24")
    kinds, labels = {}, {}
    application(CollectorRegistry(), lambda: 0.0)  # as every process that is watched makes one
    for registry in every_registry(world):
        for line in generate_latest(registry).decode().splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                kinds[name] = kind
            elif sample := SAMPLE.match(line):
                names = set(re.findall(r"(\w+)=\"", sample["labels"] or "")) - {"le"}
                labels[sample["name"]] = names
    found = {name: (kind, labels[name.removesuffix("_total")]) for name, kind in kinds.items()}
    described = {
        row["name"]: (row["kind"], set(re.findall(r"`(\w+)`", row["labels"])))
        for row in DOCUMENTED.finditer(PAGE.read_text(encoding="utf-8"))
    }
    assert described == found


def test_a_login_url_is_no_part_of_any_metric():
    found = generate_latest(standing("postgresql://nobody:hunter2@127.0.0.1:1/none")).decode()
    assert "hunter2" not in found
