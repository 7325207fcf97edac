import contextlib
import threading
import time

import pytest

from device_agent.errors import ConfigError
from device_agent.greengrass.exclusion import sole_set
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, FLEET_AGENT, GATEWAY, SENSOR_READER, Place


@pytest.fixture
def at(tmp_path):
    return lambda component: Place(component, "t", tmp_path, str(tmp_path))


@pytest.mark.parametrize("member", [SENSOR_READER, EDGE_FILTER, EVENT_FORWARDER])
def test_gateway_and_the_split_set_exclude_each_other_and_name_each_other(at, member):
    with sole_set(at(GATEWAY)), pytest.raises(ConfigError, match=GATEWAY), sole_set(at(member)):
        pass
    with sole_set(at(member)), pytest.raises(ConfigError, match=member) as caught, sole_set(at(GATEWAY)):
        pass
    assert SENSOR_READER in caught.value.remedy


def test_the_split_set_runs_together_and_the_fleet_agent_beside_either(at):
    with contextlib.ExitStack() as running:
        for component in (SENSOR_READER, EDGE_FILTER, EVENT_FORWARDER, FLEET_AGENT):
            running.enter_context(sole_set(at(component)))
    with sole_set(at(GATEWAY)), sole_set(at(FLEET_AGENT)):
        pass


def test_a_component_runs_once(at):
    with sole_set(at(GATEWAY)), pytest.raises(ConfigError, match="already runs"), sole_set(at(GATEWAY)):
        pass
    with sole_set(at(GATEWAY)):
        pass


def test_another_nucleus_of_the_machine_has_its_own(at, tmp_path):
    with sole_set(at(GATEWAY)), sole_set(at(EDGE_FILTER)._replace(nucleus=str(tmp_path / "other"))):
        pass


def test_where_both_sets_start_at_once_the_split_set_gives_way(at):
    with contextlib.ExitStack() as reader:
        reader.enter_context(sole_set(at(SENSOR_READER)))
        threading.Timer(0.3, reader.pop_all().close).start()
        began = time.monotonic()
        with sole_set(at(GATEWAY)):
            assert time.monotonic() - began < 1.0
