"""A gateway under a nucleus: offline, a refused token, a subscription that dies without a word."""

import random
import tempfile
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
from tests.twin.nucleus.conftest import EVERYTHING, Site

WAIT_S = 15.0
Reach = Callable[..., GreengrassUplink]
GATEWAY = "io.thresher.Gateway"
PUBLISH = "PublishToIoTCore"


@pytest.fixture(params=["classic", "lite"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="ipc") as folder:  # a socket's path is short
        one = Site(Path(folder), request.param)
        with one.ipc:
            yield one


@pytest.fixture
def token(site: Site) -> str:
    return site.registry.add(GATEWAY, EVERYTHING)


@pytest.fixture
def reach(site: Site, token: str) -> Reach:
    """Makes an uplink to the nucleus."""

    def uplink(token: str = token, denied: threading.Event | None = None, **options: float) -> GreengrassUplink:
        wire = SdkWire(str(site.ipc.path), token)
        return GreengrassUplink(KeptNucleus(wire, on_denied=(denied or threading.Event()).set, **options))

    return uplink


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_nucleus_that_is_offline_is_tried_again_and_nothing_is_given_up(site: Site, reach: Reach) -> None:
    spool, uplink = MemorySpool(), reach()
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
    site.ipc.faults.fail(PUBLISH, "ServiceError")
    spool.append("boot", [health(1)])
    until(lambda: not uplink.link.connected)
    assert "ServiceError" in uplink.link.reason
    spool.append("boot", [health(2)])
    site.ipc.faults.fail(PUBLISH, "")
    ended_s = time.monotonic()
    until(lambda: len(site.broker.published) >= 2)
    assert time.monotonic() - ended_s < TRY_AGAIN_S + 2
    site.broker.say(stored_topic("gw"), encode_stored(Stored(spool_id="memory", lane="events", through=2)))
    until(lambda: spool.pending()["events"] == 0)
    stop.set()
    thread.join(10)

    assert {decode_envelope(each.payload).first_seq for each in site.broker.published} == {1, 2}
    assert forwarder.traffic.given_up == 0


def test_a_server_that_restarts_is_found_again_and_heard_again(site: Site, reach: Reach) -> None:
    heard: list[bytes] = []
    uplink = reach()
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.stop()
    until(lambda: not uplink.link.connected)
    site.ipc.start()
    until(lambda: uplink.link.connected)
    site.broker.say("t", b"again")
    until(lambda: heard == [b"again"])
    uplink.close()


def test_a_subscription_that_died_without_a_word_is_made_anew(site: Site, reach: Reach) -> None:
    heard: list[bytes] = []
    uplink = reach(resubscribe_every_s=0.3)
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.drop_subscriptions()
    until(lambda: site.ipc.subscribed == 1)
    site.broker.say("t", b"x")
    until(lambda: b"x" in heard)
    uplink.close()


def test_a_subscription_that_the_nucleus_ended_is_made_anew_at_once(site: Site, reach: Reach) -> None:
    heard: list[bytes] = []
    uplink = reach()
    uplink.connect({"t": heard.append}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.end_subscriptions()
    until(lambda: site.ipc.subscribed == 1)
    site.broker.say("t", b"x")
    until(lambda: heard == [b"x"])
    assert uplink.link.connects == 1
    uplink.close()


def test_a_mute_nucleus_fails_the_publish_and_is_connected_anew(site: Site, reach: Reach) -> None:
    uplink = reach(answer_s=1.0)
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.faults.mute(PUBLISH)
    answer = uplink.publish("topic", b"{}")

    with pytest.raises(UplinkError, match="no answer"):
        answer.result(WAIT_S)
    site.ipc.faults.unmute()
    until(lambda: uplink.link.connects == 2)
    uplink.publish("topic", b"{}").result(WAIT_S)
    uplink.close()


def test_a_nucleus_with_too_much_to_do_is_not_taken_for_offline(site: Site, reach: Reach) -> None:
    uplink = reach()
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    for _ in range(5):
        site.ipc.faults.fail(PUBLISH, "")
        uplink.publish("topic", b"{}").result(WAIT_S)
        site.ipc.faults.fail(PUBLISH, "ServiceError")
        with pytest.raises(UplinkError, match="ServiceError"):
            uplink.publish("topic", b"{}").result(WAIT_S)
        assert uplink.link.connected
    uplink.close()


def test_trying_an_offline_nucleus_is_no_reconnect(site: Site, reach: Reach) -> None:
    uplink = reach()
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.faults.fail(PUBLISH, "ServiceError")
    for _ in range(2):
        until(lambda: uplink.link.connected)
        with pytest.raises(UplinkError):
            uplink.publish("topic", b"{}").result(WAIT_S)
        assert not uplink.link.connected
    assert uplink.link.connects == 1
    site.ipc.faults.fail(PUBLISH, "")
    until(lambda: uplink.link.connected)
    uplink.publish("topic", b"{}").result(WAIT_S)

    assert (uplink.link.connects, uplink.link.reason) == (2, "")
    uplink.close()


def test_envelopes_under_a_nucleus_stay_below_what_the_lite_one_takes() -> None:
    assert UplinkConfig(type="greengrass").envelope_bytes() == 4096


def test_messages_are_heard_in_their_order_though_listening_is_slow(site: Site, reach: Reach) -> None:
    heard: list[bytes] = []

    def slowly(payload: bytes) -> None:
        time.sleep(0.001)
        heard.append(payload)

    uplink = reach()
    uplink.connect({"t": slowly}, lambda: None)
    until(lambda: uplink.link.connected)
    for number in range(200):
        site.broker.say("t", b"%d" % number)
    until(lambda: len(heard) == 200)
    uplink.close()

    assert heard == [b"%d" % number for number in range(200)]


def test_a_refused_token_is_said_and_not_tried_for_ever(site: Site, reach: Reach, token: str) -> None:
    denied = threading.Event()
    uplink = reach(token[1:], denied)
    uplink.connect({"t": lambda _: None}, lambda: None)

    assert denied.wait(WAIT_S)
    refused = site.ipc.refused
    assert refused in (1, CLOSED_TIMES), "the lite nucleus closes without a word, so it is asked a few times"
    time.sleep(0.5)
    assert site.ipc.refused == refused
    assert "token" in uplink.link.reason
    uplink.close()


def test_a_bad_request_is_refused_for_ever(site: Site, reach: Reach) -> None:
    uplink = reach()
    uplink.connect({"t": lambda _: None}, lambda: None)
    until(lambda: uplink.link.connected)
    site.ipc.faults.fail(PUBLISH, "InvalidArgumentsError")

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


def test_under_a_nucleus_its_socket_and_token_are_used(monkeypatch: pytest.MonkeyPatch, site: Site, token: str) -> None:
    monkeypatch.setenv(SOCKET_VARIABLE, str(site.ipc.path))
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    uplink = choose_uplink(UplinkConfig(type="greengrass"), "gw", on_denied=lambda: None)
    uplink.connect({"t": lambda _: None}, lambda: None)

    until(lambda: uplink.link.connected)
    uplink.close()
