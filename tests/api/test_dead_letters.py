"""Dead letters by HTTP: a tenant sees its own, and an admin drives them again."""

import json
from functools import partial

import pytest

from consumers.database import connect
from consumers.decode import STRUCTURED_CONTENT
from consumers.records import Beginning, Partition, PlainRecord, Refused, Slice
from consumers.sink import Sink
from schemas.reading import Unreadable, read_event
from tests.api.conftest import Doors
from tests.projections.world import event

pytestmark = pytest.mark.postgres
ONE = Partition("events", 0)
HEADERS = [("content-type", STRUCTURED_CONTENT), ("x-raw", b"\xff")]
WRONG = event("service.activated", {"service_id": "s9", "effective": "yesterday"}, "w1")


@pytest.fixture
def refused(doors: Doors) -> Doors:
    """A message of the tenant that the consumer refused, and one that names no tenant."""
    sink = Sink(partial(connect, doors.world.url, name="test"), group="ledger", clock=doors.world.clock)
    claim = sink.claim({ONE: Beginning(0, "topic-1")})[ONE]
    part = Slice(0, 2, claim.epoch, claim.incarnation)
    for offset, value in enumerate((json.dumps(WRONG).encode(), b"{")):
        found = read_event(value)
        assert isinstance(found, Unreadable)
        record = PlainRecord(offset, b"key", value, HEADERS)
        part.refused.append(Refused(f"kafka:events/0/{offset}", record, found))
    sink.flush({ONE: part})
    sink.close()
    doors.world.project()
    return doors


def test_a_tenant_sees_its_own_and_not_what_names_nobody(refused: Doors) -> None:
    (letter,) = refused.get("/v1/dead-letters", "finance").json()["items"]
    assert (letter["state"], letter["reason"], letter["origin"]) == (
        "waiting",
        "schema_invalid",
        "kafka:events/0/0",
    )
    assert "value" not in letter
    assert refused.get("/v1/dead-letters?state=redriven").json()["items"] == []
    assert refused.get("/v1/dead-letters?reason=invalid_json").json()["items"] == []


def test_an_admin_sees_it_as_it_was_sent(refused: Doors) -> None:
    shown = refused.get("/v1/dead-letters/1").json()
    assert json.loads(shown["value"]) == WRONG
    assert (shown["key"], shown["headers"][1]) == ("key", {"name": "x-raw", "value": "\\xff"})


def test_what_is_refused_again_stays(refused: Doors) -> None:
    again = refused.post("/v1/dead-letters/1/redrive")
    assert (again.status_code, again.json()["fate"]) == (200, "refused")
    assert refused.get("/v1/dead-letters?state=waiting").json()["items"]


def test_what_is_mended_is_booked_and_settled(refused: Doors) -> None:
    right = event("service.activated", {"service_id": "s9", "effective": "2026-06-24"}, "w1")
    with refused.world.connect() as connection:
        connection.execute(
            "UPDATE ledger.quarantine SET value = %s WHERE id = 1", (json.dumps(right).encode(),)
        )
    done = refused.post("/v1/dead-letters/1/redrive").json()
    assert (done["fate"], done["seq"]) == ("booked", refused.world.head())
    again = refused.post("/v1/dead-letters/1/redrive")
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_settled")


def test_the_event_says_why_it_was_refused(refused: Doors) -> None:
    fate = refused.get("/v1/events?source=/fulfilment&id=w1", "publisher").json()
    assert (fate["outcome"], fate["seq"], fate["is_projected"]) == ("rejected", None, True)
    (rejection,) = fate["rejections"]
    assert (rejection["reason"], rejection["origin"]) == ("schema_invalid", "kafka:events/0/0")
    assert rejection["place"]
