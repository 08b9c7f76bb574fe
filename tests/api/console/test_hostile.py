"""Nothing that is written into an address or a form is answered with a mistake of ours."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers, browsers_of
from tests.api.console.routes import OPEN
from tests.api.console.test_isolation import MORE
from tests.api.test_isolation import KNOWN
from tests.api.test_isolation import doors as doors  # noqa: PLC0414 - a world with all there can be

pytestmark = pytest.mark.postgres

ODD = (
    *("x", "-1", "0", "9" * 30, "1e5", "NaN", "1.00001", "\N{ARABIC-INDIC DIGIT ONE}", "EUR", "XTS", " "),
    *("2026-13", "0000-01", "9999-12", "9999-12-31", "0001-01-01", "2026-07-02"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *("<script>alert(1)</script>", "a\0b", "..", "a/b", "\N{PILE OF POO}", "A" * 700, "A" * 5_000, "WyJ4Il0"),
)
FORMS = {
    "/console/bill-runs": ("issue_date",),
    "/console/customers/c1/adjust":
        ("amount", "currency", "effective", "service_id", "text", "reason", "adjustment_id", "step"),
    "/console/customers/c1/adjustments/a1/withdraw": ("reason",),
}  # fmt: skip


@pytest.fixture
def browsers(doors: Doors) -> Iterator[Browsers]:
    yield from browsers_of(doors)


def questions(doors: Doors) -> Iterator[tuple[str, str]]:
    """Yield each page with the name of each parameter that it takes: in its path, as ODD, and behind it."""
    given = {**MORE, **KNOWN}
    for route in iter_route_contexts(doors.app.routes):
        path = route.path or ""
        if not path.startswith("/console") or path in OPEN or "GET" not in (route.methods or ()):
            continue
        names = re.findall(r"{(\w+)(?::\w+)?}", path)
        for name in names:
            yield filled(path, {**given, name: "ODD"}), ""
        original = route.original_route
        assert isinstance(original, APIRoute)
        for name in dict.fromkeys(queried(original.dependant)):
            yield filled(path, given), name


def queried(asked: Dependant) -> Iterator[str]:
    yield from (one.alias for one in asked.query_params)
    for one in asked.dependencies:
        yield from queried(one)


def filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values[found[1]], path)


def test_odd_questions(doors: Doors, browsers: Browsers) -> None:
    browser, asked = browsers("admin"), 0
    for path, name in questions(doors):
        for odd in ODD:
            address = f"{path}?{name}={quote(odd)}" if name else path.replace("ODD", quote(odd, safe=""))
            answer = browser.get(address)
            assert answer.status_code < 500, (address[:200], answer.text[-300:])
            assert "<script>alert" not in answer.text, address
            asked += 1
    assert asked > 1_000


@pytest.mark.parametrize("path", FORMS)
def test_odd_forms(browsers: Browsers, path: str) -> None:
    browser, sound = browsers("admin"), {"amount": "5.00", "reason": "r", "form_token": ""}
    sound["form_token"] = browser.token()
    for name in FORMS[path]:
        for odd in ODD:
            answer = browser.post(path, {**sound, name: odd})
            assert answer.status_code < 500, (path, name, odd[:20], answer.text[-300:])
            assert "<script>alert" not in answer.text, (path, name)
