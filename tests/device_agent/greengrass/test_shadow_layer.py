"""What the thing's shadow wants of components, by a nucleus in memory with a shadow service behind it."""

import json
import threading

import pytest

from contract.topics import shadow_topic
from device_agent.errors import ConfigError
from device_agent.greengrass.documents import Documents
from device_agent.greengrass.edge_filter import edge_filter
from device_agent.greengrass.event_forwarder import event_forwarder
from device_agent.greengrass.gateway import gateway
from device_agent.greengrass.place import EDGE_FILTER, EVENT_FORWARDER, GATEWAY, SENSOR_READER, Place
from device_agent.greengrass.reader import sensor_reader
from device_agent.ipc import operations as ops
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from tests.device_agent.greengrass.machinery import THING, until
from tests.device_agent.test_desired import patched

HEEDS = {"uplink": {"shadow": "thresher"}}
SET = {SENSOR_READER: sensor_reader, EDGE_FILTER: edge_filter, EVENT_FORWARDER: event_forwarder}


class Shadow:
    """The shadow service behind the nucleus."""

    def __init__(self, host, **desired) -> None:
        self._host, self._seen = host, 0
        self.desired, self.reported = desired, {}

    def serve(self) -> None:
        published = [each for _, each in list(self._host.requests) if isinstance(each, ops.PublishToIoTCore)]
        for request in published[self._seen :]:
            if request.topic == shadow_topic(THING, "thresher", "get"):
                state = {"state": {"desired": self.desired, "reported": self.reported}}
                self._host.say(shadow_topic(THING, "thresher", "get/accepted"), json.dumps(state).encode())
            if request.topic == shadow_topic(THING, "thresher", "update"):
                self.reported = patched(self.reported, json.loads(request.payload)["state"]["reported"])
        self._seen = len(published)

    def want(self, **desired) -> None:
        self.desired = desired
        self._host.say(shadow_topic(THING, "thresher", "update/delta"), b"{}")

    def until(self, wanted):
        return until(lambda: self.serve() or wanted())


def read(machinery, component, name):
    try:
        return json.loads((machinery.work(component) / name).read_text())
    except FileNotFoundError:
        return {}


def documents(place, values):
    nucleus = MemoryNucleus(MemoryHost(configuration={place.component: values}), place.component)
    nucleus.open(lambda _: None)
    place.work.mkdir(parents=True, exist_ok=True)
    return Documents(nucleus, place)


def test_the_gateway_takes_what_its_shadow_wants_and_says_so(machinery):
    shadow = Shadow(machinery.host, sensors=[{"name": "machine", "rate_hz": 5}])
    machinery.host.configuration[GATEWAY] = HEEDS
    running = machinery.start(GATEWAY, gateway)
    shadow.until(lambda: shadow.reported == shadow.desired)
    status = until(lambda: read(machinery, GATEWAY, "run-status.json"))
    shadow.until(lambda: read(machinery, GATEWAY, "run-status.json")["counters"].get("greengrass.configuration_taken"))
    assert "machine" in status["sensors"]
    shadow.want(summary_s="often")
    shadow.until(lambda: "$.summary_s" in shadow.reported.get("refused", ""))
    shadow.want()
    shadow.until(lambda: shadow.reported == {})
    assert not running.failures


def test_every_component_of_the_set_takes_its_part(machinery):
    shadow = Shadow(machinery.host, sensors={"machine": {"rate_hz": 5}, "second": {"type": "host"}}, summary_s=7)
    for component, run in SET.items():
        machinery.host.configuration[component] = HEEDS
        machinery.start(component, run)
    shadow.until(lambda: shadow.reported == shadow.desired)
    heard = shadow.until(lambda: len(read(machinery, SENSOR_READER, "reader-status.json")) == 2)
    assert heard
    shadow.until(lambda: "second" in read(machinery, EDGE_FILTER, "run-status.json").get("sensors", {}))


def test_a_wish_that_one_component_of_the_set_cannot_meet_is_refused_by_all(machinery):
    shadow = Shadow(machinery.host, sensors={"new": {"rate_hz": 5}})
    for component in (EDGE_FILTER, EVENT_FORWARDER):
        machinery.host.configuration[component] = HEEDS
        machinery.start(component, SET[component])
    machinery.host.configuration[SENSOR_READER] = HEEDS
    refused = shadow.until(lambda: shadow.reported.get("refused"))
    assert SENSOR_READER in refused
    assert not (machinery.work(EDGE_FILTER) / "shadow.json").exists()


def test_a_shadow_that_no_document_names_changes_nothing(place):
    made = documents(place, {})
    made.shadow.write_text('{"summary_s": 7}')
    assert made.now().summary_s == 60


def test_a_kept_layer_that_cannot_be_used_any_more_ends_nothing(place, caplog):
    made = documents(place, HEEDS)
    made.shadow.write_text('{"summary_s": 7}')
    assert made.read(threading.Event()).summary_s == 7
    made.shadow.write_text('{"summary": 7}')
    assert made.read(threading.Event()).summary_s == 60
    assert [each.getMessage() for each in caplog.records] == ["shadow.left_out"]


@pytest.mark.parametrize("key", ["uplink", "fleet", "state_dir", "gateway"])
def test_a_shadow_changes_neither_who_a_gateway_is_nor_whom_it_obeys(place, key):
    with pytest.raises(ConfigError, match=f"`{key}` is not a shadow's to change"):
        documents(place, HEEDS).judge({key: "x"})


def test_a_deployment_that_would_not_go_with_the_shadow_is_told_so(place):
    made = documents(place, HEEDS)
    made.shadow.write_text('{"sensors": [{"name": "second", "rate_hz": 5}]}')
    sensors = [{"type": "host", "name": name} for name in ("machine", "second")]
    assert made.check({**HEEDS, "sensors": sensors})
    with pytest.raises(ConfigError, match=r"shadow\.json"):
        made.check({**HEEDS, "sensors": sensors[:1]})


def test_the_set_keeps_what_the_shadow_wants_where_all_its_components_look(tmp_path):
    places = [Place(each, THING, tmp_path / "work" / each, "n") for each in SET]
    assert len({documents(each, {}).shadow for each in places}) == 1
