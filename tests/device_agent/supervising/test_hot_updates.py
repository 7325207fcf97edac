"""A model and a configuration are taken by real sensing while it runs."""

import os
import signal
import time

import msgspec
import pytest

from tests.device_agent.supervising.world import HEALTH, Gateway, until
from tests.device_agent.supervising.world import shipped_model as model

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    made = Gateway(tmp_path_factory.mktemp("gateway"), stand_in=False)
    made.start()
    made.working()
    until(lambda: made.sensed().uptime_ms > 2500)
    yield made
    made.stop()


def test_a_model_is_swapped_without_a_missed_sample(gateway):
    before = gateway.working()
    first = gateway.sensed()
    outcome = gateway.update(gateway.bundle("model", model(7), "7.0.0"))
    assert outcome.status == "SUCCEEDED", outcome.reason
    until(lambda: " v7 " in gateway.sensed().filters["machine"].model)
    last = gateway.sensed()
    assert last.pid == first.pid
    one, other = first.sensors["machine"], last.sensors["machine"]
    assert (other.missed, other.shed) == (one.missed, one.shed) == (0, 0)
    assert other.scans - one.scans == pytest.approx((last.uptime_ms - first.uptime_ms) / 100, abs=12)
    assert gateway.working().processes == before.processes
    assert last.counters["machine.models_taken"] == first.counters["machine.models_taken"] + 1


def test_a_model_that_cannot_be_used_is_refused_while_it_is_staged(gateway):
    taken = gateway.sensed().counters["machine.models_taken"]
    spoilt = model(8) | {"level-8.tflite": b"no model at all"}
    outcome = gateway.update(gateway.bundle("model", spoilt, "8.0.0"))
    assert outcome.status == "FAILED"
    assert "the model cannot be used" in outcome.reason
    assert gateway.sensed().counters["machine.models_taken"] == taken


def test_a_configuration_is_taken_hot_and_lies_under_the_gateways_own(gateway):
    starts = gateway.working().processes["run"].starts
    layer = b"summary_s: 2\nsensors: {machine: {rate_hz: 99}}\n"
    slack = msgspec.structs.replace(HEALTH, min_rate=0.5)  # a second or two of ten is a start
    outcome = gateway.update(gateway.bundle("configuration", {"gateway-layer.yaml": layer}, "1.0.0", health=slack))
    assert outcome.status == "SUCCEEDED", outcome.reason
    said = gateway.sensed()
    assert said.counters["configuration_taken"] == 1
    assert gateway.working().processes["run"].starts == starts


def test_a_wrong_configuration_is_refused_with_its_place_while_it_is_staged(gateway):
    for layer, place in ((b"summary_s: never\n", "summary_s"), (b"uplink: null\n", "`uplink` is not an update's")):
        name = f"2.0.{len(layer)}"
        outcome = gateway.update(gateway.bundle("configuration", {"gateway-layer.yaml": layer}, name))
        assert outcome.status == "FAILED"
        assert place in outcome.reason


def test_a_configuration_that_this_machine_cannot_do_goes_back_by_itself(gateway):
    before = gateway.updates.look().installed
    layer = b"filter: {model: /nowhere/level-8.tflite}\n"
    outcome = gateway.update(gateway.bundle("configuration", {"gateway-layer.yaml": layer}, "3.0.0"))
    assert outcome.status == "FAILED"
    assert "found wanting: refused" in outcome.reason
    assert gateway.updates.look().installed == before
    until(lambda: not gateway.sensed().degraded)


def test_the_time_of_a_restart_is_told_as_missed_scans(gateway):
    first, killed_s = gateway.working().processes["run"].pid, time.monotonic()
    os.kill(first, signal.SIGKILL)
    until(lambda: gateway.status().processes["run"].pid not in (0, first))
    gateway.working()
    stood_s = time.monotonic() - killed_s + 1  # its last word is a second old
    assert 1 <= gateway.sensed().sensors["machine"].missed <= 10 * stood_s
