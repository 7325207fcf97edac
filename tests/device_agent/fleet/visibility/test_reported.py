"""Against a shadow service in memory that keeps AWS IoT's rules: 404 before the first update, merge patches, 8 KB."""

import json

import pytest

from contract.topics import shadow_topic
from device_agent.fleet.visibility.reported import AT_MOST_EVERY_S, LARGEST_BYTES, Paper, Reported
from device_agent.uplink.memory import MemoryBroker, MemoryUplink
from tests.device_agent.test_desired import patched

NAME = "gw-1"


class ShadowService(MemoryBroker):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.shadow, self.reported, self.updates, self.forbids = name, None, 0, False

    def take(self, topic, payload):
        answer = super().take(topic, payload)
        if topic == shadow_topic(NAME, self.shadow, "get"):
            if self.reported is None:
                self._say("get/rejected", {"code": 404, "message": "No shadow exists with name"})
            else:
                self._say("get/accepted", {"state": {"reported": self.reported}, "version": self.updates})
        if topic == shadow_topic(NAME, self.shadow, "update"):
            if self.forbids:
                self._say("update/rejected", {"code": 403, "message": "Forbidden"})
                return answer
            assert len(payload) <= 8192
            self.updates += 1
            self.reported = patched(self.reported or {}, json.loads(payload)["state"]["reported"])
        return answer

    def _say(self, what, message) -> None:
        self.say(shadow_topic(NAME, self.shadow, what), json.dumps(message).encode())


class World:
    def __init__(self, shadow="state") -> None:
        self.now_s, self.content = 0.0, {"software": {"version": "1"}, "boot_id": "a"}
        self.cloud = ShadowService(shadow)
        uplink = MemoryUplink(self.cloud)
        paper = Paper(shadow, lambda: self.content)
        self.reported = Reported(uplink, NAME, paper, monotonic_s=lambda: self.now_s)
        uplink.connect(self.reported.hears(), lambda: None)

    def steps(self, seconds=5.0, count=3) -> None:
        for _ in range(count):
            self.reported.step()
            self.now_s += seconds


@pytest.fixture
def world() -> World:
    return World()


def test_a_shadow_that_does_not_exist_yet_is_made(world) -> None:
    world.steps()
    assert world.cloud.reported == world.content


def test_the_reserved_shadow_of_packages_is_written_the_same_way() -> None:
    world = World("$package")
    world.content = {"thresher": {"version": "1.4.0", "attributes": {}}}
    world.steps()
    assert world.cloud.reported == world.content


def test_what_has_not_changed_is_not_said_again(world) -> None:
    world.steps()
    world.now_s += 3600
    world.steps()
    assert world.cloud.updates == 1


def test_what_is_gone_is_taken_out(world) -> None:
    world.steps()
    world.content = {"software": {"version": "2"}}
    world.now_s += AT_MOST_EVERY_S
    world.steps()
    assert world.cloud.reported == {"software": {"version": "2"}}


def test_what_an_earlier_version_said_is_taken_out_too(world) -> None:
    world.cloud.reported = {"firmware": "0.1", "boot_id": "a"}
    world.steps()
    assert world.cloud.reported == world.content


def test_changes_are_told_once_a_minute_at_most(world) -> None:
    for number in range(120):
        world.content = {"boot_id": str(number)}
        world.steps(seconds=1.0, count=1)
    assert world.cloud.updates <= 3


def test_after_a_lost_link_only_what_differs_is_said(world) -> None:
    world.steps()
    world.cloud.cut()
    world.steps()
    world.cloud.restore()
    world.content = world.content | {"boot_id": "b"}
    world.now_s += AT_MOST_EVERY_S
    world.steps()
    assert world.cloud.reported == world.content
    sent = [json.loads(payload) for topic, payload in world.cloud.received if topic.endswith("/update")]
    assert sent[-1] == {"state": {"reported": {"boot_id": "b"}}}


def test_a_refusal_is_counted_and_the_shadow_is_read_anew(world) -> None:
    world.cloud.forbids = True
    world.steps()
    assert world.reported.counters["shadow_state_refused"] == 1
    world.cloud.forbids = False
    world.now_s += AT_MOST_EVERY_S
    world.steps()
    assert world.cloud.reported == world.content


def test_what_does_not_fit_is_not_sent_and_counted(world) -> None:
    world.content = {"long": "x" * (LARGEST_BYTES + 1)}
    world.steps()
    assert world.cloud.reported is None
    assert world.reported.counters["shadow_state_too_large"] == 1


def test_garbage_from_the_service_is_survived(world) -> None:
    world.cloud.say(shadow_topic(NAME, "state", "get/accepted"), b"\xff{")
    world.steps()
    assert world.cloud.reported == world.content
