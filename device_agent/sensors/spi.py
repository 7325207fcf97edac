"""An MCP3xxx converter read in blocks, for what moves faster than a few hundred hertz: its configuration.

Sources: Microchip MCP3004/3008 (DS21295) and MCP3204/3208 (DS21298), figures 6-1.

Not here: the open sensor (``device_agent.sensors.spi_converter``), slow inputs, which ``gpio_analog`` reads as well.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta

from device_agent.errors import ConfigError
from device_agent.sensors.gpio import AnalogInput
from device_agent.sensors.port import HIGHEST_BLOCK_RATE_HZ, Channel, Description, SensorConfig, override

if TYPE_CHECKING:
    from device_agent.sensors.spi_converter import SpiConverter

POLLED_UP_TO_HZ = 200
"""A scan at a time, by the sampler's own clock; above, the kernel keeps the time."""

RELEASE_S = 12e-6
"""The kernel keeps a chip released for 10 µs between two transfers (Linux, ``spi.c``); and what a transfer costs."""

MOST_BUSY = 0.9


class Framing(NamedTuple):
    """How a converter is asked and answers, in three bytes.

    Attributes:
        bits: Of a code.
        ask: The bytes for a single-ended input.
    """

    bits: int
    ask: Callable[[int], bytes]


_TEN = Framing(10, lambda channel: bytes((0x01, 0x80 | channel << 4, 0)))
_TWELVE = Framing(12, lambda channel: bytes((0x06 | channel >> 2, (channel & 3) << 6, 0)))
FRAMINGS = {"mcp3004": _TEN, "mcp3008": _TEN, "mcp3204": _TWELVE, "mcp3208": _TWELVE}
_FOUR = ("mcp3004", "mcp3204")


class SpiAnalog(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="spi_analog"):
    """Inputs of an MCP3xxx converter, one channel each, in blocks of up to 3200 scans a second.

    Attributes:
        rate_hz: Scans per second.
        inputs: By channel name.
        chip: Which converter; 10 bits for mcp30xx, 12 for mcp32xx.
        device: Its device file.
        speed_hz: Of the bus's clock; at 3.3 V at most 1.35 MHz for mcp30xx and 1 MHz for mcp32xx.
    """

    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_BLOCK_RATE_HZ)] = 1000.0
    inputs: Annotated[dict[str, AnalogInput], Meta(min_length=1, max_length=8)]
    chip: Literal["mcp3004", "mcp3008", "mcp3204", "mcp3208"] = "mcp3208"
    device: Annotated[str, Meta(pattern="^/")] = "/dev/spidev0.0"
    speed_hz: Annotated[int, Meta(ge=100_000, le=3_600_000)] = 1_000_000

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (self.device,)

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        highest_hz = MOST_BUSY / (len(self.inputs) * (24 / self.speed_hz + RELEASE_S))
        if self.rate_hz > highest_hz:
            raise ConfigError(
                f"`rate_hz`: {self.rate_hz:g} scans of {len(self.inputs)} inputs per second, at most {highest_hz:.0f} "
                f"here: a conversion takes {24e6 / self.speed_hz + RELEASE_S * 1e6:.0f} µs",
                remedy="read fewer inputs, or raise `speed_hz` as far as the converter and its wires allow",
            )
        absent = [name for name, item in self.inputs.items() if item.channel >= self._terminals]
        if absent:
            raise ConfigError(f"inputs.{absent[0]}: {self.chip} has no such channel", remedy="use one of 0 to 3")
        channels = tuple(_channel(name, item, FRAMINGS[self.chip].bits) for name, item in self.inputs.items())
        in_blocks = self.rate_hz > POLLED_UP_TO_HZ
        return Description(override(channels, self.channels), self.rate_hz, in_blocks=in_blocks)

    def open(self) -> "SpiConverter":
        """See ``SensorConfig``."""
        from device_agent.sensors.spi_bus import SpiDevice  # noqa: PLC0415 - NumPy; who only reads a document has none
        from device_agent.sensors.spi_converter import SpiConverter  # noqa: PLC0415 - as above

        description = self.describe()
        return SpiConverter(self, description.channels, SpiDevice(self.device))

    @property
    def _terminals(self) -> int:
        return 4 if self.chip in _FOUR else 8


def _channel(name: str, item: AnalogInput, bits: int) -> Channel:
    """In steps of the power of ten just below the converter's."""
    ends = item.offset, item.offset + item.scale
    resolution = 10.0 ** math.floor(math.log10(abs(item.scale or 1) / 2**bits))
    return Channel(name=name, unit=item.unit, resolution=resolution, low=min(ends), high=max(ends))
