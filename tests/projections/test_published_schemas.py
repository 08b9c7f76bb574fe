"""What bill runs write is what the published schemas say."""

import orjson
import pytest

from schemas.registry import BY_NAME
from tests.projections.world import TENANT

pytestmark = pytest.mark.postgres


def test_own_facts_match_their_schemas(world):
    """An invoice, a correction and a reversal; a run that is completed."""
    world.activate("s1", "c1", "laptop", "2026-06-24")
    world.activate("s2", "c1", "laptop", "2026-06-01")
    world.project()
    world.run("2026-07-02")
    world.hear("service.deactivated", service_id="s1", effective="2026-07-11")
    world.hear("service.voided", service_id="s2", effective="2026-06-01", supersedes={"id": "e00006"})
    world.project()
    world.run("2026-08-02")
    with world.connect() as connection:
        rows = connection.execute(
            """SELECT type, schema_version, payload FROM ledger.fact
            WHERE tenant_id = %s AND source = 'urn:billing-ledger' ORDER BY seq""",
            (TENANT,),
        ).fetchall()
    assert {row[0] for row in rows} >= {"invoice.issued", "invoice.lines"}
    for type_, version, payload in rows:
        BY_NAME[f"{type_}.v{version}"].adapter.validate_python(orjson.loads(payload))
