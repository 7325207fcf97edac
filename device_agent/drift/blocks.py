"""Scans in blocks of one window's length: where each channel was, and how much it varied.

Windows that overlap say the same thing many times; a test for lasting change counts each scan once.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from device_agent.filters.signature import WINDOW_SCANS

Array = np.ndarray[Any, np.dtype[np.float64]]

LEAST_READINGS: Final = WINDOW_SCANS // 2
"""A channel with fewer in a block is NaN there."""


class Block(NamedTuple):
    """One number per channel, in its unit; NaN where too much was missing."""

    mean: Array
    spread: Array


class Blocks:
    """Collects scans of one sensor."""

    def __init__(self, channels: int) -> None:
        self._rows = np.full((WINDOW_SCANS, channels), np.nan)
        self._filled = 0

    def push(self, values: Array) -> Block | None:
        """Takes a scan (NaN for a gap); returns the block that is complete with it."""
        self._rows[self._filled] = values
        self._filled += 1
        if self._filled < WINDOW_SCANS:
            return None
        return self._block()

    @property
    def room(self) -> int:
        """So many scans more complete a block."""
        return WINDOW_SCANS - self._filled

    def extend(self, rows: Array) -> Block | None:
        """Takes scans, at most as many as there is room for; see ``push``."""
        self._rows[self._filled : self._filled + len(rows)] = rows
        self._filled += len(rows)
        return None if self.room else self._block()

    def _block(self) -> Block:
        self._filled = 0
        valid = np.isfinite(self._rows)
        count = valid.sum(axis=0)
        enough = count >= LEAST_READINGS
        mean = np.where(valid, self._rows, 0.0).sum(axis=0) / np.maximum(count, 1)
        apart = np.where(valid, self._rows - mean, 0.0)
        spread = np.sqrt((apart * apart).sum(axis=0) / np.maximum(count, 1))
        return Block(np.where(enough, mean, np.nan), np.where(enough, spread, np.nan))

    def clear(self) -> None:
        """Forgets the block that is being filled."""
        self._filled = 0
