"""The whole way under Greengrass: uplink, SDK, nucleus, its own mutual TLS, the cloud's rule; and back."""

import base64
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.topics import events_topic, feedback_topic, stored_topic
from device_agent.errors import UplinkError
from device_agent.ipc.kept import KeptNucleus
from device_agent.ipc.sdk import SdkWire
from device_agent.ipc.thin import ThinWire
from device_agent.uplink.greengrass import GreengrassUplink
from tests.twin.nucleus.conftest import EVERYTHING, LateBroker, policy
from tests.twin.nucleus.conftest import Site as Nucleus
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge

WAIT_S = 20.0


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Gateway:
    """One thing, the nucleus on it, and the component that speaks through it."""

    def __init__(self, site, link, folder: Path, profile: str) -> None:
        self.name = f"gw-{uuid.uuid4().hex[:8]}"
        files = site.files(self.name)
        bridge = Mqtt5Bridge(
            BridgeConfig(
                host="localhost",
                port=link.port,
                client_id=self.name,
                certificate=str(files.certificate),
                private_key=str(files.private_key),
                ca=str(files.ca),
                keeps_session=profile == "classic",
            )
        )
        self.nucleus = Nucleus(folder, profile, broker=bridge)
        own = policy("aws.greengrass.ipc.mqttproxy", ["*"], [f"*/{self.name}/*"])
        token = self.nucleus.registry.add("io.thresher.Gateway", own)
        self.uplink = GreengrassUplink(KeptNucleus(SdkWire(str(self.nucleus.ipc.path), token), on_denied=lambda: None))

    def publish(self, payload: bytes) -> None:
        self.uplink.publish(events_topic(self.name, "events"), payload).result(WAIT_S)


@pytest.fixture(params=["classic", "lite"])
def gateway(request, site, link):
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:
        one = Gateway(site, link, Path(folder), request.param)
        with one.nucleus.ipc:
            until(lambda: one.nucleus.ipc.is_online)
            yield one
            one.uplink.close()


def test_an_event_reaches_the_cloud_and_its_answer_the_gateway(gateway, site) -> None:
    heard: list[bytes] = []
    topics = {stored_topic(gateway.name): heard.append, feedback_topic(gateway.name): heard.append}
    gateway.uplink.connect(topics, lambda: None)
    until(lambda: gateway.uplink.link.connected)
    gateway.publish(b"\x00event")
    arrived: list = []

    def own() -> list:
        return [body for body in site.arrived() if body["client_id"] == gateway.name]  # and not an earlier test's

    until(lambda: bool(arrived.extend(own()) or arrived))
    site.say(stored_topic(gateway.name), b"stored")

    until(lambda: heard == [b"stored"])
    assert [base64.b64decode(body["data"]) for body in arrived] == [b"\x00event"]
    assert arrived[0]["client_id"] == gateway.name


def test_what_the_nucleus_took_while_the_link_was_away_arrives_when_it_is_back(gateway, site, link) -> None:
    gateway.uplink.connect({stored_topic(gateway.name): lambda _: None}, lambda: None)
    until(lambda: gateway.uplink.link.connected)
    link.cut()
    until(lambda: not gateway.nucleus.ipc.is_online)
    taken = [payload for payload in (b"1", b"2", b"3") if _is_taken(gateway, payload)]
    assert taken == ([] if gateway.nucleus.profile.is_lite else [b"1", b"2", b"3"])
    link.restore()
    until(lambda: gateway.nucleus.ipc.is_online)
    until(lambda: _is_taken(gateway, b"last"))
    arrived: list[bytes] = []

    def all_arrived() -> bool:
        arrived.extend(base64.b64decode(body["data"]) for body in site.arrived())
        return {*taken, b"last"} <= set(arrived)

    until(all_arrived)


def _is_taken(gateway: Gateway, payload: bytes) -> bool:
    try:
        gateway.publish(payload)
    except UplinkError:
        return False
    return True


@pytest.mark.parametrize("kind", [SdkWire, ThinWire])
def test_a_nucleus_that_was_never_online_is_not_taken_for_mute(kind) -> None:
    """The classic one then answers no subscription to IoT Core, and everything else."""
    broker = LateBroker()
    heard: list[bytes] = []
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:
        nucleus = Nucleus(Path(folder), "classic", broker=broker)
        with nucleus.ipc:
            wire = kind(str(nucleus.ipc.path), nucleus.registry.add("io.thresher.Gateway", EVERYTHING))
            uplink = GreengrassUplink(KeptNucleus(wire, on_denied=lambda: None, answer_s=0.5))
            uplink.connect({"t": heard.append}, lambda: None)
            until(lambda: uplink.link.connected)
            uplink.publish("topic", b"waits").result(WAIT_S)
            broker.arrive()
            until(lambda: nucleus.ipc.subscribed == 1)
            broker.say("t", b"x")
            until(lambda: heard == [b"x"])
            uplink.close()

    assert nucleus.ipc.connections == 1
    assert broker.published[0].payload == b"waits"
