"""The steps in which a sensor's values are kept: each channel's resolution.

A value is an integer count of steps wherever it is kept raw; statistics get one decimal digit more, since a mean
of zeros and ones says something. A value that no integer count can hold is a gap, counted.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel

Array = np.ndarray[Any, np.dtype[np.float64]]

MAX_STEPS: Final = 2.0**50
"""Differences of such integers, with their sign and a mark for gaps, are exact in a float64 (``contract.traces``)."""

MAX_VALUE: Final = 1e30
"""Float32, in which the model computes, ends at 3.4e38; differences and squares need room."""

_MAX_DECIMALS: Final = 12


class Grid:
    """One sensor's resolutions.

    Raises:
        ConfigError: A resolution is not a positive number.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        for channel in channels:
            if not (math.isfinite(channel.resolution) and channel.resolution > 0):
                raise ConfigError(
                    f"channel {channel.name!r}: resolution {channel.resolution}",
                    remedy="use a number above 0, the smallest step worth keeping",
                )
        self.resolutions = np.array([channel.resolution for channel in channels], dtype=np.float64)
        self.decimals = [_decimals(channel.resolution) for channel in channels]
        self._scale = 10.0 ** np.array(self.decimals)
        self._units = np.rint(self.resolutions * self._scale)
        self._whole = [i for i, decimals in enumerate(self.decimals) if not decimals]
        self._limits = np.minimum(MAX_STEPS * self.resolutions, MAX_VALUE)

    def representable(self, values: Sequence[float]) -> tuple[Array, int]:
        """A scan with NaN for every gap and for what cannot be kept, and how many of the latter there were.

        A scan of the wrong length is all gaps.
        """
        if len(values) != len(self.decimals):
            return np.full(len(self.decimals), np.nan), len(self.decimals)
        array = np.array(values, dtype=np.float64)
        lost = np.abs(array) > self._limits
        if not lost.any():
            return array, 0
        array[lost] = np.nan
        return array, int(lost.sum())

    def representable_rows(self, values: Array) -> tuple[Array, int]:
        """Scans by channels: as ``representable``, all at once."""
        if values.shape[1] != len(self.decimals):
            return np.full((len(values), len(self.decimals)), np.nan), len(values) * len(self.decimals)
        lost = np.abs(values) > self._limits
        return np.where(lost, np.nan, values), int(lost.sum())

    def steps(self, values: Array) -> Array:
        """Values as counts of steps, NaN for a gap; works on a scan or on rows of scans."""
        return np.rint(values / self.resolutions)

    def raw_bytes(self, wall_ms: int, values: Array) -> int:
        """Length of the scan as ``[wall_ms,v1,v2,…]`` in compact JSON at resolution, gaps ``null``.

        A quotient of integers is the double nearest to the decimal number, so it has no more digits than that.
        """
        return self.raw_bytes_of_rows([wall_ms], values.reshape(1, -1))

    def raw_bytes_of_rows(self, wall_ms: Sequence[int], values: Array) -> int:
        """The same of many scans."""
        rows: list[list[float]] = (self.steps(values) * self._units / self._scale).tolist()
        for i in self._whole:
            for row in rows:
                if row[i] == row[i]:
                    row[i] = int(row[i])
        return sum(len(msgspec.json.encode([at_ms, *row])) for at_ms, row in zip(wall_ms, rows, strict=True))

    def statistic(self, channel: int, value: float) -> float | None:
        """A statistic of one channel (by index), one digit finer than its resolution; ``None`` if not finite."""
        return round(value, self.decimals[channel] + 1) if math.isfinite(value) else None


def _decimals(resolution: float) -> int:
    """How many decimal digits write a multiple of the resolution exactly (within a billionth of a step)."""
    for digits in range(_MAX_DECIMALS):
        scaled = resolution * 10**digits
        if scaled >= 1 and abs(scaled - round(scaled)) <= 1e-9 * scaled:
            return digits
    return _MAX_DECIMALS
