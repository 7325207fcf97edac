"""What every way to IoT Core keeps: the broker in memory, and a real one by MQTT 5."""

import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device_agent.uplink.mosquitto import tool
from tests.twin.nucleus.conftest import WAIT_S, until
from twin.errors import TwinError
from twin.nucleus.bridge import BridgeConfig, Mqtt5Bridge
from twin.nucleus.broker import Broker, MemoryBroker, Message
from twin.nucleus.errors import BrokerError
from twin.nucleus.properties import Properties, UserProperty
from twin.ports import LOOPBACK, free_ports


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    port = free_ports(1)[0]
    document, log = folder / "mosquitto.conf", folder / "log"
    document.write_text(f"listener {port} {LOOPBACK}\nallow_anonymous true\nuser root\n")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [tool("mosquitto", "mosquitto"), "-v", "-c", str(document)], stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + WAIT_S
        while "running" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(WAIT_S)


@pytest.fixture(params=["memory", "mqtt5-kept", "mqtt5-clean"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    if request.param == "memory":
        one: Broker = MemoryBroker()
    else:
        port = request.getfixturevalue("mosquitto")
        one = Mqtt5Bridge(
            BridgeConfig(
                host=LOOPBACK,
                port=port,
                client_id=f"thing-{uuid.uuid4().hex[:8]}",
                keeps_session=request.param == "mqtt5-kept",
            )
        )
    yield one
    one.close()


class Connection:
    """What a broker told."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.told: list[bool] = []
        self.changed = threading.Event()

    def open(self) -> None:
        self.broker.open(self.tell)
        until(lambda: self.told[-1:] == [True])

    def tell(self, online: bool) -> None:  # noqa: FBT001
        self.told.append(online)


@pytest.fixture
def connection(broker: Broker) -> Connection:
    one = Connection(broker)
    one.open()
    return one


def listen(broker: Broker, topic_filter: str):
    heard: list[tuple[str, bytes]] = []
    hearing = broker.subscribe(topic_filter, lambda message: heard.append((message.topic, message.payload)))
    hearing.taken.result(WAIT_S)
    return heard, hearing


def publish(broker: Broker, topic: str, payload: bytes) -> None:
    broker.publish(Message(topic, payload)).result(WAIT_S)


def test_a_message_comes_once_to_each_who_hears_it(connection: Connection) -> None:
    topic = uuid.uuid4().hex
    exact, _ = listen(connection.broker, f"{topic}/a")
    wide, _ = listen(connection.broker, f"{topic}/#")
    publish(connection.broker, f"{topic}/a", b"1")
    publish(connection.broker, f"{topic}/b", b"2")

    until(lambda: len(wide) == 2)
    assert exact == [(f"{topic}/a", b"1")]
    assert wide == [(f"{topic}/a", b"1"), (f"{topic}/b", b"2")]


def test_a_narrower_filter_is_heard_after_the_wider_one_left(connection: Connection) -> None:
    topic = uuid.uuid4().hex
    narrow, _ = listen(connection.broker, f"{topic}/a")
    _, hearing = listen(connection.broker, f"{topic}/#")
    late, _ = listen(connection.broker, f"{topic}/b")
    hearing.close()

    until(lambda: _published_until_heard(connection.broker, f"{topic}/a", narrow))
    until(lambda: _published_until_heard(connection.broker, f"{topic}/b", late))


def test_what_a_message_carries_beside_its_payload_arrives(connection: Connection) -> None:
    topic = uuid.uuid4().hex
    heard: list[Message] = []
    connection.broker.subscribe(topic, heard.append).taken.result(WAIT_S)
    properties = Properties(
        user_properties=(UserProperty("a", "1"), UserProperty("a", "2")),
        correlation_data=b"\x00c",
        response_topic="answers",
        payload_format="1",
        content_type="text/plain",
    )
    connection.broker.publish(Message(topic, b"x", 1, properties)).result(WAIT_S)

    until(lambda: [message.properties for message in heard] == [properties])


def test_who_left_hears_nothing_and_the_others_still_do(connection: Connection) -> None:
    topic = uuid.uuid4().hex
    left, hearing = listen(connection.broker, topic)
    stays, _ = listen(connection.broker, topic)
    hearing.close()
    hearing.close()
    publish(connection.broker, topic, b"x")

    until(lambda: stays == [(topic, b"x")])
    assert left == []


def test_away_nothing_is_published_and_that_is_told(connection: Connection) -> None:
    connection.broker.close()

    until(lambda: connection.told[-1] is False)
    with pytest.raises(BrokerError):
        publish(connection.broker, "t", b"x")


def test_subscriptions_come_back_with_the_connection(connection: Connection) -> None:
    topic = uuid.uuid4().hex
    heard, _ = listen(connection.broker, topic)
    connection.broker.close()
    connection.open()

    until(lambda: _published_until_heard(connection.broker, topic, heard))


def _published_until_heard(broker: Broker, topic: str, heard: list) -> bool:
    publish(broker, topic, b"x")
    return bool(heard)


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "certificate.pem"
    bad.write_text("nothing")

    with pytest.raises(TwinError, match=r"certificate\.pem"):
        Mqtt5Bridge(
            BridgeConfig(host=LOOPBACK, port=1, client_id="t", certificate=str(bad), private_key=str(bad), ca=str(bad))
        )
