"""Schemathesis calls every operation with what its description allows, and with what it does not.

No answer may be a 5xx, and none may be one that the document does not describe.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks as known
from schemathesis.specs.openapi import checks

from tests.api.conftest import Doors
from tests.api.test_isolation import KNOWN
from tests.api.test_isolation import doors as doors  # noqa: PLC0414 - the same world

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

EXAMPLES = 12
CHECKS = [
    known.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
schema = schemathesis.openapi.from_path(Path(__file__).parents[2] / "schemas" / "openapi.yaml")


@dataclass
class Served:
    """The application on a port of its own."""

    url: str
    header: dict[str, str]


@pytest.fixture(scope="module")
def served(doors: Doors) -> Iterator[Served]:
    server = uvicorn.Server(
        uvicorn.Config(doors.app, port=0, lifespan="off", log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Served(f"http://127.0.0.1:{port}", doors.header("admin"))
    server.should_exit = True
    thread.join(30)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_fault_or_undocumented(case: schemathesis.Case, served: Served) -> None:
    for names_what_there_is in (False, True):
        if names_what_there_is:
            if not case.path_parameters:
                return
            case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters})
        case.call_and_validate(base_url=served.url, headers=served.header, checks=CHECKS)
