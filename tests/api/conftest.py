"""What tests of the API share: a small world, keys for its tenants, and a client."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import ApiSettings, Context, pool_of
from ledger import keys
from ledger.keys import KeyRole
from tests.projections.world import World, opened


@dataclass
class Doors:
    """An application on a world, with a key for each tenant and role that is asked for."""

    world: World
    app: FastAPI
    client: TestClient
    tokens: dict[tuple[str, KeyRole], str] = field(default_factory=dict)

    def token(self, role: KeyRole = "admin", tenant: str | None = None, **more: Any) -> str:
        tenant = tenant or self.world.tenant
        with self.world.connect() as connection:
            key, text = keys.create(
                connection, tenant, name=f"{role} of a test", role=role, clock=self.world.clock, **more
            )
        assert key.tenant_id == tenant
        return text

    def header(self, role: KeyRole = "admin", tenant: str | None = None) -> dict[str, str]:
        asked = (tenant or self.world.tenant, role)
        if asked not in self.tokens:
            self.tokens[asked] = self.token(role, tenant)
        return {"Authorization": f"Bearer {self.tokens[asked]}"}

    def get(self, path: str, role: KeyRole = "admin", tenant: str | None = None, **more: Any) -> Any:
        headers = {**self.header(role, tenant), **more.pop("headers", {})}
        return self.client.get(path, headers=headers, **more)

    def post(self, path: str, role: KeyRole = "admin", tenant: str | None = None, **more: Any) -> Any:
        headers = {**self.header(role, tenant), **more.pop("headers", {})}
        return self.client.post(path, headers=headers, **more)


def context_on(world: World, **settings: Any) -> Context:
    return Context(
        ApiSettings(**settings),
        pool_of(world.url, connections=4),
        partial(psycopg.connect, world.url, autocommit=True),
        world.clock,
    )


@pytest.fixture
def doors(database: str) -> Iterator[Doors]:
    """An open tenant with one product and two customers, and the API on it."""
    yield from opened_doors(World(database))


def opened_doors(world: World) -> Iterator[Doors]:
    opened(world)
    app = create_app(context_on(world, tenant_sources=frozenset({"/operator"})))
    with TestClient(app) as client:
        yield Doors(world, app, client)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
