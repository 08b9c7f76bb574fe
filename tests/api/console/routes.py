"""Every page of the console, from the application itself: a new one can't be forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.access import ROLES

OPEN = {"/", "/console/login", "/console/static/{name}"}


@dataclass(frozen=True)
class Page:
    method: str
    path: str
    roles: tuple[str, ...]

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)(?::\w+)?}", self.path)

    def path_with(self, values: dict[str, str]) -> str:
        return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values[found[1]], self.path)


def pages(app: FastAPI) -> Iterator[Page]:
    for route in iter_route_contexts(app.routes):
        if route.path == "/" or (route.path or "").startswith("/console"):
            for method in sorted(set(route.methods or ()) - {"HEAD"}):
                yield Page(method, route.path, tuple((route.openapi_extra or {})[ROLES]))
