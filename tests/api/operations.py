"""Every operation of the application, from its OpenAPI document: a new one can't be forgotten."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

OPEN = {"get_live", "get_ready"}
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Operation:
    """One method of one address, and what the document says of it."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        name: str = self.described["operationId"]
        return name

    @property
    def parameters(self) -> list[str]:
        """What must be named to call it: in the address, and in the query."""
        return [*re.findall(r"{(\w+)}", self.path), *self.queries]

    @property
    def queries(self) -> list[str]:
        named = self.described.get("parameters", ())
        return [one["name"] for one in named if one["in"] == "query" and one["required"]]

    def path_with(self, value: str | Callable[[str], str]) -> str:
        """Return the address with each parameter replaced, by one value or by what a function gives it."""
        fill = value if callable(value) else lambda _: value
        path = re.sub(r"{(\w+)}", lambda found: fill(found[1]), self.path)
        query = "&".join(f"{name}={fill(name)}" for name in self.queries)
        return f"{path}?{query}" if query else path


def operations(app: FastAPI) -> Iterator[Operation]:
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)
