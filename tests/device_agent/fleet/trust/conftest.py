import pytest

from tests.device_agent.fleet.trust.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
