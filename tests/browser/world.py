"""The demo's world in a database, played through the consumer's own booking, without servers of its own."""

from datetime import date
from functools import partial

import psycopg

from cli.demo.provider import SETTINGS
from cli.demo.stage import TOPIC
from cli.demo.times import LAST_DAY, OPENING_DAY, billed_at, days, heard_at
from cli.demo.world import build
from consumers.database import connect
from consumers.decode import decode
from consumers.records import Beginning, Heard, Partition, PlainRecord, Refused, Slice
from consumers.sink import Sink
from projections import billrun
from projections.runner import Runner
from schemas.reading import Unreadable
from tests.projections.world import Clock

ONE = Partition(TOPIC, 0)


def play(url: str) -> Clock:
    """Live through the half year in a migrated database, and return its clock on the last evening."""
    world, clock = build(), Clock(heard_at(OPENING_DAY))
    sink = Sink(partial(connect, url, name="test"), group="ledger", clock=clock)
    by_day, offset = world.by_day(), 0
    with psycopg.connect(url, autocommit=True) as connection:
        runner = Runner(connection)
        runner.prepare()
        claim = sink.claim({ONE: Beginning(0, "topic")})[ONE]
        for today in days(OPENING_DAY, LAST_DAY):
            if today in by_day:
                clock.now = heard_at(today)
                part = Slice(offset, offset + len(by_day[today]), claim.epoch, claim.incarnation)
                for message in by_day[today]:
                    _read(part, PlainRecord(offset, message.key, message.value, message.headers))
                    offset += 1
                sink.flush({ONE: part})
                runner.catch_up_all()
            for tenant_id, issue_days in world.issue_days.items():
                if today in issue_days:
                    clock.now = billed_at(today)
                    _bill(url, tenant_id, today, clock)
                    runner.catch_up_all()
    sink.close()
    return clock


def _read(part: Slice, record: PlainRecord) -> None:
    origin = f"kafka:{TOPIC}/0/{record.offset}"
    decoded = decode(record.headers, record.value, tenant_sources={SETTINGS})
    if isinstance(decoded, Unreadable):
        part.refused.append(Refused(origin, record, decoded))
    else:
        part.heard.append(Heard(origin, decoded))
        part.records.append(record)


def _bill(url: str, tenant_id: str, day: date, clock: Clock) -> None:
    report = billrun.run(
        partial(psycopg.connect, url, autocommit=True), tenant_id, day, clock=clock, workers=1
    )
    assert not report.set_aside, report.set_aside
