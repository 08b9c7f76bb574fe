"""What tests of the read models share: a small world in a database of its own."""

import pytest

from tests.projections.world import World, opened


@pytest.fixture
def world(database: str) -> World:
    """An open tenant with one product and two customers."""
    return opened(World(database))
