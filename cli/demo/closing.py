"""Closes the demo: reads all facts back from the ledgers and holds the issued lines against hindsight."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson
from psycopg import Connection

from billing.facts import EventRef, event_ref
from cli.demo.hindsight import Difference, HeardEvent, Run, differences, due_sums, issued_sums, read_fact
from cli.faults import WrongUseError
from ledger.read import each_fact

RUNS_FILE: Final = "runs.json"
Runs = Mapping[str, Sequence[Run]]


@dataclass(frozen=True, slots=True)
class Closing:
    """How many sums were compared, and which of them differ."""

    charges: int
    differences: tuple[Difference, ...]

    def as_data(self) -> dict[str, object]:
        """Return the result as JSON-able data."""
        return asdict(self)


def facts_of(connection: Connection[Any], tenant_id: str) -> list[HeardEvent]:
    """Return all facts of a ledger in order, straight from its table."""
    return [read_fact(fact.seq, fact.payload) for fact in each_fact(connection, tenant_id)]


def close(connection: Connection[Any], runs: Runs, *, withheld: str | None = None) -> Closing:
    """Compare, for every tenant, what is issued with what was due.

    `withheld` names a fact, as TENANT/EVENT_ID, that hindsight is not told of. Raises WrongUseError where
    no ledger has it.
    """
    compared = 0
    found: list[Difference] = []
    for tenant_id in runs:
        facts = facts_of(connection, tenant_id)
        due = due_sums(facts, runs[tenant_id], withheld=_named(facts, tenant_id, withheld))
        issued = issued_sums(facts)
        compared += len(due.keys() | issued.keys())
        found += differences(due, issued)
    if withheld is not None and withheld.partition("/")[0] not in runs:
        raise WrongUseError(
            f"{withheld!r} names none of the ledgers {', '.join(runs)}; write TENANT/EVENT_ID"
        )
    return Closing(compared, tuple(found))


def write_runs(runs: Runs, folder: Path) -> None:
    """Keep the bill runs beside the data, so that the check can be made again."""
    (folder / RUNS_FILE).write_bytes(
        orjson.dumps({tenant_id: list(made) for tenant_id, made in runs.items()})
    )


def read_runs(folder: Path) -> Runs:
    """Return what `write_runs` wrote."""
    written = orjson.loads((folder / RUNS_FILE).read_bytes())
    return {
        tenant_id: [Run(date.fromisoformat(run["issue_day"]), run["position"]) for run in made]
        for tenant_id, made in written.items()
    }


def _named(facts: Sequence[HeardEvent], tenant_id: str, withheld: str | None) -> EventRef | None:
    if withheld is None:
        return None
    tenant, _, event_id = withheld.partition("/")
    if tenant != tenant_id:
        return None
    for _, event in facts:
        if event["id"] == event_id:
            return event_ref(event)
    raise WrongUseError(f"the ledger of {tenant_id} has no event {event_id!r}")
