"""Signals that are known beforehand.

A value is a function of the seed, the channel and the scan's number, of nothing else, so that a run can be told again,
from any scan on.

Pure. Not here: the numbers (``device_agent.sensors.wave_values``), faults, the passing of time
(``device_agent.sensors.simulated``).
"""

import zlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device_agent.sensors.port import Channel

Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]


class Signal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel: ``mean + amplitude times wave + noise``.

    Attributes:
        wave: Its shape, between -1 and 1; ``constant`` is 0.
        mean: In units.
        amplitude: In units, from the mean to the top.
        period_s: Of the wave.
        phase: Where it begins, in periods.
        noise: Standard deviation in units.
        unit: Of the channel.
        resolution: Smallest step worth keeping.
    """

    wave: Literal["constant", "sine", "square", "triangle", "sawtooth"] = "sine"
    mean: Finite = 0.0
    amplitude: Finite = 1.0
    period_s: Annotated[float, Meta(gt=0, le=1e9)] = 60.0
    phase: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    noise: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    unit: str = ""
    resolution: Annotated[float, Meta(gt=0)] = 0.001

    def channel(self, name: str) -> Channel:
        """As which channel it is known."""
        return Channel(name=name, unit=self.unit, resolution=self.resolution)


def noise_key(seed: int, channel: str) -> int:
    """A number for the noise of one channel of one seed."""
    return (seed << 32 | zlib.crc32(channel.encode())) & (2**64 - 1)
