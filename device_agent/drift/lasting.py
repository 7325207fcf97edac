"""Whether a distance lasts: a cumulative sum in each direction, with a floor and a ceiling.

    sum ← clip(sum + min(distance, CAP) - TOLERANCE, 0, ceiling)

It is the CUSUM of E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954), against a known reference. What
lasts begins at the ceiling and ends at the floor, so a distance that trembles about the limit begins once.
Distances are in steps: 1.0 is the smallest change worth telling, and then takes ``patience`` blocks.
"""

from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

TOLERANCE: Final = 0.5
"""Distances up to here add nothing."""

CAP: Final = 2.0
"""A block counts at most as so many steps: one wild block is no lasting change."""


class Lasting:
    """One sum for each direction of each channel.

    Args:
        channels: How many.
        patience: Blocks after which a distance of one step has lasted.

    Attributes:
        begun: By channel: 1 for a lasting rise, -1 for a lasting fall, 0 for neither.
    """

    def __init__(self, channels: int, patience: int) -> None:
        self._ceiling = TOLERANCE * patience
        self._up, self._down = np.zeros(channels), np.zeros(channels)
        self.begun = np.zeros(channels, dtype=np.int8)

    def push(self, steps: Array) -> list[int]:
        """Takes each channel's distance; returns the channels whose ``begun`` changed. NaN changes nothing."""
        known = np.isfinite(steps)
        distance = np.where(known, np.clip(steps, -CAP, CAP), 0.0)
        self._up = np.where(known, np.clip(self._up + distance - TOLERANCE, 0.0, self._ceiling), self._up)
        self._down = np.where(known, np.clip(self._down - distance - TOLERANCE, 0.0, self._ceiling), self._down)
        before = self.begun
        rises = (self._up >= self._ceiling) | ((before == 1) & (self._up > 0))
        falls = (self._down >= self._ceiling) | ((before == -1) & (self._down > 0))
        self.begun = rises.astype(np.int8) - falls.astype(np.int8)
        return [int(i) for i in np.flatnonzero(self.begun != before)]
