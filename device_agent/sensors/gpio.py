"""What is wired to the header: digital inputs, pulse counters, analog inputs behind an MCP3xxx converter.

Not here: outputs (``device_agent.outputs``), gpiozero (``device_agent.sensors.gpio_wiring``), distances
(``device_agent.sensors.gpio_distance``), a converter read at hundreds of hertz (``device_agent.sensors.spi``).
"""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device_agent.sensors.gpio_wiring import Gpio, Pin, analog, digital, edges, pulses
from device_agent.sensors.port import Channel, Description, SensorConfig, override

CHIP = "/dev/gpiochip0"
"""Its device file is the header's on every Raspberry Pi with a current kernel."""

Pull = Literal["up", "down"]
Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]
BounceMs = Annotated[int, Meta(ge=0, le=1000)]
_STEPS = {"mcp3004": 2**10, "mcp3008": 2**10, "mcp3204": 2**12, "mcp3208": 2**12}


class DigitalInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pin read as 0 or 1. With ``pull: up`` it is 1 while something pulls it to ground.

    Attributes:
        pin: Where.
        pull: The resistor within the machine, and so what a pin that nothing drives is.
        watch: ``level`` asks the pin at each scan. ``edges`` is told of every change too, and what came and went
            between two scans is one scan of the other state.
        bounce_ms: How long a contact may bounce: changes shorter than this are none.
    """

    pin: Pin
    pull: Pull = "down"
    watch: Literal["level", "edges"] = "level"
    bounce_ms: BounceMs = 0


class PulseInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pin whose pulses are counted, for flow, energy and rain meters.

    Attributes:
        pin: Where.
        pull: ``up`` counts falling edges, ``down`` rising ones.
        per_pulse: Units that one pulse stands for; the channel is units per second.
        unit: Of the channel, e.g. ``L/s``.
        bounce_ms: How long a contact may bounce: pulses shorter than this are none.
    """

    pin: Pin
    pull: Pull = "up"
    bounce_ms: BounceMs = 0
    per_pulse: Annotated[float, Meta(gt=0)] = 1.0
    unit: str = "1/s"


class AnalogInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input of the converter; the channel is ``offset + scale times ratio`` with a ratio of 0 to 1.

    Attributes:
        channel: Of the converter, 0 to 7 (0 to 3 on those with four).
        scale: Units over the whole range, e.g. 3.3 for volts on a 3.3 V reference.
        offset: Units at zero.
        unit: Of the channel.
    """

    channel: Annotated[int, Meta(ge=0, le=7)]
    scale: Finite = 3.3
    offset: Finite = 0.0
    unit: str = "V"


class GpioDigital(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio_digital"):
    """Digital inputs, one channel each: polled, or told of every edge."""

    inputs: Annotated[dict[str, DigitalInput], Meta(min_length=1)]

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (CHIP,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        channels = tuple(Channel(name=name, resolution=1, low=0, high=1) for name in self.inputs)
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> Gpio:
        """See ``SensorConfig``."""
        wires = [
            (edges if item.watch == "edges" else digital)(item.pin, item.pull, item.bounce_ms)
            for item in self.inputs.values()
        ]
        return Gpio(self.describe().channels, wires)


class GpioPulse(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio_pulse"):
    """Pulse counters, one channel each: units per second since the reading before."""

    inputs: Annotated[dict[str, PulseInput], Meta(min_length=1)]

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (CHIP,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        channels = tuple(Channel(name=name, unit=item.unit, low=0) for name, item in self.inputs.items())
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> Gpio:
        """See ``SensorConfig``."""
        wires = [pulses(item.pin, item.pull, item.bounce_ms, per_pulse=item.per_pulse) for item in self.inputs.values()]
        return Gpio(self.describe().channels, wires)


class GpioAnalog(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio_analog"):
    """Inputs of an MCP3xxx converter on the SPI bus, one channel each.

    Attributes:
        inputs: By channel name.
        chip: Which converter; 10 bits for mcp30xx, 12 for mcp32xx.
        select_pin: The bus's chip-select line.
    """

    inputs: Annotated[dict[str, AnalogInput], Meta(min_length=1)]
    chip: Literal["mcp3004", "mcp3008", "mcp3204", "mcp3208"] = "mcp3008"
    select_pin: Pin = 8

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (CHIP,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        channels = tuple(
            Channel(name=name, unit=item.unit, resolution=_resolution(item.scale, _STEPS[self.chip]))
            for name, item in self.inputs.items()
        )
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> Gpio:
        """See ``SensorConfig``."""
        wires = [
            analog(self.chip, item.channel, self.select_pin, scale=item.scale, offset=item.offset)
            for item in self.inputs.values()
        ]
        return Gpio(self.describe().channels, wires)


def _resolution(scale: float, steps: int) -> float:
    """The power of ten just below one step of the converter."""
    return 10.0 ** math.floor(math.log10(abs(scale or 1) / steps))
