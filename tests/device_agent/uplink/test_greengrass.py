"""A gateway under a nucleus: offline, a refused token, a subscription that dies without a word."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.codec import decode_envelope, encode_stored
from contract.envelope import Stored
from contract.topics import stored_topic
from device_agent.budget import Budget
from device_agent.clock import SystemClock
from device_agent.config import UplinkConfig
from device_agent.errors import ConfigError, UplinkError
from device_agent.forwarder import Forwarder
from device_agent.ipc.kept import CLOSED_TIMES, KeptNucleus
from device_agent.ipc.opening import SOCKET_VARIABLE, TOKEN_VARIABLE
from device_agent.ipc.sdk import SdkWire
from device_agent.spool.memory import MemorySpool
from device_agent.uplink.choosing import choose_uplink
from device_agent.uplink.greengrass import TRY_AGAIN_S, GreengrassUplink
from tests.device_agent.test_forwarder import health
from twin.nucleus.server import MUTE, IpcServer

WAIT_S = 15.0
TOKEN = "SVC"  # noqa: S105 - of a test's own server


class Cloud:
    """What the nucleus publishes to."""

    def __init__(self) -> None:
        self.error = ""
        self.received: list[bytes] = []

    def take(self, _: str, payload: bytes) -> str:
        if not self.error:
            self.received.append(payload)
        return self.error


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture(params=["classic", "lite"])
def server(request: pytest.FixtureRequest, tmp_path: Path, cloud: Cloud) -> Iterator[IpcServer]:
    with IpcServer(tmp_path / "s", token=TOKEN, publish=cloud.take, profile=request.param) as running:
        yield running


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def door(server: IpcServer, token: str = TOKEN, denied: threading.Event | None = None, **options: float) -> KeptNucleus:
    return KeptNucleus(SdkWire(str(server.path), token), on_denied=(denied or threading.Event()).set, **options)


def test_a_nucleus_that_is_offline_is_tried_again_and_nothing_is_given_up(server: IpcServer, cloud: Cloud) -> None:
    spool, uplink = MemorySpool(), GreengrassUplink(door(server))
    forwarder = Forwarder(
        spool,
        uplink,
        gateway_id="gw",
        config=UplinkConfig(type="greengrass"),
        monotonic_s=time.monotonic,
        budget=Budget(0, keep_alive_s=30, clock=SystemClock()),
        source=random.Random(1),  # noqa: S311 - a fixed seed for back-off
    )
    stop = threading.Event()
    thread = threading.Thread(target=forwarder.run, args=(stop,))
    thread.start()
    until(lambda: uplink.link.connected)
    cloud.error = "ServiceError"
    spool.append("boot", [health(1)])
    until(lambda: not uplink.link.connected)
    assert "ServiceError" in uplink.link.reason
    spool.append("boot", [health(2)])
    cloud.error = ""
    ended_s = time.monotonic()
    until(lambda: len(cloud.received) >= 2)
    assert time.monotonic() - ended_s < TRY_AGAIN_S + 2
    server.say(stored_topic("gw"), encode_stored(Stored(spool_id="memory", lane="events", through=2)))
    until(lambda: spool.pending()["events"] == 0)
    stop.set()
    thread.join(10)

    assert {decode_envelope(raw).first_seq for raw in cloud.received} == {1, 2}
    assert forwarder.traffic.given_up == 0


def test_a_server_that_restarts_is_found_again_and_heard_again(server: IpcServer) -> None:
    heard: list[bytes] = []
    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    server.stop()
    until(lambda: not uplink.link.connected)
    server.start()
    until(lambda: uplink.link.connected)
    server.say("t", b"again")
    until(lambda: heard == [b"again"])
    uplink.close()


def test_a_subscription_that_died_without_a_word_is_made_anew(server: IpcServer) -> None:
    heard: list[bytes] = []
    uplink = GreengrassUplink(door(server, resubscribe_every_s=0.3))
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    server.drop_subscriptions()
    before = server.subscriptions
    until(lambda: server.subscriptions > before)
    server.say("t", b"x")
    until(lambda: b"x" in heard)
    uplink.close()


def test_a_subscription_that_the_nucleus_ended_is_made_anew_at_once(server: IpcServer) -> None:
    heard: list[bytes] = []
    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    before = server.subscriptions
    server.end_subscriptions()
    until(lambda: server.subscriptions > before)
    server.say("t", b"x")
    until(lambda: heard == [b"x"])
    assert uplink.link.connects == 1
    uplink.close()


def test_a_mute_nucleus_fails_the_publish_and_is_connected_anew(server: IpcServer, cloud: Cloud) -> None:
    uplink = GreengrassUplink(door(server, answer_s=1.0))
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    cloud.error = MUTE
    answer = uplink.publish("topic", b"{}")

    with pytest.raises(UplinkError, match="no answer"):
        answer.result(WAIT_S)
    cloud.error = ""
    until(lambda: uplink.link.connects == 2)
    uplink.publish("topic", b"{}").result(WAIT_S)
    uplink.close()


def test_a_nucleus_with_too_much_to_do_is_not_taken_for_offline(server: IpcServer, cloud: Cloud) -> None:
    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    for _ in range(5):
        cloud.error = ""
        uplink.publish("topic", b"{}").result(WAIT_S)
        cloud.error = "ServiceError"
        with pytest.raises(UplinkError, match="ServiceError"):
            uplink.publish("topic", b"{}").result(WAIT_S)
        assert uplink.link.connected
    uplink.close()


def test_trying_an_offline_nucleus_is_no_reconnect(server: IpcServer, cloud: Cloud) -> None:
    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
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
    uplink.close()


def test_envelopes_under_a_nucleus_stay_below_what_the_lite_one_takes() -> None:
    assert UplinkConfig(type="greengrass").envelope_bytes() == 4096


def test_messages_are_heard_in_their_order_though_listening_is_slow(server: IpcServer) -> None:
    heard: list[bytes] = []

    def slowly(payload: bytes) -> None:
        time.sleep(0.001)
        heard.append(payload)

    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": slowly}, lambda: None)
    until(lambda: uplink.link.connected)
    for number in range(200):
        server.say("t", b"%d" % number)
    until(lambda: len(heard) == 200)
    uplink.close()

    assert heard == [b"%d" % number for number in range(200)]


def test_a_refused_token_is_said_and_not_tried_for_ever(server: IpcServer) -> None:
    denied = threading.Event()
    uplink = GreengrassUplink(door(server, denied=denied, token="of an earlier start"))  # noqa: S106
    uplink.connect({"t": lambda _: None}, lambda: None)

    assert denied.wait(WAIT_S)
    refused = server.refused
    assert refused in (1, CLOSED_TIMES), "the lite nucleus closes without a word, so it is asked a few times"
    time.sleep(0.5)
    assert server.refused == refused
    assert "token" in uplink.link.reason
    uplink.close()


def test_a_bad_request_is_refused_for_ever(server: IpcServer, cloud: Cloud) -> None:
    uplink = GreengrassUplink(door(server))
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    cloud.error = "InvalidArgumentsError"

    with pytest.raises(UplinkError, match="InvalidArgumentsError") as caught:
        uplink.publish("topic", b"{}").result(WAIT_S)
    assert caught.value.permanent
    uplink.close()


def test_mqtt_of_ones_own_is_refused_under_a_nucleus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, "/run/s")
    config = UplinkConfig(endpoint="e", certificate="c", ca="a", private_key="k")

    with pytest.raises(ConfigError, match="nucleus"):
        choose_uplink(config, "gw", on_denied=lambda: None)


def test_greengrass_without_a_nucleus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)

    with pytest.raises(ConfigError, match="no nucleus"):
        choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None)


def test_under_a_nucleus_its_socket_and_token_are_used(monkeypatch: pytest.MonkeyPatch, server: IpcServer) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, str(server.path))
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    uplink = choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None)
    uplink.connect({"t": lambda _: None}, lambda: None)

    until(lambda: uplink.link.connected)
    uplink.close()
