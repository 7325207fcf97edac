from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockTriggerPin

from device_agent.cleaning.cleaner import clean
from device_agent.errors import ConfigError
from device_agent.sensors.gpio_distance import GpioDistance
from device_agent.sensors.port import Scan


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


def echoing(pins: MockFactory, seconds: float) -> GpioDistance:
    pins.pin(23, pin_class=MockTriggerPin, echo_pin=pins.pin(24), echo_time=seconds)
    return GpioDistance(name="bin", trigger=23, echo=24)


def test_an_echo_of_5_8_ms_is_a_metre(pins: MockFactory) -> None:
    sensor = echoing(pins, 0.0058).open()
    nearest = min(sensor.read().values[0] for _ in range(3))  # a busy machine's echo can only end late
    sensor.close()
    assert nearest == pytest.approx(1.0, abs=0.15)
    assert nearest >= 0.99


def test_an_echo_from_too_far_is_a_gap(pins: MockFactory) -> None:
    config = echoing(pins, 0.03)
    sensor = config.open()
    reading = sensor.read()
    sensor.close()
    scan = clean(Scan(0, 0, 0, reading.values, reading.gaps), config.describe().channels)
    assert scan.gaps["distance_m"].startswith("above range")


def test_no_echo_is_a_gap_and_never_a_distance(pins: MockFactory) -> None:
    sensor = GpioDistance(name="bin", trigger=23, echo=24).open()
    assert sensor.read().gaps == {"distance_m": "no echo"}
    pins.pin(24).drive_high()
    assert sensor.read().gaps == {"distance_m": "echo pin is high before the ping"}
    sensor.close()


def test_more_pings_than_echoes_allow_are_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="hear another's echo"):
        GpioDistance(name="bin", trigger=23, echo=24, rate_hz=20).describe()
