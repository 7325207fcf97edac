"""A gateway under a nucleus: what it takes is not stored, and what it refuses is kept."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract.codec import decode_envelope, encode_stored
from contract.envelope import Stored
from contract.topics import stored_topic
from device_agent.budget import Budget
from device_agent.clock import SystemClock
from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError, UplinkError
from device_agent.forwarder import Forwarder
from device_agent.ipc import operations as ops
from device_agent.ipc.errors import nucleus_error
from device_agent.ipc.memory import MemoryHost, MemoryNucleus
from device_agent.ipc.opening import CLIENT_VARIABLE, SOCKET_VARIABLE, TOKEN_VARIABLE
from device_agent.spool.memory import MemorySpool
from device_agent.uplink.choosing import choose_uplink
from device_agent.uplink.greengrass import GreengrassUplink
from tests.device_agent.ipc.places import COMPONENT, WIRES, Emulated, emulated, until
from tests.device_agent.test_forwarder import health

WAIT_S = 15.0
TRY_AGAIN_S = 0.3
EVERYTHING = {"all": {"operations": ["*"], "resources": ["*"]}}


class Cloud:
    """A nucleus in memory that fails publishes with ``error``."""

    def __init__(self) -> None:
        self.error = ""
        self.host = MemoryHost(refuses=self.refuse)

    def refuse(self, _: str, asked: ops.Request[Any]) -> Any:
        is_publish = isinstance(asked, ops.PublishToIoTCore)
        return nucleus_error(asked, error=self.error, message="words") if self.error and is_publish else None


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def uplink(cloud: Cloud) -> Iterator[GreengrassUplink]:
    one = GreengrassUplink(MemoryNucleus(cloud.host), try_again_s=TRY_AGAIN_S)
    one.connect({"t": lambda _: None}, lambda: None)
    yield one
    one.close()


@pytest.fixture(params=WIRES)
def lite(request: pytest.FixtureRequest) -> Iterator[Emulated]:
    with emulated(request.param, "lite", answer_s=1.0) as scene:
        scene.registry.access[COMPONENT] = {"aws.greengrass.ipc.mqttproxy": EVERYTHING}
        yield scene


def forwarder(spool: MemorySpool, uplink: GreengrassUplink) -> Forwarder:
    return Forwarder(
        spool,
        uplink,
        gateway_id="gw",
        config=UplinkConfig(type="greengrass"),
        monotonic_s=time.monotonic,
        budget=Budget(0, keep_alive_s=30, clock=SystemClock()),
        source=random.Random(1),  # noqa: S311 - a fixed seed for back-off
    )


def test_a_nucleus_that_is_offline_is_tried_again_and_nothing_is_given_up(lite: Emulated) -> None:
    spool, uplink = MemorySpool(), GreengrassUplink(lite.nucleus, try_again_s=TRY_AGAIN_S)
    sender, stop = forwarder(spool, uplink), threading.Event()
    thread = threading.Thread(target=sender.run, args=(stop,))
    thread.start()
    until(lambda: uplink.link.connected)
    lite.ipc.go_offline()
    spool.append("boot", [health(1)])
    until(lambda: not uplink.link.connected)
    assert "ServiceError" in uplink.link.reason
    spool.append("boot", [health(2)])
    lite.ipc.go_online()
    until(lambda: len(lite.broker.published) >= 2)
    lite.say(stored_topic("gw"), encode_stored(Stored(spool_id="memory", lane="events", through=2)))
    until(lambda: spool.pending()["events"] == 0)
    stop.set()
    thread.join(10)

    assert {decode_envelope(message.payload).first_seq for message in lite.broker.published} == {1, 2}
    assert sender.traffic.given_up == 0


def test_a_mute_nucleus_fails_the_publish_and_is_connected_anew(lite: Emulated) -> None:
    uplink = GreengrassUplink(lite.nucleus)
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    lite.ipc.faults.mute("PublishToIoTCore")

    with pytest.raises(UplinkError, match="no answer"):
        uplink.publish("t", b"{}").result(WAIT_S)
    lite.ipc.faults.unmute()
    until(lambda: uplink.link.connects == 2)
    uplink.publish("t", b"{}").result(WAIT_S)


def test_a_nucleus_with_too_much_to_do_is_not_taken_for_offline(uplink: GreengrassUplink, cloud: Cloud) -> None:
    for _ in range(5):
        cloud.error = ""
        uplink.publish("topic", b"{}").result(WAIT_S)
        cloud.error = "ServiceError"
        with pytest.raises(UplinkError, match="ServiceError"):
            uplink.publish("topic", b"{}").result(WAIT_S)
        assert uplink.link.connected


def test_trying_an_offline_nucleus_is_no_reconnect(uplink: GreengrassUplink, cloud: Cloud) -> None:
    cloud.error = "ServiceError"
    for _ in range(2):
        until(lambda: uplink.link.connected)
        with pytest.raises(UplinkError):
            uplink.publish("topic", b"{}").result(WAIT_S)
        assert not uplink.link.connected
    assert uplink.link.connects == 1
    cloud.error = ""
    until(lambda: uplink.link.connected)
    uplink.publish("topic", b"{}").result(WAIT_S)

    assert (uplink.link.connects, uplink.link.reason) == (2, "")


def test_while_an_offline_nucleus_rests_nothing_is_asked_of_it(uplink: GreengrassUplink, cloud: Cloud) -> None:
    cloud.error = "ServiceError"
    for _ in range(2):
        with pytest.raises(UplinkError, match="ServiceError"):
            uplink.publish("topic", b"{}").result(WAIT_S)

    assert sum(isinstance(asked, ops.PublishToIoTCore) for _, asked in cloud.host.requests) == 1


def test_a_bad_request_is_refused_for_ever(uplink: GreengrassUplink, cloud: Cloud) -> None:
    cloud.error = "InvalidArgumentsError"
    with pytest.raises(UplinkError, match="InvalidArgumentsError") as caught:
        uplink.publish("topic", b"{}").result(WAIT_S)

    assert caught.value.permanent


def test_a_publish_that_is_not_granted_names_topic_and_remedy(uplink: GreengrassUplink, cloud: Cloud) -> None:
    cloud.error = "UnauthorizedError"
    with pytest.raises(UplinkError, match="a/topic") as caught:
        uplink.publish("a/topic", b"{}").result(WAIT_S)

    assert not caught.value.permanent
    assert "accessControl" in caught.value.remedy
    assert uplink.link.connected


def test_a_link_that_cannot_hear_says_why() -> None:
    host = MemoryHost(refuses=lambda _, asked: nucleus_error(asked, error="UnauthorizedError", message=""))
    uplink = GreengrassUplink(MemoryNucleus(host))
    uplink.connect({"fleet/gw/stored": lambda _: None}, lambda: None)

    assert uplink.link.connected
    assert "SubscribeToIoTCore on fleet/gw/stored" in uplink.link.reason
    uplink.close()


def test_a_connection_that_others_use_too_stays_open(cloud: Cloud) -> None:
    nucleus = MemoryNucleus(cloud.host)
    heard: list[bytes] = []
    uplink = choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None, nucleus=nucleus)
    uplink.connect({"t": heard.append}, lambda: None)
    uplink.close()
    cloud.host.say("t", b"x")

    nucleus.call(ops.PublishToTopic("t", b"x")).result(WAIT_S)
    nucleus.close()
    assert heard == []


def test_envelopes_under_a_nucleus_stay_below_what_the_lite_one_takes() -> None:
    assert UplinkConfig(type="greengrass").envelope_bytes() == 4096


def test_mqtt_of_ones_own_is_refused_under_a_nucleus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, "/run/s")
    config = UplinkConfig(endpoint="e", certificate="c", ca="a", private_key="k")

    with pytest.raises(ConfigError, match="nucleus"):
        choose_uplink(config, "gw", on_denied=lambda: None)


def test_greengrass_without_a_nucleus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)

    with pytest.raises(ConfigError, match="no nucleus"):
        choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None)


@pytest.mark.parametrize("client", WIRES)
def test_under_a_nucleus_its_socket_and_token_are_used(monkeypatch: pytest.MonkeyPatch, client: str) -> None:
    with emulated(client, "classic") as scene:
        monkeypatch.setenv(CLIENT_VARIABLE, client)
        monkeypatch.setenv(SOCKET_VARIABLE, str(scene.ipc.path))
        monkeypatch.setenv(TOKEN_VARIABLE, next(iter(scene.registry.tokens)))
        uplink = choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None)
        connected: Callable[[], bool] = lambda: uplink.link.connected  # noqa: E731 - a claim to wait for
        uplink.connect({"t": lambda _: None}, lambda: None)

        until(connected)
        uplink.close()
