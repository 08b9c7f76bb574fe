"""Every scenario, and generated ones, through ledger, projections and bill runs: as calculated, and audited.

What the bill run leaves out as settled must never matter; nor that timelines and net spans are read models.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg import sql

from cli.embedded.postgres import Postgres
from cli.simulate.loading import load, parse
from cli.simulate.scenario_file import Scenario
from projections.audit_all import audit_all
from tests.oracle.histories import scenario as generate
from tests.projections.scenarios import live, settled, simulated
from tests.projections.world import World

pytestmark = pytest.mark.postgres

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.json"))
ADJUSTED = sorted(
    path for path in (FOLDER / "handbook").glob("*.yaml") if "adjustments:" in path.read_text("utf-8")
)
SEEDS = range(24)


@pytest.fixture(scope="module")
def many_tenants(postgres: Postgres, template: str) -> Iterator[str]:
    """One database for all cases of the module; each case is a tenant of its own."""
    names = {"name": sql.Identifier("scenarios"), "template": sql.Identifier(template)}
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        yield postgres.url("scenarios")
        connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


def check(scenario: Scenario, url: str, tenant: str) -> None:
    world = World(url, tenant=tenant)
    live(scenario, world)
    issued = [{key: value for key, value in line.items() if key != "issued"} for line in world.lines()]
    assert issued == simulated(scenario, world.numbers())
    assert world.settlements() == settled(scenario)
    audited = audit_all(world.connect, tenant, workers=1)
    assert (audited.difference, audited.documents) == (None, len(world.numbers()))


@pytest.mark.parametrize("path", [*FILES, *ADJUSTED], ids=lambda path: path.stem)
def test_a_scenario_file_is_billed_as_calculated(path: Path, many_tenants: str) -> None:
    check(load(path), many_tenants, path.stem)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_history_is_billed_as_calculated(seed: int, many_tenants: str) -> None:
    text = json.dumps(generate(Random(seed)))
    check(parse(text, name=str(seed), yaml_format=False), many_tenants, f"g{seed}")
