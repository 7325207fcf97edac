"""A real broker on loopback, and a device that says something thirty times a second."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.mqtt import MqttSensor
from device_agent.sensors.mqtt_topics import Topic
from device_agent.sensors.port import ChannelOverride
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker
from tests.device_agent.sensors.local_broker import LocalBroker

TOPIC = "zigbee2mqtt/hall"
PAYLOAD = '{"temperature": 21.5}'
PACE_S = 0.03
MAX_AGE_S = 0.25


class _Talk:
    """Says the same again and again, until told to be quiet."""

    def __init__(self, broker: LocalBroker) -> None:
        self._ended, self._quiet, self._said = threading.Event(), threading.Event(), threading.Event()
        self._broker = broker
        self._thread = threading.Thread(target=self._run, name="device")
        self._thread.start()
        self.mend()

    def cut(self) -> None:
        self._quiet.set()
        self._ended.wait(2 * MAX_AGE_S)

    def mend(self) -> None:
        self._quiet.clear()
        self._said.clear()
        assert self._said.wait(5)

    def garble(self, any_bits: random.Random) -> None:
        self._quiet.set()
        word = any_bits.choice(["1e308", "-1e308", "null", '"x"', "{}", "[1]", str(any_bits.getrandbits(80)), "1e999"])
        self._device.say(TOPIC, any_bits.choice([f'{{"temperature": {word}}}', word, any_bits.randbytes(9)]))

    def close(self) -> None:
        self._ended.set()
        self._thread.join(5)

    def _run(self) -> None:
        with self._broker.device() as self._device:
            while not self._ended.wait(PACE_S):
                if not self._quiet.is_set():
                    self._device.say(TOPIC, PAYLOAD, retain=True)
                    self._said.set()


@contextmanager
def _mqtt(folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with LocalBroker(folder).running() as broker:
        talk = _Talk(broker)
        topic = Topic(topic=TOPIC, pointer="/temperature", max_age_s=MAX_AGE_S, retained=True, unit="°C")
        yield Bench(
            config=MqttSensor(
                name="house",
                broker=broker.config,
                topics={"hall": topic},
                channels={"hall": ChannelOverride(low=-40, high=80)},
            ),
            cut=talk.cut,
            mend=talk.mend,
            hang=talk.cut,
            garble=talk.garble,
        )
        talk.close()


BENCHES: dict[str, BenchMaker] = {"mqtt": _mqtt}
