"""Signals that are known beforehand.

A value is a function of the seed, the channel and the scan's number, of nothing else, so that a run can be told again,
from any scan on.

The noise of scan n is a hash of n (splitmix64; Steele, Lea and Flood 2014), made normal by Box and Muller.

Pure. Not here: faults, the passing of time (``device_agent.sensors.simulated``).
"""

import math
import zlib
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from device_agent.sensors.port import Channel

Finite = Annotated[float, Meta(ge=-1e12, le=1e12)]
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))


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

    def at(self, scans: NDArray[np.int64], *, rate_hz: float, key: int) -> NDArray[np.float64]:
        """Its values at some scans, counted from 0; ``key`` chooses the noise, see ``noise_key``."""
        turns: NDArray[np.float64] = (scans / (rate_hz * self.period_s) + self.phase) % 1.0
        values = self.mean + self.amplitude * self._wave(turns)
        return values + self.noise * _normal(scans, key) if self.noise else values

    def _wave(self, turns: NDArray[np.float64]) -> NDArray[np.float64]:
        match self.wave:
            case "sine":
                return np.sin(2 * math.pi * turns)
            case "square":
                return np.where(turns < 0.5, 1.0, -1.0)  # noqa: PLR2004 - half a turn
            case "triangle":
                return 1 - 4 * np.abs((turns + 0.25) % 1.0 - 0.5)
            case "sawtooth":
                return 2 * turns - 1
            case "constant":
                return np.zeros_like(turns)


def noise_key(seed: int, channel: str) -> int:
    """A number for the noise of one channel of one seed."""
    return (seed << 32 | zlib.crc32(channel.encode())) & (2**64 - 1)


def _normal(scans: NDArray[np.int64], key: int) -> NDArray[np.float64]:
    first, second = (_uniform(2 * scans + half, key) for half in (0, 1))
    normal: NDArray[np.float64] = np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * math.pi * second)
    return normal


def _uniform(numbers: NDArray[np.int64], key: int) -> NDArray[np.float64]:
    """From 0 up to, not including, 1."""
    state = np.atleast_1d(_mixed(np.array([key], dtype=np.uint64))) + numbers.astype(np.uint64) * _GOLDEN
    uniform: NDArray[np.float64] = (_mixed(state) >> _SHIFTS[3]).astype(np.float64) * 2.0**-53
    return uniform


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> _SHIFTS[0])) * _MIX[0]
    state = (state ^ (state >> _SHIFTS[1])) * _MIX[1]
    return state ^ (state >> _SHIFTS[2])
