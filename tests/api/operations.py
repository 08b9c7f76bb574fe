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
        return re.findall(r"{(\w+)}", self.path)

    def path_with(self, value: str | Callable[[str], str]) -> str:
        """Return the address with each parameter replaced, by one value or by what a function gives it."""
        fill = value if callable(value) else lambda _: value
        return re.sub(r"{(\w+)}", lambda found: fill(found[1]), self.path)


def operations(app: FastAPI) -> Iterator[Operation]:
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield Operation(method.upper(), path, described)
