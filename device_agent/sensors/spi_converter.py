"""An open MCP3xxx converter: vibration, current, sound.

A converter answers with a 0 before its highest bit. A wire that floats high answers 1 there: a gap. One that
floats low cannot be told from a true 0.

Not here: its configuration (``device_agent.sensors.spi``), the device file (``device_agent.sensors.spi_bus``),
gathering blocks (``device_agent.sensors.spi_blocks``).
"""

import math

import numpy as np
import numpy.typing as npt

from device_agent.errors import SensorError
from device_agent.sensors.port import GAP, Block, Channel, Reading
from device_agent.sensors.spi import FRAMINGS, RELEASE_S, SpiAnalog
from device_agent.sensors.spi_blocks import Collector
from device_agent.sensors.spi_bus import MOST_TRANSFERS, Burst, Frames, SpiDevice
from device_agent.sensors.spi_pacing import Pacing

BLOCK_S = 0.1
UNANSWERED = "no converter answers: its null bit is 1"


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
        codes = _codes(received, self._framing.bits).reshape(-1, len(self._channels))
        values: npt.NDArray[np.float64] = self._offset + self._scale * codes
        return values


def _codes(received: Frames, bits: int) -> npt.NDArray[np.float64]:
    """Codes, 0 to ``2**bits - 1``; ``GAP`` where nothing answered."""
    words = received[:, 1].astype(np.int32) << 8 | received[:, 2]
    codes: npt.NDArray[np.float64] = (words & (2**bits - 1)).astype(np.float64)
    codes[(words & 2**bits) != 0] = GAP
    return codes
