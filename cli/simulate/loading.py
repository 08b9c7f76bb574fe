"""Reads scenario files, JSON or YAML; says where and why one is none."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Final

import yaml
from pydantic import ValidationError

from billing.errors import LedgerError
from cli.faults import WrongUseError
from cli.simulate.scenario_file import Scenario

_DEEPEST: Final = 100
_MANY_OPENERS: Final = 2000  # fewer can't nest deeply enough to matter
SUFFIXES: Final = (".json", ".yaml", ".yml")


class InvalidScenarioError(LedgerError):
    """A file that is no valid scenario; the message has the place and the reason."""

    code: ClassVar[str] = "invalid_scenario"


class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Leaves dates and instants as the texts that they are."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def scenario_paths(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are meant: a directory stands for the scenario files in it, by name."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(child for child in path.rglob("*") if child.suffix in SUFFIXES and child.is_file())
        if not inside:
            raise WrongUseError(f"{path}: no scenario file is in this directory; they end in .json or .yaml")
        found.extend(inside)
    return found


def load(path: Path) -> Scenario:
    """Return the scenario in a file; `InvalidScenarioError` says where and why it is none."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidScenarioError(f"{path}: can't be read: {error}") from error
    return parse(text, name=str(path), yaml_format=path.suffix != ".json")


def parse(text: str, *, name: str, yaml_format: bool) -> Scenario:
    """Return the scenario that a text describes; `name` says in errors which one it is."""
    data = _read_yaml(text, name) if yaml_format else _read_json(text, name)
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise InvalidScenarioError("\n".join(_reasons(name, error))) from error
    except RecursionError as error:
        raise InvalidScenarioError(f"{name}: nested too deeply") from error


def _read_json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidScenarioError(f"{name}:{error.lineno}:{error.colno}: no JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise InvalidScenarioError(f"{name}: no JSON: {error}") from error


def _read_yaml(text: str, name: str) -> Any:
    try:
        _check_depth(text, name)
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader without timestamps
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InvalidScenarioError(f"{name}{place}: no YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidScenarioError(f"{name}: no YAML: {error}") from error


def _check_depth(text: str, name: str) -> None:
    """Refuse what is nested so deeply that building it would overflow the stack of the C loader."""
    if sum(text.count(opener) for opener in "[{-:?") < _MANY_OPENERS:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise InvalidScenarioError(f"{name}:{line}: nested too deeply")


def _reasons(name: str, error: ValidationError) -> list[str]:
    reasons = []
    for problem in error.errors(include_url=False):
        place = ""
        for step in problem["loc"]:
            place += f"[{step}]" if isinstance(step, int) else f".{step}"
        message = problem["msg"].removeprefix("Value error, ")
        given = "" if problem["type"] in ("missing", "value_error") else f" (it is {problem['input']!r:.80})"
        reasons.append(f"{name}: {place.lstrip('.')}: {message}{given}".replace(": : ", ": "))
    return reasons
