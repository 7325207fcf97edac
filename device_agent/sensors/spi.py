"""An MCP3xxx converter read in blocks, for what moves faster than a few hundred hertz: vibration, current, sound.

A converter answers with a 0 before its highest bit. A wire that floats high answers 1 there: a gap. One that
floats low cannot be told from a true 0.

Sources: Microchip MCP3004/3008 (DS21295) and MCP3204/3208 (DS21298), figures 6-1.

Not here: the device file (``device_agent.sensors.spi_bus``), gathering blocks (``device_agent.sensors.spi_blocks``),
slow inputs, which ``gpio_analog`` reads as well.
"""

import math
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.gpio import AnalogInput
from device_agent.sensors.port import GAP, Block, Channel, Description, Reading, SensorConfig, override
from device_agent.sensors.spi_blocks import Collector
from device_agent.sensors.spi_bus import MOST_TRANSFERS, Burst, Frames, SpiDevice
from device_agent.sensors.spi_pacing import Pacing

HIGHEST_HZ = 3200
BLOCK_S = 0.1
RELEASE_S = 12e-6
"""The kernel keeps a chip released for 10 µs between two transfers (Linux, ``spi.c``); and what a transfer costs."""

MOST_BUSY = 0.9
UNANSWERED = "no converter answers: its null bit is 1"


class Framing(NamedTuple):
    """How a converter is asked and answers, in three bytes.

    Attributes:
        bits: Of a code.
        ask: The bytes for a single-ended input.
    """

    bits: int
    ask: Callable[[int], bytes]

    def codes(self, received: Frames) -> npt.NDArray[np.float64]:
        """Codes, 0 to ``2**bits - 1``; ``GAP`` where nothing answered."""
        words = received[:, 1].astype(np.int32) << 8 | received[:, 2]
        codes: npt.NDArray[np.float64] = (words & (2**self.bits - 1)).astype(np.float64)
        codes[(words & 2**self.bits) != 0] = GAP
        return codes


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

    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_HZ)] = 1000.0
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
        return Description(override(channels, self.channels), self.rate_hz)

    def open(self) -> "SpiConverter":
        """See ``SensorConfig``."""
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


class SpiConverter:
    """The open sensor, see ``Sensor`` and ``BlockSensor``; blocks gather from the first time that one is taken.

    Args:
        config: Names inputs and rate.
        channels: One per input.
        device: Closed with the sensor.
    """

    def __init__(self, config: SpiAnalog, channels: tuple[Channel, ...], device: SpiDevice) -> None:
        inputs = tuple(config.inputs.values())
        self._channels = channels
        self._config = config
        self._device = device
        self._framing = FRAMINGS[config.chip]
        self._scale = np.array([item.scale for item in inputs]) / 2**self._framing.bits
        self._offset = np.array([item.offset for item in inputs])
        self._frames = [self._framing.ask(item.channel) for item in inputs]
        self._one = self._burst(1)
        self._collector: Collector | None = None
        self._closed = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``: one scan, now."""
        values = self._values(self._one.run(0))[0].tolist()
        gaps = {
            channel.name: UNANSWERED for channel, value in zip(self._channels, values, strict=True) if math.isnan(value)
        }
        return Reading(tuple(values), gaps)

    def read_block(self) -> Block:
        """See ``BlockSensor``; raises ``SensorError`` where no converter answers at all."""
        if self._closed:
            raise SensorError(f"{self._device}: closed")
        if self._collector is None:
            self._collector = self._collecting()
        block = self._collector.take()
        if not block.values.size:
            return block._replace(values=np.empty((0, len(self._channels))))
        if np.isnan(block.values).all():
            raise SensorError(f"{self._device}: {UNANSWERED}", remedy="check the wire from the converter's data output")
        return block

    def close(self) -> None:
        """See ``Sensor``."""
        self._closed = True
        if self._collector:
            self._collector.close()
        self._device.close()

    def _collecting(self) -> Collector:
        scans = max(1, min(MOST_TRANSFERS // len(self._frames), int(self._config.rate_hz * BLOCK_S)))
        many = self._burst(scans)
        busy_s = len(self._frames) * (24 / self._config.speed_hz + RELEASE_S)
        pacing = Pacing(scans, self._config.rate_hz, busy_s)
        return Collector(lambda pause_us: self._values(many.run(pause_us)), pacing, scans / self._config.rate_hz)

    def _burst(self, scans: int) -> Burst:
        return Burst(self._device, self._frames, scans, speed_hz=self._config.speed_hz)

    def _values(self, received: Frames) -> npt.NDArray[np.float64]:
        codes = self._framing.codes(received).reshape(-1, len(self._channels))
        values: npt.NDArray[np.float64] = self._offset + self._scale * codes
        return values
