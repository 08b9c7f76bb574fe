import pytest

from tests.projections.world import RENT, SETUP, World


@pytest.fixture
def world(database: str) -> World:
    """An open tenant with one product and two customers."""
    made = World(database)
    made.open()
    made.product("laptop", RENT, SETUP)
    made.customer("c1", billing_day=2)
    made.customer("c2", billing_day=2)
    return made
