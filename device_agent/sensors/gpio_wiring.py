"""The only door to gpiozero: claims pins, reads them, translates its errors.

gpiozero is an optional extra and is imported when a sensor is opened. On a machine without pins,
``GPIOZERO_PIN_FACTORY=mock`` gives simulated ones (gpiozero, "Mock pins").

Not here: what is wired where (``device_agent.sensors.gpio``).
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from device_agent.errors import ConfigError, SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.gpio_edges import Latch, Pulses
from device_agent.sensors.port import GAP, Channel, Reading
from device_agent.sensors.rates import CounterRates, Look, Missing, Value

Pin = int | str
"""A GPIO number (17) or any name gpiozero knows (``BOARD11``)."""

InputLook = Callable[[int], Value]
"""Reads one input; takes the monotonic nanoseconds now."""


class Wire(Protocol):
    """One input, not yet claimed."""

    def __call__(self, library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        """Claims the hardware, to be given back by the stack; returns how to look at it."""


def digital(pin: Pin, pull: str, bounce_ms: int) -> Wire:
    """A pin read as 0 or 1."""

    def wire(library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        device = keep.enter_context(_input(library, pin, pull, bounce_ms))
        return lambda _now_ns: float(device.value)

    return wire


def edges(pin: Pin, pull: str, bounce_ms: int) -> Wire:
    """A pin read as 0 or 1 that also shows what came and went since the look before."""

    def wire(library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        device = keep.enter_context(_input(library, pin, pull, bounce_ms))
        changes = Pulses()
        latch = Latch(int(device.value))
        device.when_activated = device.when_deactivated = changes.count
        return lambda _now_ns: float(latch.show(int(device.value), changes.counted))

    return wire


def pulses(pin: Pin, pull: str, bounce_ms: int, *, per_pulse: float) -> Wire:
    """A pin whose pulses are counted; reads as units per second."""

    def wire(library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        device = keep.enter_context(_input(library, pin, pull, bounce_ms))
        counter, rates = Pulses(), CounterRates(1)
        device.when_activated = counter.count

        def look(now_ns: int) -> Value:
            value = rates.update(Look(now_ns, {"pin": (counter.counted,)}))[0]
            return value if isinstance(value, Missing) else value * per_pulse

        return look

    return wire


def analog(chip: str, channel: int, select_pin: Pin, *, scale: float, offset: float) -> Wire:
    """An input of an MCP3xxx converter; reads as ``offset + scale times ratio``."""

    def wire(library: ModuleType, keep: contextlib.ExitStack) -> InputLook:
        device = keep.enter_context(getattr(library, chip.upper())(channel=channel, select_pin=select_pin))
        return lambda _now_ns: offset + scale * device.value

    return wire


class Gpio:
    """The open sensor, see ``Sensor``.

    Args:
        channels: One per wire.
        wires: In the channels' order.

    Raises:
        ConfigError: No gpiozero, no pins on this machine, or a pin that cannot be had.
        SensorError: The hardware does not answer.
    """

    def __init__(self, channels: tuple[Channel, ...], wires: Sequence[Wire]) -> None:
        self._channels = channels
        self._library = gpiozero_library()
        with contextlib.ExitStack() as claimed, translated(self._library):
            self._looks = [wire(self._library, claimed) for wire in wires]
            self._keep = claimed.pop_all()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; an input that fails is a gap, all failing is an error."""
        if not self._looks:
            raise SensorError("the gpio sensor is closed")
        now_ns, failures = monotonic_ns(), _hardware_errors(self._library)
        values: list[float] = []
        gaps: dict[str, str] = {}
        for channel, look in zip(self._channels, self._looks, strict=True):
            try:
                value = look(now_ns)
            except failures as exc:
                value = Missing(f"cannot be read: {exc}")
            if isinstance(value, Missing):
                gaps[channel.name] = value.reason
            values.append(GAP if isinstance(value, Missing) else value)
        return Reading(tuple(values), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        self._looks = []
        self._keep.close()


def _input(library: ModuleType, pin: Pin, pull: str, bounce_ms: int) -> Any:  # noqa: ANN401 - gpiozero has no types
    return library.DigitalInputDevice(pin, pull_up=pull == "up", bounce_time=bounce_ms / 1000 or None)


def gpiozero_library() -> ModuleType:
    """The library; where it is missing, ``ConfigError`` says how to get it."""
    try:
        import gpiozero  # noqa: PLC0415 - an optional extra, only sensors that use pins need it
    except ImportError as exc:
        raise ConfigError(
            "gpiozero is not installed", remedy='in the checkout: .venv/bin/pip install ".[gpio]"'
        ) from exc
    library: ModuleType = gpiozero
    return library


@contextlib.contextmanager
def translated(library: ModuleType) -> Iterator[None]:
    """Says in our words what gpiozero raises while pins are claimed or driven."""
    try:
        yield
    except library.BadPinFactory as exc:
        raise ConfigError("this machine has no GPIO that gpiozero can drive", remedy=missing_pins()) from exc
    except (library.GPIOPinInUse, ValueError) as exc:  # gpiozero's errors about arguments are ValueErrors
        raise ConfigError(str(exc), remedy="mend the sensor's pins and channels") from exc
    except _hardware_errors(library) as exc:
        raise SensorError(str(exc)) from exc


def missing_pins(devices: Path = Path("/dev")) -> str:
    """Of the libraries that gpiozero tries it says only that none worked; most often a permission is missing."""
    closed = [path for path in sorted(devices.glob("gpiochip*")) if not os.access(path, os.R_OK | os.W_OK)]
    if closed:
        return f"{closed[0]} is not yours to open: sudo usermod -aG gpio USER, and log in again"
    return 'on a Pi, in the checkout: .venv/bin/pip install ".[gpio]"; elsewhere GPIOZERO_PIN_FACTORY=mock'


def _hardware_errors(library: ModuleType) -> tuple[type[Exception], ...]:
    """What a failing pin raises; lgpio's own error reaches us untranslated and is no ``OSError``."""
    lgpio = getattr(sys.modules.get("lgpio"), "error", OSError)
    return (library.GPIOZeroError, OSError, lgpio)
