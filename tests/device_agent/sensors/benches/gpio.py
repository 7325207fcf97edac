"""gpiozero's own mock pins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.exc import PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin

from device_agent.sensors.gpio import AnalogInput, DigitalInput, GpioAnalog, GpioDigital, GpioPulse, PulseInput
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


BENCHES: dict[str, BenchMaker] = {"gpio_digital": _digital, "gpio_pulse": _pulse, "gpio_analog": _analog}
