"""A shadow of the cloud, in memory, that keeps AWS IoT's rules."""

import json
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.topics import shadow_topic
from device_agent.config import load_layers
from device_agent.config.reading import SHADOW_FILE
from device_agent.desired import Desired, difference
from device_agent.errors import ConfigError
from device_agent.uplink.memory import MemoryBroker, MemoryUplink

DOCUMENT = """
gateway: gw-1
state_dir: state
sensors: [{type: host, name: machine}]
uplink: {endpoint: e, certificate: c, private_key: k, ca: a, shadow: thresher}
"""


def patched(present, patch):
    """A JSON merge patch applied."""
    result = dict(present) if isinstance(present, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key, {}), value) if isinstance(value, dict) else value
    return result


class Cloud(MemoryBroker):
    """Answers ``get`` and ``update`` as the shadow service does."""

    def __init__(self) -> None:
        super().__init__()
        self.state = {"desired": {}, "reported": {}}
        self.updates = 0

    def want(self, **desired) -> None:
        self.state["desired"] = desired
        self._told()

    def take(self, topic, payload):
        answer = super().take(topic, payload)
        if topic == shadow_topic("gw-1", "thresher", "get"):
            document = {"state": self.state, "version": self.updates}
            self.say(shadow_topic("gw-1", "thresher", "get/accepted"), json.dumps(document).encode())
        if topic == shadow_topic("gw-1", "thresher", "update"):
            self.updates += 1
            self.state["reported"] = patched(self.state["reported"], json.loads(payload)["state"]["reported"])
            self._told()
        return answer

    def _told(self) -> None:
        if self.state["desired"] != self.state["reported"]:
            self.say(shadow_topic("gw-1", "thresher", "update/delta"), b"{}")


class Gateway:
    def __init__(self, folder, cloud) -> None:
        self.document = folder / "gateway.yaml"
        self.document.write_text(DOCUMENT)
        (folder / "state").mkdir()
        self.kept = folder / "state" / SHADOW_FILE
        self.uplink = MemoryUplink(cloud)
        self.desired = Desired(self.uplink, "gw-1", "thresher", path=self.kept, judge=self._judge)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.desired.run, args=(self._stop,))
        self.uplink.connect(self.desired.hears(), lambda: None)
        self._thread.start()

    def _judge(self, values):
        load_layers(self.document, desired=values)

    def end(self):
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def cloud():
    return Cloud()


@pytest.fixture
def gateway(tmp_path, cloud):
    made = Gateway(tmp_path, cloud)
    yield made
    made.end()


def until(wanted) -> None:
    end_s = time.monotonic() + 10
    while not wanted():
        assert time.monotonic() < end_s
        threading.Event().wait(0.02)


def test_what_a_shadow_wants_is_laid_over_the_document_and_reported(gateway, cloud):
    cloud.want(health_s=30, sensors={"machine": {"rate_hz": 2}})
    until(lambda: cloud.state["reported"] == cloud.state["desired"])
    loaded = load_layers(gateway.document)
    assert loaded.config.health_s == 30
    assert loaded.config.sensors[0].rate_hz == 2
    assert loaded.document.merged.origins["health_s",].source == str(gateway.kept)


def test_what_was_wanted_before_the_connection_is_heard_with_it(tmp_path, cloud):
    cloud.want(health_s=30)
    gateway = Gateway(tmp_path, cloud)
    until(gateway.kept.exists)
    gateway.end()


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ({"health_s": "often"}, "$.health_s"),
        ({"gateway": "other"}, "$.gateway"),
        ({"state_dir": "/tmp"}, "$.state_dir"),
        ({"uplink": {"endpoint": "elsewhere"}}, "$.uplink"),
        ({"extends": {"fleet": "/etc/passwd"}}, "$.extends"),
    ],
)
def test_what_cannot_be_used_is_not_kept_and_the_cloud_is_told_why(gateway, cloud, wanted, place):
    cloud.want(health_s=30)
    until(lambda: cloud.state["reported"] == {"health_s": 30})
    cloud.want(**wanted)
    until(lambda: place in cloud.state["reported"].get("refused", ""))
    assert load_layers(gateway.document).config.health_s == 30
    cloud.want(health_s=20)
    until(lambda: cloud.state["reported"] == {"health_s": 20})


def test_a_key_that_is_wanted_no_more_is_gone_here_and_there(gateway, cloud):
    cloud.want(health_s=30, filter={"hop_scans": 2, "calibration_scans": 300})
    until(lambda: cloud.state["reported"] == cloud.state["desired"])
    cloud.want(filter={"hop_scans": 2})
    until(lambda: cloud.state["reported"] == {"filter": {"hop_scans": 2}})
    assert load_layers(gateway.document).config.filter.calibration_scans == 400


def test_an_answer_that_changes_nothing_is_not_given_again_and_again(gateway, cloud):
    cloud.want(health_s="often")
    until(lambda: "refused" in cloud.state["reported"])
    for _ in range(3):
        counted = gateway.desired.counters["refused"]
        cloud.want(health_s="often")
        until(lambda: gateway.desired.counters["refused"] > counted)  # noqa: B023 - called within the turn
    assert cloud.updates == 1


def test_nonsense_is_counted_and_changes_nothing(gateway, cloud):
    cloud.say(shadow_topic("gw-1", "thresher", "get/accepted"), b"\xff")
    cloud.say(shadow_topic("gw-1", "thresher", "get/accepted"), b'{"state": 5}')
    until(lambda: gateway.desired.counters["malformed"] == 2)
    assert not gateway.kept.exists()


def test_a_kept_layer_of_another_version_of_the_program_is_refused_with_its_place(gateway):
    gateway.kept.write_text('{"helth_s": 5}')
    with pytest.raises(ConfigError, match=r"shadow\.json: .*helth_s"):
        load_layers(gateway.document)


VALUES = st.recursive(
    st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(DOCUMENTS, DOCUMENTS)
def test_a_difference_leads_from_one_to_the_other(present, wanted):
    assert patched(present, difference(present, wanted)) == wanted
    assert difference(wanted, wanted) == {}
