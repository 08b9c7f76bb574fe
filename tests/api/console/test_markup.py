"""Every page is sound: names are unique, what is named exists, and each field says what it wants."""

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

import pytest

from tests.api.conftest import Doors
from tests.api.console.conftest import Browsers, browsers_of
from tests.api.console.routes import OPEN, pages
from tests.api.console.test_isolation import MORE
from tests.api.test_isolation import KNOWN
from tests.api.test_isolation import doors as doors  # noqa: PLC0414 - a world with all there can be

pytestmark = pytest.mark.postgres


@pytest.fixture
def browsers(doors: Doors) -> Iterator[Browsers]:
    yield from browsers_of(doors)


def whole_pages(doors: Doors, browsers: Browsers) -> Iterator[tuple[str, str]]:
    for one in pages(doors.app):
        if one.method == "GET" and one.path not in OPEN:
            path = one.path_with({**MORE, **KNOWN})
            answer = browsers().get(path)
            if answer.headers["content-type"].startswith("text/html"):
                yield path, answer.text


def test_names_are_unique_and_what_is_named_exists(doors: Doors, browsers: Browsers) -> None:
    seen = 0
    for path, text in whole_pages(doors, browsers):
        ids = Counter(re.findall(r'\sid="([^"]+)"', text))
        assert [name for name, count in ids.items() if count > 1] == [], path
        named = re.findall(r'\s(?:for|aria-labelledby|aria-describedby|aria-controls)="([^"]+)"', text)
        named += re.findall(r'\shx-target="#([\w-]+)', text)
        assert {name for names in named for name in names.split()} <= set(ids), path
        seen += 1
    assert seen >= 20


def test_a_part_is_where_it_is_loaded_from(doors: Doors, browsers: Browsers) -> None:
    seen = set()
    for path, text in whole_pages(doors, browsers):
        for tag in re.findall(r"<[^>]*\shx-get=[^>]*>", text):
            source, parts = re.findall(r'\shx-(?:get|select|select-oob)="([^" ]+)', tag)
            for part in parts.split(","):
                name = part.removeprefix("#")
                if (source, name) not in seen:
                    assert f'id="{name}"' in browsers().get(unescape(source)).text, (path, tag)
                seen.add((source, name))
    assert len(seen) >= 4


def test_every_field_has_a_label(doors: Doors, browsers: Browsers) -> None:
    for path, text in whole_pages(doors, browsers):
        labelled = set(re.findall(r'<label for="([^"]+)"', text))
        outside = re.sub(r"<label\b.*?</label>", "", text, flags=re.DOTALL)  # a label that holds its field
        for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", outside):
            if 'type="hidden"' in field or "aria-label" in field:
                continue
            found = re.search(r'\sid="([^"]+)"', field)
            assert found, (path, field)
            assert found[1] in labelled, (path, field)


def test_every_page_has_one_heading_of_its_own(doors: Doors, browsers: Browsers) -> None:
    for path, text in whole_pages(doors, browsers):
        assert text.count("<h1") == 1, path
