"""The MQTT driver against a real mosquitto on loopback."""

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.mqtt import Mqtt, MqttSensor
from device_agent.sensors.mqtt_topics import LARGEST_PAYLOAD, Heard, Topic
from tests.device_agent.sensors.local_broker import LocalBroker, wait_until
from tests.device_agent.uplink.certificates import Authority
from tests.device_agent.uplink.mosquitto import tool
from twin.ports import free_ports

HALL = "zigbee2mqtt/hall"
TOPICS = {
    "warmth": Topic(topic=HALL, pointer="/temperature", unit="°C"),
    "damp": Topic(topic=HALL, pointer="/humidity", unit="%"),
    "volts": Topic(topic="esp32/volts"),
}


def config(broker: LocalBroker) -> MqttSensor:
    return MqttSensor(name="house", broker=broker.config, topics=TOPICS)


def test_channels_follow_what_devices_say(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker, broker.device() as device:
        sensor = config(broker).open()
        assert set(sensor.read().gaps.values()) == {"nothing heard yet"}
        device.say(HALL, '{"temperature": 21.5, "humidity": 40}')
        device.say("esp32/volts", "3.29")
        wait_until(lambda: not sensor.read().gaps)
        assert sensor.read().values == (21.5, 40.0, 3.29)
        device.say(HALL, '{"temperature": "warm"}')
        wait_until(lambda: sensor.read().gaps)
        assert sensor.read().gaps == {"warmth": "no number: 'warm'", "damp": "/humidity is not in the payload"}
        sensor.close()


def test_a_retained_message_of_unknown_age_is_a_gap_unless_it_was_asked_for(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker, broker.device() as device:
        device.say("esp32/volts", "3.3", retain=True)
        plain = MqttSensor(name="house", broker=broker.config, topics={"volts": TOPICS["volts"]})
        sensor = plain.open()
        wait_until(lambda: "of unknown age" in sensor.read().gaps["volts"])
        sensor.close()
        sensor = replace(plain, topics={"volts": Topic(topic="esp32/volts", retained=True)}).open()
        assert sensor.read().values == (3.3,)  # at once: opening waited for it
        sensor.close()


def test_a_broker_that_restarts_is_heard_again_without_opening_anew(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker:
        sensor = config(broker).open()
        with broker.device() as device:
            device.say("esp32/volts", "1")
            wait_until(lambda: "volts" not in sensor.read().gaps)
        broker.stop()
        wait_until(lambda: "broker localhost" in sensor.read().gaps["warmth"])
        assert sensor.read().values[2] == 1.0  # said, and not yet too old
        broker.start()
        wait_until(lambda: "broker localhost" not in sensor.read().gaps["warmth"])
        with broker.device() as device:
            device.say("esp32/volts", "2")
        wait_until(lambda: sensor.read().values[2] == 2.0)
        sensor.close()


def test_a_link_that_is_down_with_nothing_left_is_a_failing_sensor(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker:
        sensor = config(broker).open()
    wait_until(lambda: raises(sensor))
    sensor.close()


def raises(sensor: Mqtt) -> bool:
    try:
        sensor.read()
    except SensorError as exc:
        return "broker localhost" in str(exc)
    return False


def test_no_broker_is_an_error_that_may_pass() -> None:
    port = free_ports(1)[0]
    alone = MqttSensor(name="house", topics=TOPICS)
    with pytest.raises(SensorError, match=f"broker localhost:{port}: not connected"):
        replace(alone, broker=replace(alone.broker, port=port)).open()


def test_a_payload_above_the_bound_never_reaches_the_gateway(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker, broker.device() as device:
        sensor = config(broker).open()
        device.say(HALL, b" " * 2 * LARGEST_PAYLOAD)
        device.say("esp32/volts", "1")
        wait_until(lambda: "volts" not in sensor.read().gaps)
        assert sensor.read().gaps["warmth"] == "nothing heard yet"
        sensor.close()


def test_a_flood_is_bounded_by_the_number_of_topics(tmp_path: Path) -> None:
    with LocalBroker(tmp_path).running() as broker, broker.device() as device:
        sensor = config(broker).open()
        for number in range(300):
            device.say("esp32/volts", str(number))
        wait_until(lambda: sensor.read().values[2] == 299.0)
        assert len(sensor._link.heard) == 1
        sensor.close()


def test_tls_and_a_password_are_checked_both_ways(tmp_path: Path) -> None:
    authority, passwords, secret = Authority(tmp_path), tmp_path / "passwords", tmp_path / "secret"
    command = [tool("mosquitto_passwd", "mosquitto"), "-b", "-c", str(passwords), "gateway", "pw"]
    subprocess.run(command, check=True, capture_output=True, timeout=10)
    lines = f"allow_anonymous false\npassword_file {passwords}"
    secret.write_text("pw\n")
    with LocalBroker(tmp_path, authority, lines=lines).running() as broker:
        good = replace(broker.config, user="gateway", password_file="secret", ca="root.pem")  # noqa: S106 - a path
        sensor = replace(config(broker), broker=good).located(tmp_path).open()
        sensor.close()
        secret.write_text("guess")
        with pytest.raises(SensorError, match="refused: "):
            replace(config(broker), broker=good).located(tmp_path).open()
        with pytest.raises(SensorError, match="not connected"):
            config(broker).open()
    with pytest.raises(ConfigError, match=r"broker\.ca: .*none\.pem"):
        replace(config(broker), broker=replace(good, ca="none.pem")).located(tmp_path).open()
    unknown = replace(good, ca="", password_file="none")  # noqa: S106 - a path
    with pytest.raises(ConfigError, match=r"broker\.password_file: .*none"):
        replace(config(broker), broker=unknown).located(tmp_path).open()


class ScriptedLink:
    """A link of which a test says what it heard; mosquitto lets everybody subscribe and then says nothing."""

    name = "broker b:1"

    def __init__(self) -> None:
        self.heard = {"esp32/volts": Heard(b"1", 0)}
        self.kept: dict[str, Heard] = {}
        self.refused = frozenset({HALL})
        self.trouble = ""

    def close(self) -> None:
        pass


def test_a_topic_that_may_not_be_heard_says_so_and_the_others_are_heard() -> None:
    channels = MqttSensor(name="house", topics=TOPICS).describe().channels
    reading = Mqtt(channels, tuple(TOPICS.values()), ScriptedLink(), lambda: 0).read()
    assert reading.gaps == dict.fromkeys(("warmth", "damp"), f"broker b:1 does not let us hear {HALL}")
    assert reading.values[2] == 1.0
