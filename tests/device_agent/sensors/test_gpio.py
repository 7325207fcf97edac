import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.exc import PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin, MockSPIDevice

from device_agent.errors import ConfigError
from device_agent.sensors.gpio import (
    AnalogInput,
    DigitalInput,
    GpioAnalog,
    GpioDigital,
    GpioPulse,
    PulseInput,
)
from device_agent.sensors.gpio_wiring import missing_pins


class SimulatedMcp3008(MockSPIDevice):
    """Answers on the simulated bus as the chip's data sheet says (MCP3004/3008, figure 6-1)."""

    levels = (0, 512, 1023, 0, 0, 0, 0, 0)

    def __init__(self) -> None:
        super().__init__(11, 10, 9, 8)

    def on_bit(self) -> None:
        # after 7 leading zeros and the start bit come single/differential and three channel bits
        if self.rx_bit == 12:
            channel = self.rx_word() & 0b111
            self.tx_word(self.levels[channel], 12)


@pytest.fixture(autouse=True)
def pins() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


def test_a_digital_input_follows_its_pin(pins: MockFactory) -> None:
    config = GpioDigital(name="d", inputs={"a": DigitalInput(pin=17), "b": DigitalInput(pin=18, pull="up")})
    sensor = config.open()
    assert sensor.read().values == (0.0, 0.0)
    pins.pin(17).drive_high()
    pins.pin(18).drive_low()
    assert sensor.read().values == (1.0, 1.0)
    sensor.close()


def test_what_came_and_went_between_two_readings_is_shown_once(pins: MockFactory) -> None:
    sensor = GpioDigital(name="d", inputs={"a": DigitalInput(pin=17, watch="edges")}).open()
    assert sensor.read().values == (0.0,)
    for _ in range(3):
        pins.pin(17).drive_high()
        pins.pin(17).drive_low()
    assert [sensor.read().values[0] for _ in range(3)] == [1.0, 0.0, 0.0]
    pins.pin(17).drive_high()
    assert [sensor.read().values[0] for _ in range(2)] == [1.0, 1.0]
    pins.pin(17).drive_low()
    pins.pin(17).drive_high()
    assert [sensor.read().values[0] for _ in range(3)] == [0.0, 1.0, 1.0]
    sensor.close()


def test_a_polled_input_shows_the_level_of_the_moment_only(pins: MockFactory) -> None:
    sensor = GpioDigital(name="d", inputs={"a": DigitalInput(pin=17)}).open()
    pins.pin(17).drive_high()
    pins.pin(17).drive_low()
    assert sensor.read().values == (0.0,)
    sensor.close()


def test_a_bouncing_contact_is_debounced_by_the_hardware_library(pins: MockFactory) -> None:
    sensor = GpioPulse(name="rain", inputs={"mm": PulseInput(pin=27, bounce_ms=5)}).open()
    assert pins.pin(27).bounce == 0.005
    sensor.close()


def test_pulses_are_counted_between_readings_and_scaled(pins: MockFactory) -> None:
    config = GpioPulse(name="flow", inputs={"flow": PulseInput(pin=27, per_pulse=0.5, unit="L/s")})
    sensor = config.open()
    assert sensor.read().gaps == {"flow": "a rate needs two readings"}
    for _ in range(10):
        pins.pin(27).drive_low()
        pins.pin(27).drive_high()
    assert sensor.read().values[0] > 0
    assert sensor.read().values == (0.0,)
    sensor.close()


def test_an_analog_input_is_scaled_to_its_unit() -> None:
    inputs = {
        "zero": AnalogInput(channel=0, scale=250, offset=-25, unit="kPa"),
        "half": AnalogInput(channel=1, scale=250, unit="kPa"),
        "full": AnalogInput(channel=2, scale=250, unit="kPa"),
    }
    with SimulatedMcp3008():
        sensor = GpioAnalog(name="tank", inputs=inputs).open()
        zero, half, full = sensor.read().values
        sensor.close()
    assert zero == pytest.approx(-25, abs=0.25)
    assert half == pytest.approx(125, abs=0.25)
    assert full == pytest.approx(250, abs=0.25)


class DyingPin(MockPin):
    """A pin whose state cannot be read once its wire is cut."""

    cut = False

    def _get_state(self) -> bool:
        if self.cut:
            raise PinSetInput("wire is cut")
        return bool(super()._get_state())


def test_an_input_that_fails_is_a_gap_and_leaves_the_others(pins: MockFactory) -> None:
    pins.pin(17, pin_class=DyingPin)
    sensor = GpioDigital(name="d", inputs={"a": DigitalInput(pin=17), "b": DigitalInput(pin=18)}).open()
    pins.pin(17).cut = True
    reading = sensor.read()
    assert reading.gaps == {"a": "cannot be read: wire is cut"}
    assert reading.values[1] == 0.0
    sensor.close()


def test_a_pin_used_twice_is_an_error_of_the_configuration_and_frees_what_was_claimed() -> None:
    config = GpioDigital(name="d", inputs={"a": DigitalInput(pin=17), "b": DigitalInput(pin=17)})
    with pytest.raises(ConfigError, match="17"):
        config.open()
    GpioDigital(name="d", inputs={"a": DigitalInput(pin=17)}).open().close()


def test_a_pin_that_does_not_exist_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="NOPE"):
        GpioDigital(name="d", inputs={"a": DigitalInput(pin="NOPE")}).open()


def test_a_missing_library_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(ConfigError) as caught:
        GpioDigital(name="d", inputs={"a": DigitalInput(pin=17)}).open()
    assert caught.value.remedy == 'in the checkout: .venv/bin/pip install ".[gpio]"'


def test_gpio_sensors_are_described_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    described = GpioAnalog(name="t", inputs={"v": AnalogInput(channel=0)}).describe()
    assert described.channels[0].resolution == 0.001


def test_a_machine_whose_pins_are_closed_to_this_user_names_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = tmp_path / "gpiochip0"
    chip.touch()
    assert "pip install" in missing_pins(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, _mode: path != chip)
    assert missing_pins(tmp_path) == f"{chip} is not yours to open: sudo usermod -aG gpio USER, and log in again"
