"""gpiozero's own mock pins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.exc import PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin, MockTriggerPin

from device_agent.sensors.gpio import AnalogInput, DigitalInput, GpioAnalog, GpioDigital, GpioPulse, PulseInput
from device_agent.sensors.gpio_distance import GpioDistance
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker


class Wire(MockPin):
    """A pin whose state cannot be read once its wire is cut."""

    cut = False

    def _get_state(self) -> bool:
        if self.cut:
            raise PinSetInput("wire is cut")
        return bool(super()._get_state())


@contextmanager
def _pins() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


@contextmanager
def _digital(_folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with _pins() as pins:
        pins.pin(17, pin_class=Wire)
        yield Bench(
            config=GpioDigital(name="door", inputs={"open": DigitalInput(pin=17)}),
            cut=lambda: patch.setattr(Wire, "cut", True),
            mend=lambda: patch.setattr(Wire, "cut", False),
        )


@contextmanager
def _pulse(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with _pins():
        yield Bench(config=GpioPulse(name="flow", inputs={"litres": PulseInput(pin=27, unit="L/s")}))


@contextmanager
def _analog(_folder: Path, _patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with _pins():
        yield Bench(config=GpioAnalog(name="tank", inputs={"volts": AnalogInput(channel=0)}))


class Ping(MockTriggerPin):
    """A distance sensor whose echo can be taken away."""

    deaf = False

    def _set_state(self, value: int) -> None:
        if self.deaf:
            MockPin._set_state(self, value)
        else:
            super()._set_state(value)


@contextmanager
def _distance(_folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with _pins() as pins:
        pins.pin(23, pin_class=Ping, echo_pin=pins.pin(24), echo_time=0.0058)
        yield Bench(
            config=GpioDistance(name="bin", trigger=23, echo=24),
            cut=lambda: patch.setattr(Ping, "deaf", True),
            mend=lambda: patch.setattr(Ping, "deaf", False),
            hang=lambda: patch.setattr(Ping, "deaf", True),
            longest_s=0.5,
        )


BENCHES: dict[str, BenchMaker] = {
    "gpio_digital": _digital,
    "gpio_pulse": _pulse,
    "gpio_analog": _analog,
    "gpio_distance": _distance,
}
NEVER_CUT = {"gpio_pulse", "gpio_analog"}
WAITS_FOR_NOTHING = {"gpio_digital"}
NO_BYTES = {"gpio_digital", "gpio_distance"}
