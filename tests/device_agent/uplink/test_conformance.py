"""What every uplink keeps: in memory, MQTT 5 against a real broker with mutual TLS, a nucleus by either client."""

import contextlib
import queue
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.topics import events_topic, feedback_topic, stored_topic
from device_agent.errors import UplinkError
from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.sdk import SdkWire
from device_agent.ipc.thin import ThinWire
from device_agent.uplink.greengrass import GreengrassUplink
from device_agent.uplink.memory import MemoryBroker, MemoryUplink
from device_agent.uplink.mqtt5 import Mqtt5Uplink
from device_agent.uplink.port import PublishRefusedError, Uplink
from tests.twin.nucleus.conftest import Site, policy

WAIT_S = 20.0


class Scene:
    """One uplink, its broker and what was heard."""

    def __init__(self, uplink: Uplink, gateway_id: str, world) -> None:
        self.uplink = uplink
        self.gateway_id = gateway_id
        self.heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.advice: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.also: list[str] = []
        self.others: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.woken = threading.Event()
        self.cut: Callable[[], None] = world.cut
        self.restore: Callable[[], None] = world.restore
        self.say: Callable[[str, bytes], None] = world.say

    def connect(self) -> None:
        hear = {stored_topic(self.gateway_id): self.heard.put, feedback_topic(self.gateway_id): self.advice.put}
        self.uplink.connect(hear | dict.fromkeys(self.also, self.others.put), self.woken.set)

    def until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not wanted():
            assert time.monotonic() < deadline, self.uplink.link
            self.woken.wait(0.05)
            self.woken.clear()

    def until_connected(self) -> None:
        self.until(lambda: self.uplink.link.connected)

    def publish(self, payload: bytes = b"{}", gateway_id: str | None = None) -> None:
        topic = events_topic(gateway_id or self.gateway_id, "events")
        self.uplink.publish(topic, payload).result(timeout=WAIT_S)


class _World:
    def __init__(self, cut, restore, say) -> None:
        self.cut, self.restore, self.say = cut, restore, say


class Nucleus:
    """A nucleus that lets the gateway speak for itself only; what is said while nobody listens waits."""

    def __init__(self, folder, profile, gateway_id) -> None:
        own = policy("aws.greengrass.ipc.mqttproxy", ["*"], [f"*/{gateway_id}/*"])
        self.site = Site(folder, profile)
        self.token = self.site.registry.add("io.thresher.Gateway", own)
        self.waiting: list[tuple[str, bytes]] = []
        self.listening = 0
        self.stopped = False

    def cut(self):
        self.stopped = True
        self.listening = self.site.ipc.subscribed
        self.site.ipc.stop()

    def restore(self):
        self.site.ipc.start()
        self.stopped = False
        deadline = time.monotonic() + WAIT_S
        while self.site.ipc.subscribed < self.listening:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for topic, payload in self.waiting:
            self.site.broker.say(topic, payload)

    def say(self, topic, payload):
        if self.stopped:
            self.waiting.append((topic, payload))
        else:
            self.site.broker.say(topic, payload)


@pytest.fixture(params=["memory", "mqtt5", "classic", "lite"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    cleanup = contextlib.ExitStack()
    gateway_id = f"gw-{uuid.uuid4().hex[:8]}"
    if request.param == "memory":
        broker = MemoryBroker(refuses=lambda payload: payload == b"forbidden")
        uplink: Uplink = MemoryUplink(broker)
        world = _World(broker.cut, broker.restore, broker.say)
    elif request.param in ("classic", "lite"):
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="ipc"))
        world = Nucleus(Path(folder), request.param, gateway_id)
        ipc = cleanup.enter_context(world.site.ipc)
        wire = (SdkWire if request.param == "classic" else ThinWire)(str(ipc.path), world.token)
        uplink = GreengrassUplink(KeptNucleus(wire, on_denied=lambda: None))
    else:
        site, link = request.getfixturevalue("site"), request.getfixturevalue("link")
        config = site.config(site.files(gateway_id), port=link.port)
        uplink = Mqtt5Uplink(config, client_id=gateway_id)
        world = _World(link.cut, link.restore, site.say)
    yield Scene(uplink, gateway_id, world)
    uplink.close()
    cleanup.close()


def test_before_connecting_the_link_says_so(scene):
    assert not scene.uplink.link.connected
    assert scene.uplink.link.reason


def test_a_publish_is_acknowledged(scene):
    scene.connect()
    scene.until_connected()
    scene.publish()

    assert scene.uplink.link.connects == 1
    assert scene.uplink.link.reason == ""


def test_what_the_cloud_says_is_heard(scene):
    scene.connect()
    scene.until_connected()
    scene.publish()  # the subscription went out before it
    scene.say(stored_topic(scene.gateway_id), b'{"n":1}')

    assert scene.heard.get(timeout=WAIT_S) == b'{"n":1}'


def test_each_topic_has_its_own_listener(scene):
    scene.connect()
    scene.until_connected()
    scene.publish()
    scene.say(feedback_topic(scene.gateway_id), b'{"n":3}')
    scene.say(stored_topic(scene.gateway_id), b'{"n":4}')

    assert scene.advice.get(timeout=WAIT_S) == b'{"n":3}'
    assert scene.heard.get(timeout=WAIT_S) == b'{"n":4}'
    assert scene.advice.empty()


def test_more_topics_than_one_packet_may_name_are_all_heard_and_a_plus_stands_for_a_level(scene):
    scene.also = [f"$aws/things/{scene.gateway_id}/shadow/name/{name}/get/accepted" for name in "abcdefghi"]
    scene.also.append(f"$aws/things/{scene.gateway_id}/shadow/name/+/update/delta")
    scene.connect()
    scene.until_connected()
    scene.publish()
    scene.say(scene.also[8], b'{"n":5}')
    assert scene.others.get(timeout=WAIT_S) == b'{"n":5}'
    scene.say(f"$aws/things/{scene.gateway_id}/shadow/name/z/update/delta", b'{"n":6}')
    assert scene.others.get(timeout=WAIT_S) == b'{"n":6}'
    assert scene.uplink.link.reason == ""


def test_a_lost_link_comes_back_by_itself(scene):
    scene.connect()
    scene.until_connected()
    scene.cut()
    scene.until(lambda: not scene.uplink.link.connected)
    assert scene.uplink.link.reason

    scene.restore()
    scene.until_connected()
    scene.publish()

    assert scene.uplink.link.connects == 2


def test_a_publish_without_a_link_fails_at_once(scene):
    scene.connect()
    scene.until_connected()
    scene.cut()
    scene.until(lambda: not scene.uplink.link.connected)

    with pytest.raises(UplinkError):
        scene.publish()


def test_what_the_cloud_said_meanwhile_is_heard_after_the_link_is_back(scene):
    scene.connect()
    scene.until_connected()
    scene.publish()
    scene.cut()
    scene.until(lambda: not scene.uplink.link.connected)
    scene.say(stored_topic(scene.gateway_id), b'{"n":2}')
    scene.restore()

    assert scene.heard.get(timeout=WAIT_S) == b'{"n":2}'


def test_a_refused_publish_says_that_it_was_refused(scene):
    scene.connect()
    scene.until_connected()

    if isinstance(scene.uplink, MemoryUplink):
        with pytest.raises(PublishRefusedError):
            scene.publish(b"forbidden")
    else:
        with pytest.raises(PublishRefusedError, match=r"NOT_AUTHORIZED|UnauthorizedError"):
            scene.publish(gateway_id="another-gateway")
    scene.publish()  # the link is as good as before


def test_closing_twice_is_closing_once(scene):
    scene.connect()
    scene.until_connected()
    scene.uplink.close()
    scene.uplink.close()


def test_closing_what_never_connected_does_nothing(scene):
    scene.uplink.close()
