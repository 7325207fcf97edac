"""A sensor that keeps its own pace, as a converter behind SPI does, at any rate that blocks may have.

It is a driver of one's own, outside the product's list; ``bench.edge.noting`` puts it in the place of each sensor.
Its values are seeded noise, eight channels wide, 40 steps of resolution.
"""

import time
from typing import Annotated, Final

import msgspec
import numpy as np
from msgspec import Meta

from device_agent.condenser import Surroundings
from device_agent.line import SensorLines
from device_agent.sensors.port import HIGHEST_BLOCK_RATE_HZ, Block, Channel, Description, SensorConfig

_CHANNELS: Final = tuple(Channel(name=f"channel_{number}", resolution=0.001) for number in range(8))
_ROWS: Final = 8192


class NoiseBlocks(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="noise_blocks"):
    """See the module."""

    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_BLOCK_RATE_HZ)] = 1000.0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        return Description(_CHANNELS, self.rate_hz, in_blocks=True)

    def open(self) -> "NoiseSource":  # type: ignore[override]  # it is read in blocks, as it says
        """See ``SensorConfig``."""
        return NoiseSource(self.rate_hz)


class NoiseSource:
    """The open sensor, see ``BlockSensor``.

    Args:
        rate_hz: Scans a second.
    """

    channels = _CHANNELS

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz, self._given, self._began_ns = rate_hz, 0, time.monotonic_ns()
        noise = np.random.default_rng(11).normal(20.0, 0.04, (_ROWS, len(_CHANNELS)))
        self._noise = np.round(noise, 3)

    def read_block(self) -> Block:
        """See ``BlockSensor``."""
        passed_ns = time.monotonic_ns() - self._began_ns
        due = int(passed_ns * self._rate_hz / 1e9)
        rows = np.arange(self._given, due) % _ROWS
        offset_ns = round(self._given / self._rate_hz * 1e9) - passed_ns
        self._given = due
        return Block(self._noise[rows], offset_ns)

    def close(self) -> None:
        """See ``BlockSensor``."""


def in_blocks(around: Surroundings, rate_hz: float) -> SensorLines:
    """A line of noise in the place of each of the document's sensors."""
    sensors = [NoiseBlocks(name=sensor.name, rate_hz=rate_hz) for sensor in around.config.sensors]
    return SensorLines(around._replace(config=msgspec.structs.replace(around.config, sensors=sensors)))
