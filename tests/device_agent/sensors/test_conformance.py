"""What every driver keeps, over all of them: each case is a configuration that works on this machine."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from msgspec.structs import replace

from device_agent.errors import SensorError
from device_agent.sensors.gpio import (
    AnalogInput,
    DigitalInput,
    GpioAnalog,
    GpioDigital,
    GpioPulse,
    PulseInput,
)
from device_agent.sensors.host import HostSensor
from device_agent.sensors.port import ChannelOverride, SensorConfig
from device_agent.sensors.replay import ReplaySensor

KINDS = ["host", "replay", "gpio_digital", "gpio_pulse", "gpio_analog"]


@pytest.fixture(autouse=True)
def pins() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


@pytest.fixture(params=KINDS)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> SensorConfig:
    recording = tmp_path / "recording.csv"
    recording.write_text("timestamp,a,b\n2026-01-01T00:00:00Z,1,2\n2026-01-01T00:00:01Z,,x\n")
    return {
        "host": HostSensor(name="host"),
        "replay": ReplaySensor(name="replay", path=str(recording), loop=True),
        "gpio_digital": GpioDigital(name="door", inputs={"open": DigitalInput(pin=17)}),
        "gpio_pulse": GpioPulse(name="flow", inputs={"litres": PulseInput(pin=27, unit="L/s")}),
        "gpio_analog": GpioAnalog(name="tank", inputs={"volts": AnalogInput(channel=0)}),
    }[request.param]


def test_an_open_sensor_has_the_channels_it_was_described_with(config: SensorConfig) -> None:
    sensor = config.open()
    assert sensor.channels == config.describe().channels
    assert len({channel.name for channel in sensor.channels}) == len(sensor.channels) > 0
    sensor.close()


def test_every_channel_has_either_a_finite_value_or_a_gap_with_a_reason(config: SensorConfig) -> None:
    sensor = config.open()
    for _ in range(5):
        reading = sensor.read()
        for channel, value in zip(sensor.channels, reading.values, strict=True):
            assert math.isfinite(value) != (channel.name in reading.gaps)
        assert all(reading.gaps.values())
        assert reading.gaps.keys() <= {channel.name for channel in sensor.channels}
    sensor.close()


def test_every_channel_has_a_resolution_and_no_negative_floor(config: SensorConfig) -> None:
    for channel in config.describe().channels:
        assert channel.resolution > 0
        assert channel.floor >= 0


def test_closing_twice_does_nothing_and_a_closed_sensor_cannot_be_read(config: SensorConfig) -> None:
    sensor = config.open()
    sensor.close()
    sensor.close()
    with pytest.raises(SensorError):
        sensor.read()
    with pytest.raises(SensorError):
        sensor.read()


def test_a_sensor_can_be_opened_again(config: SensorConfig) -> None:
    config.open().close()
    sensor = config.open()
    sensor.read()
    sensor.close()


def test_an_operator_may_override_a_channel_of_any_driver(config: SensorConfig) -> None:
    name = config.describe().channels[0].name
    changed = replace(config, channels={name: ChannelOverride(floor=7.0)})
    assert changed.describe().channels[0].floor == 7.0
    sensor = changed.open()
    assert sensor.channels[0].floor == 7.0
    sensor.close()
