"""Devices that speak to a local broker: ESP32 boards, Zigbee through Zigbee2MQTT, anything that publishes numbers.

A reading holds what was said last, not what is true now; ``max_age_s`` says for how long that is worth something.
Messages between two readings are not kept: choose ``rate_hz`` as the devices speak.

Not here: payloads (``mqtt_topics``), the connection (``mqtt_link``), the way to the cloud (``device_agent.uplink``).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

import msgspec
from msgspec import Meta

from device_agent.errors import SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.mqtt_link import BrokerConfig, MqttLink
from device_agent.sensors.mqtt_topics import Heard, Topic, current
from device_agent.sensors.port import GAP, HIGHEST_RATE_HZ, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.rates import Missing, Value


class MqttSensor(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="mqtt"):
    """What devices say through a local broker.

    Attributes:
        topics: By channel name.
        broker: See ``BrokerConfig``.
        qos: 0 lets a message be lost between broker and gateway, 1 does not.
    """

    topics: Annotated[dict[str, Topic], Meta(min_length=1, max_length=512)]
    broker: BrokerConfig = BrokerConfig()
    qos: Literal[0, 1] = 1
    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_RATE_HZ)] = 1.0

    def located(self, folder: Path) -> Self:
        """See ``SensorConfig``."""
        return msgspec.structs.replace(self, broker=self.broker.located(folder))

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        for name, topic in self.topics.items():
            topic.check(f"topics.{name}")
        channels = tuple(topic.channel(name) for name, topic in self.topics.items())
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> "Mqtt":
        """See ``SensorConfig``."""
        channels = self.describe().channels
        sources = self.topics.values()
        wanted = {one.topic: any(other.retained for other in sources if other.topic == one.topic) for one in sources}
        link = MqttLink(self.broker, wanted, qos=self.qos, now_ns=monotonic_ns)
        return Mqtt(channels, tuple(self.topics.values()), link, monotonic_ns)


class Listening(Protocol):
    """Something that hears topics, see ``MqttLink``."""

    heard: dict[str, Heard]
    kept: dict[str, Heard]
    refused: frozenset[str]
    trouble: str
    name: str

    def close(self) -> None:
        """Ends it."""


class Mqtt:
    """The open sensor, see ``Sensor``.

    Args:
        channels: One per source.
        sources: Where each channel's value comes from.
        link: Hears them; closed with the sensor.
        now_ns: Monotonic nanoseconds.
    """

    def __init__(
        self, channels: tuple[Channel, ...], sources: tuple[Topic, ...], link: Listening, now_ns: Callable[[], int]
    ) -> None:
        self._channels = channels
        self._sources = sources
        self._link: Listening | None = link
        self._now_ns = now_ns

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; waits for nothing. A link that is down does not end what was heard before it ages."""
        link = self._link
        if link is None:
            raise SensorError("the MQTT sensor is closed")
        now_ns, trouble = self._now_ns(), f"; {link.name}: {link.trouble}" if link.trouble else ""
        found = [_value(source, link, now_ns) for source in self._sources]
        gaps: Mapping[str, str] = {
            channel.name: value.reason + trouble
            for channel, value in zip(self._channels, found, strict=True)
            if isinstance(value, Missing)
        }
        if trouble and len(gaps) == len(found):
            raise SensorError(next(iter(gaps.values())))
        return Reading(tuple(GAP if isinstance(value, Missing) else value for value in found), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _value(source: Topic, link: Listening, now_ns: int) -> Value:
    if source.topic in link.refused:
        return Missing(f"{link.name} does not let us hear {source.topic}")
    return current(source, link.heard.get(source.topic), link.kept.get(source.topic), now_ns)
